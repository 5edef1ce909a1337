#include "compiler/codegen/disassemble.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCDisassembler/MCDisassembler.h"
#include "llvm/MC/MCInst.h"
#include "llvm/MC/MCInstPrinter.h"
#include "llvm/MC/MCInstrAnalysis.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/MCTargetOptions.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"

namespace kiln {
namespace {

// A processor whose code can be read, and the extensions that its reader must be told of.
struct ReadableProcessor {
  llvm::Triple::ArchType arch;
  const char* triple;
  const char* features;
};
constexpr ReadableProcessor kProcessors[] = {
    {llvm::Triple::x86_64, "x86_64-unknown-linux-gnu", ""},
    {llvm::Triple::aarch64, "aarch64-unknown-linux-gnu", "+all"},
};

void InitializeReaders() {
  static const bool done = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86Disassembler();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64Disassembler();
    return true;
  }();
  (void)done;
}

absl::Status Unreadable(llvm::Error error) {
  return MakeError(ErrorReason::kArtifactCorrupt,
                   absl::StrCat("disassembly: ", llvm::toString(std::move(error))));
}

std::string Hex(uint64_t value) { return absl::StrCat("0x", absl::Hex(value)); }

// LLVM's parts for one processor.
class Reader {
 public:
  static absl::StatusOr<std::unique_ptr<Reader>> Make(const ReadableProcessor& row) {
    std::string error;
    const llvm::Target* target = llvm::TargetRegistry::lookupTarget(row.triple, error);
    if (target == nullptr) return MakeError(ErrorReason::kUnsupportedTarget, absl::StrCat("disassembly: ", error));
    auto reader = std::unique_ptr<Reader>(new Reader());
    const llvm::Triple triple(row.triple);
    reader->registers_.reset(target->createMCRegInfo(row.triple));
    reader->syntax_.reset(target->createMCAsmInfo(*reader->registers_, row.triple, reader->options_));
    reader->subtarget_.reset(target->createMCSubtargetInfo(row.triple, "", row.features));
    reader->instructions_.reset(target->createMCInstrInfo());
    reader->context_ = std::make_unique<llvm::MCContext>(triple, reader->syntax_.get(), reader->registers_.get(),
                                                         reader->subtarget_.get());
    reader->disassembler_.reset(target->createMCDisassembler(*reader->subtarget_, *reader->context_));
    reader->analysis_.reset(target->createMCInstrAnalysis(reader->instructions_.get()));
    reader->printer_.reset(target->createMCInstPrinter(triple, reader->syntax_->getAssemblerDialect(),
                                                       *reader->syntax_, *reader->instructions_,
                                                       *reader->registers_));
    if (reader->disassembler_ == nullptr || reader->printer_ == nullptr || reader->analysis_ == nullptr) {
      return MakeError(ErrorReason::kUnsupportedTarget,
                       absl::StrCat("disassembly: LLVM has no disassembler for ", row.triple));
    }
    reader->printer_->setPrintImmHex(false);
    reader->printer_->setPrintBranchImmAsAddress(true);
    return reader;
  }

  struct Instruction {
    uint64_t size_bytes = 0;
    bool is_known = false;
    llvm::MCInst inst;
    std::optional<uint64_t> jump, memory;
  };

  Instruction Read(llvm::ArrayRef<uint8_t> bytes, uint64_t address) {
    Instruction read;
    read.is_known = disassembler_->getInstruction(read.inst, read.size_bytes, bytes, address, llvm::nulls()) ==
                    llvm::MCDisassembler::Success;
    if (!read.is_known) {
      read.size_bytes = std::min<uint64_t>(std::max<uint64_t>(1, syntax_->getMinInstAlignment()), bytes.size());
      return read;
    }
    uint64_t target = 0;
    if (analysis_->evaluateBranch(read.inst, address, read.size_bytes, target)) read.jump = target;
    read.memory = analysis_->evaluateMemoryOperandAddress(read.inst, subtarget_.get(), address, read.size_bytes);
    return read;
  }

  std::string Print(const llvm::MCInst& inst, uint64_t address) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    printer_->printInst(&inst, address, "", *subtarget_, stream);
    return text;
  }

 private:
  Reader() = default;

  // In the order in which they need each other.
  llvm::MCTargetOptions options_;
  std::unique_ptr<llvm::MCRegisterInfo> registers_;
  std::unique_ptr<llvm::MCAsmInfo> syntax_;
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget_;
  std::unique_ptr<llvm::MCInstrInfo> instructions_;
  std::unique_ptr<llvm::MCContext> context_;
  std::unique_ptr<llvm::MCDisassembler> disassembler_;
  std::unique_ptr<llvm::MCInstrAnalysis> analysis_;
  std::unique_ptr<llvm::MCInstPrinter> printer_;
};

// One function's bytes and where they are.
struct Function {
  std::string symbol;
  uint64_t address = 0;
  llvm::ArrayRef<uint8_t> bytes;
};

class Disassembly {
 public:
  Disassembly(const llvm::object::ObjectFile& object, Reader& reader) : object_(object), reader_(reader) {}

  absl::StatusOr<std::vector<DisassembledFunction>> Run() {
    KILN_RETURN_IF_ERROR(FindFunctions());
    std::vector<DisassembledFunction> functions;
    for (const Function& function : functions_) {
      functions.push_back({function.symbol, static_cast<int64_t>(function.bytes.size()), Text(function)});
    }
    return functions;
  }

 private:
  absl::Status FindFunctions() {
    for (const llvm::object::SymbolRef& symbol : object_.symbols()) {
      llvm::Expected<llvm::object::SymbolRef::Type> type = symbol.getType();
      if (!type) return Unreadable(type.takeError());
      const uint64_t size = llvm::object::ELFSymbolRef(symbol).getSize();
      if (*type != llvm::object::SymbolRef::ST_Function || size == 0) continue;
      llvm::Expected<llvm::StringRef> name = symbol.getName();
      if (!name) return Unreadable(name.takeError());
      llvm::Expected<uint64_t> address = symbol.getAddress();
      if (!address) return Unreadable(address.takeError());
      llvm::Expected<llvm::object::section_iterator> section = symbol.getSection();
      if (!section) return Unreadable(section.takeError());
      if (*section == object_.section_end()) continue;
      llvm::Expected<llvm::StringRef> contents = (*section)->getContents();
      if (!contents) return Unreadable(contents.takeError());
      const uint64_t start = *address - (*section)->getAddress();
      if (*address < (*section)->getAddress() || start > contents->size() || size > contents->size() - start) {
        return MakeError(ErrorReason::kArtifactCorrupt,
                         absl::StrCat("disassembly: function ", name->str(), " is outside its section"));
      }
      functions_.push_back({name->str(), *address, llvm::arrayRefFromStringRef(contents->substr(start, size))});
    }
    std::stable_sort(functions_.begin(), functions_.end(),
                     [](const Function& a, const Function& b) { return a.address < b.address; });
    return absl::OkStatus();
  }

  std::string Text(const Function& function) {
    std::vector<std::pair<uint64_t, Reader::Instruction>> instructions;
    std::map<uint64_t, int> labels;  // by address
    for (uint64_t at = 0; at < function.bytes.size();) {
      const uint64_t address = function.address + at;
      instructions.emplace_back(address, reader_.Read(function.bytes.drop_front(at), address));
      const Reader::Instruction& read = instructions.back().second;
      const std::optional<uint64_t>& jump = read.jump;
      if (jump.has_value() && *jump >= function.address && *jump < function.address + function.bytes.size()) {
        labels[*jump] = 0;
      }
      at += read.size_bytes;
    }
    int number = 0;
    for (auto& [address, label] : labels) label = ++number;
    std::string text = absl::StrCat(function.symbol, ":\n");
    for (const auto& [address, read] : instructions) {
      const auto label = labels.find(address);
      if (label != labels.end()) absl::StrAppend(&text, ".L", label->second, ":\n");
      absl::StrAppend(&text, read.is_known ? Line(read, address, labels) : Bytes(function, address, read.size_bytes),
                      "\n");
    }
    return text;
  }

  std::string Line(const Reader::Instruction& read, uint64_t address, const std::map<uint64_t, int>& labels) {
    std::string line = reader_.Print(read.inst, address);
    if (read.jump.has_value()) {
      // Where it goes is the last operand; printers disagree on what to count it from.
      const auto label = labels.find(*read.jump);
      const std::string name =
          label != labels.end() ? absl::StrCat(".L", label->second) : NameOf(*read.jump).value_or(Hex(*read.jump));
      line = absl::StrCat(line.substr(0, line.find_last_of("\t ,") + 1), name);
    }
    if (read.memory.has_value()) absl::StrAppend(&line, "  # ", PlaceOf(*read.memory));
    return line;
  }

  static std::string Bytes(const Function& function, uint64_t address, uint64_t size) {
    std::string line = "\t.byte\t";
    for (uint64_t i = 0; i < size; ++i) {
      absl::StrAppend(&line, i == 0 ? "" : ", ", Hex(function.bytes[address - function.address + i]));
    }
    return line;
  }

  std::optional<std::string> NameOf(uint64_t address) const {
    for (const Function& function : functions_) {
      if (function.address == address) return function.symbol;
    }
    return std::nullopt;
  }

  // ".rodata+0x40".
  std::string PlaceOf(uint64_t address) const {
    for (const llvm::object::SectionRef& section : object_.sections()) {
      const uint64_t start = section.getAddress();
      if (start == 0 || address < start || address - start >= section.getSize()) continue;
      llvm::Expected<llvm::StringRef> name = section.getName();
      if (name) return absl::StrCat(name->str(), "+", Hex(address - start));
      llvm::consumeError(name.takeError());
    }
    return Hex(address);
  }

  const llvm::object::ObjectFile& object_;
  Reader& reader_;
  std::vector<Function> functions_;
};

}  // namespace

absl::StatusOr<std::vector<DisassembledFunction>> Disassemble(absl::string_view elf) {
  InitializeReaders();
  const llvm::MemoryBufferRef buffer(llvm::StringRef(elf.data(), elf.size()), "artifact");
  llvm::Expected<std::unique_ptr<llvm::object::ObjectFile>> object = llvm::object::ObjectFile::createELFObjectFile(buffer);
  if (!object) return Unreadable(object.takeError());
  for (const ReadableProcessor& row : kProcessors) {
    if ((*object)->getArch() != row.arch) continue;
    KILN_ASSIGN_OR_RETURN(std::unique_ptr<Reader> reader, Reader::Make(row));
    return Disassembly(**object, *reader).Run();
  }
  return MakeError(ErrorReason::kUnsupportedTarget,
                   absl::StrCat("disassembly: ", (*object)->getFileFormatName().str(), " is not read, only x86_64 and "
                                "aarch64"));
}

}  // namespace kiln
