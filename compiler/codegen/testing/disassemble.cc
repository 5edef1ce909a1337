#include "compiler/codegen/testing/disassemble.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "llvm-c/Disassembler.h"
#include "llvm-c/Target.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/MemoryBuffer.h"

namespace kiln {
namespace {

struct FunctionBytes {
  uint64_t address = 0;
  absl::string_view bytes;
};

absl::StatusOr<FunctionBytes> FindFunction(const llvm::object::ObjectFile& object, absl::string_view name) {
  for (const llvm::object::ELFSymbolRef symbol : object.symbols()) {
    // A unit's file has the kernel's name too.
    llvm::Expected<llvm::object::SymbolRef::Type> type = symbol.getType();
    if (!type || *type != llvm::object::SymbolRef::ST_Function) continue;
    llvm::Expected<llvm::StringRef> found = symbol.getName();
    if (!found || absl::string_view(found->data(), found->size()) != name) continue;
    llvm::Expected<llvm::object::section_iterator> section = symbol.getSection();
    llvm::Expected<uint64_t> address = symbol.getAddress();
    if (!section || !address || *section == object.section_end()) break;
    llvm::Expected<llvm::StringRef> contents = (*section)->getContents();
    if (!contents) break;
    const uint64_t offset = *address - (*section)->getAddress();
    return FunctionBytes{*address, absl::string_view(contents->data() + offset, symbol.getSize())};
  }
  return absl::NotFoundError(absl::StrCat("no function ", name));
}

struct Instruction {
  uint64_t address;
  std::string text;
};

// Where a branch of aarch64 goes, if it goes back: its last operand is the distance.
std::optional<uint64_t> BackwardTarget(const Instruction& instruction) {
  const std::vector<std::string> words = absl::StrSplit(instruction.text, absl::ByAnyChar(" ,"), absl::SkipEmpty());
  const std::string& mnemonic = words.front();
  const bool is_branch = absl::StartsWith(mnemonic, "b.") || mnemonic == "b" || absl::StartsWith(mnemonic, "cb") ||
                         absl::StartsWith(mnemonic, "tb");
  int64_t distance = 0;
  if (!is_branch || !absl::SimpleAtoi(absl::StripPrefix(words.back(), "#"), &distance) || distance >= 0) {
    return std::nullopt;
  }
  return instruction.address + static_cast<uint64_t>(distance);
}

// A loop is what lies between a branch and where it goes back to; it is innermost
// if no other lies inside it.
std::vector<std::vector<std::string>> InnermostLoops(const std::vector<Instruction>& code) {
  std::vector<std::vector<std::string>> loops;
  uint64_t last_end = 0;
  for (const Instruction& instruction : code) {
    const std::optional<uint64_t> begin = BackwardTarget(instruction);
    if (!begin.has_value() || *begin <= last_end) continue;
    last_end = instruction.address;
    std::vector<std::string>& loop = loops.emplace_back();
    for (const Instruction& inside : code) {
      if (inside.address >= *begin && inside.address <= instruction.address) loop.push_back(inside.text);
    }
  }
  return loops;
}

}  // namespace

absl::StatusOr<Disassembly> Disassemble(absl::string_view elf, const std::string& arch, absl::string_view symbol) {
  LLVMInitializeAArch64Disassembler();
  LLVMInitializeX86Disassembler();
  auto object = llvm::object::ObjectFile::createELFObjectFile(
      llvm::MemoryBufferRef(llvm::StringRef(elf.data(), elf.size()), "artifact"));
  if (!object) return absl::InternalError(llvm::toString(object.takeError()));
  absl::StatusOr<FunctionBytes> function = FindFunction(**object, symbol);
  if (!function.ok()) return function.status();
  const std::string triple = absl::StrCat(arch, "-unknown-linux-gnu");
  LLVMDisasmContextRef context = LLVMCreateDisasmCPUFeatures(triple.c_str(), "", arch == "aarch64" ? "+all" : "",
                                                             nullptr, 0, nullptr, nullptr);
  if (context == nullptr) return absl::InternalError(absl::StrCat("no disassembler for ", triple));
  std::vector<Instruction> code;
  for (size_t offset = 0; offset < function->bytes.size();) {
    char text[256];
    uint8_t* bytes = reinterpret_cast<uint8_t*>(const_cast<char*>(function->bytes.data())) + offset;
    const uint64_t address = function->address + offset;
    const size_t size =
        LLVMDisasmInstruction(context, bytes, function->bytes.size() - offset, address, text, sizeof(text));
    if (size == 0) {
      LLVMDisasmDispose(context);
      return absl::InternalError(absl::StrCat(symbol, " has no instruction at ", offset));
    }
    std::string line = absl::StrReplaceAll(text, {{"\t", " "}});
    absl::StripAsciiWhitespace(&line);
    code.push_back({address, std::move(line)});
    offset += size;
  }
  LLVMDisasmDispose(context);
  Disassembly out;
  for (const Instruction& instruction : code) out.instructions.push_back(instruction.text);
  out.loops = InnermostLoops(code);
  return out;
}

}  // namespace kiln
