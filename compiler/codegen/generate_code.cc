#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/codegen/code_unit.h"
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/entry_emitter.h"
#include "compiler/codegen/entry_program.h"
#include "compiler/codegen/entry_routines.h"
#include "compiler/codegen/isa_table.h"
#include "compiler/codegen/kernel_emitter.h"
#include "compiler/codegen/kernel_table.h"
#include "compiler/codegen/lane_types.h"
#include "compiler/codegen/target_machine.h"

namespace kiln {
namespace {

absl::Status CheckDTypes(const KernelTable& table) {
  for (const UniqueKernel& kernel : table.kernels) {
    for (const BufferParameter& buffer : kernel.buffers) {
      absl::Status status = CheckDTypeSupported(buffer.dtype);
      if (status.ok()) continue;
      const int node = kernel.nodes.empty() ? -1 : kernel.nodes.front();
      return AddContext(status, absl::StrCat("kernel ", kernel.symbol, " of node ", node));
    }
  }
  return absl::OkStatus();
}

// The types of what the program's kernels have in memory.
std::vector<DType> DTypesOf(const KernelTable& table) {
  std::vector<DType> dtypes;
  for (const UniqueKernel& kernel : table.kernels) {
    for (const BufferParameter& buffer : kernel.buffers) dtypes.push_back(buffer.dtype);
  }
  return dtypes;
}

// The units of a program and what becomes of them, in step.
class Units {
 public:
  Units(const Isa& isa, const CodegenOptions& options, bool want_text)
      : isa_(isa), options_(options), want_text_(want_text) {}

  // Emission shares the pool of expressions, and so is one thread's.
  absl::Status Emit(const LoopProgram& program, const KernelTable& table) {
    KILN_ASSIGN_OR_RETURN(std::unique_ptr<llvm::TargetMachine> machine, MakeTargetMachine(isa_));
    KILN_RETURN_IF_ERROR(CheckDTypes(table));
    KILN_ASSIGN_OR_RETURN(const EntryProgram entry, BuildEntryProgram(program, table));
    for (const UniqueKernel& kernel : table.kernels) {
      KILN_RETURN_IF_ERROR(Add(kernel.symbol, *machine, [&](CodeUnit& unit) {
        return EmitKernel(kernel, program.pool, isa_, {options_.check_bounds}, &unit.module()).status();
      }));
    }
    return Add("entry", *machine, [&](CodeUnit& unit) {
      KILN_RETURN_IF_ERROR(unit.AddAssembly(EntryRoutines()));
      return EmitEntry(entry, table, program, isa_, &unit.module());
    });
  }

  absl::Status Finish() {
    std::atomic<size_t> next = 0;
    std::vector<absl::Status> failed(units_.size());
    auto work = [&] {
      absl::StatusOr<std::unique_ptr<llvm::TargetMachine>> machine = MakeTargetMachine(isa_);
      for (size_t i = next++; i < units_.size(); i = next++) {
        failed[i] = machine.ok() ? units_[i].Finish(isa_, **machine, want_text_, &codes_[i]) : machine.status();
      }
    };
    const size_t most = static_cast<size_t>(std::max(options_.threads, 1));
    std::vector<std::thread> others;
    try {
      while (others.size() + 1 < std::min(most, units_.size())) others.emplace_back(work);
    } catch (const std::system_error&) {
      // A machine that gives no more threads: those that run take all units.
    }
    work();
    for (std::thread& thread : others) thread.join();
    // The first in order, whichever thread was first.
    for (const absl::Status& status : failed) KILN_RETURN_IF_ERROR(status);
    return absl::OkStatus();
  }

  std::vector<UnitCode> Take() && { return std::move(codes_); }

 private:
  template <typename EmitInto>
  absl::Status Add(const std::string& symbol, const llvm::TargetMachine& machine, EmitInto emit_into) {
    const absl::Time start = absl::Now();
    units_.emplace_back(symbol, machine, /*keep_names=*/want_text_);
    KILN_RETURN_IF_ERROR(emit_into(units_.back()));
    codes_.emplace_back().symbol = symbol;
    codes_.back().time = absl::Now() - start;
    return absl::OkStatus();
  }

  const Isa& isa_;
  const CodegenOptions& options_;
  const bool want_text_;
  std::vector<CodeUnit> units_;
  std::vector<UnitCode> codes_;
};

}  // namespace

absl::StatusOr<ObjectCode> GenerateCode(const LoopProgram& program, const CodegenOptions& options, bool want_text) {
  KILN_ASSIGN_OR_RETURN(Isa selected, SelectIsa(options.target));
  KernelTable table = BuildKernelTable(program);
  const Isa isa = NarrowedTo(DTypesOf(table), std::move(selected));
  Units units(isa, options, want_text);
  KILN_RETURN_IF_ERROR(units.Emit(program, table));
  KILN_RETURN_IF_ERROR(units.Finish());
  return ObjectCode{isa.arch, std::move(units).Take(), isa.features, std::move(table)};
}

}  // namespace kiln
