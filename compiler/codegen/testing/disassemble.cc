#include "compiler/codegen/testing/disassemble.h"

#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "compiler/codegen/disassemble.h"

namespace kiln {
namespace {

// A loop is what lies between a label and the jump back to it; it is innermost if no
// other lies inside it.
absl::StatusOr<KernelCode> Read(absl::string_view text) {
  KernelCode code;
  std::map<std::string, size_t> labels;  // to the number of the instruction behind
  size_t last_end = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (!absl::StartsWith(line, "\t")) {
      labels[std::string(absl::StripSuffix(line, ":"))] = code.instructions.size();
      continue;
    }
    std::string instruction = absl::StrReplaceAll(line.substr(1), {{"\t", " "}});
    if (absl::StartsWith(instruction, ".byte")) {
      return absl::InternalError(absl::StrCat("no instruction: ", instruction));
    }
    const std::vector<std::string> words = absl::StrSplit(instruction, ' ');
    code.instructions.push_back(std::move(instruction));
    const auto target = labels.find(words.back());
    if (target == labels.end() || target->second < last_end) continue;
    code.loops.emplace_back(code.instructions.begin() + static_cast<std::ptrdiff_t>(target->second),
                            code.instructions.end());
    last_end = code.instructions.size();
  }
  return code;
}

}  // namespace

absl::StatusOr<KernelCode> DisassembleKernel(absl::string_view elf, absl::string_view symbol) {
  KILN_ASSIGN_OR_RETURN(const std::vector<DisassembledFunction> functions, Disassemble(elf));
  for (const DisassembledFunction& function : functions) {
    if (function.symbol == symbol) return Read(function.text);
  }
  return absl::NotFoundError(absl::StrCat("no function ", symbol));
}

}  // namespace kiln
