// Loop programs to machine code. The only folder that sees LLVM.
#ifndef KILN_COMPILER_CODEGEN_CODEGEN_H_
#define KILN_COMPILER_CODEGEN_CODEGEN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "compiler/codegen/kernel_table.h"
#include "compiler/loops/loop_ir.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

struct CodegenOptions {
  v1::Target target;
  // Every access checked against its buffer; KILN_ERROR_INDEX when outside.
  bool check_bounds = false;
  // That make machine code. The code does not depend on their number.
  int threads = 1;
};

// A kernel's code, or the entry's.
struct UnitCode {
  std::string symbol;    // "kernel.NAME", or "entry"
  std::string object;    // ELF relocatable
  std::string llvm_ir;   // after optimisation; only if asked for
  std::string assembly;
  // Of one thread, from the loop IR on.
  absl::Duration time;
};

struct ObjectCode {
  // The target's.
  std::string arch;
  // Each unique kernel, in the order of first use, then the entry.
  std::vector<UnitCode> units;
  // ISA features that the code needs, sorted.
  std::vector<std::string> isa_features;
  // Of which the code is: unit i is kernel i's.
  KernelTable kernels;
};

// Initialises LLVM's targets. Once per process, before threads.
void InitializeCodegen();

// `program` is scheduled and verified. Identical kernels are emitted once.
absl::StatusOr<ObjectCode> GenerateCode(const LoopProgram& program, const CodegenOptions& options,
                                        bool want_text = false);

// Links with lld in this process: object code and a manifest into one shared
// object with the single export KILN_ENTRY_SYMBOL. Deterministic.
absl::StatusOr<std::string> LinkArtifact(const ObjectCode& code, const v1::Manifest& manifest);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_CODEGEN_H_
