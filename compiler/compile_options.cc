#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "compiler/compile.h"

namespace kiln {
namespace {

// Sorted by name. Every option is a switch so far.
constexpr CompileOptionRow kRows[] = {
    {"all_epilogues", "false",
     "true: activations and sums are computed by the library wherever it can, also where that does not pay, and where a "
     "NaN or an infinity becomes another value (relu, hardtanh, gelu)"},
    {"check_bounds", "false", "true: every memory access is checked, and one outside of its buffer fails the call"},
    {"eager_random", "false",
     "true: random operators run in PyTorch, in the graph's order, and draw from its generator: the numbers are eager's"},
    {"fuse", "true", "false: every node is a kernel of its own"},
    {"library_epilogues", "true",
     "false: what follows a convolution or a product is never computed by the library that makes it"},
    {"pack_weights", "false",
     "true: the host keeps a copy of each parameter that a product or a convolution takes, in the library's layout"},
    {"specialize_divisible", "false",
     "true: sizes of inner loops are peeked at and guarded to be multiples of the vector length, for code without ends"},
};

}  // namespace

absl::Span<const CompileOptionRow> CompileOptionRows() { return kRows; }

absl::StatusOr<CompileOptions> ParseOptions(const std::map<std::string, std::string>& given) {
  CompileOptions options;
  for (const CompileOptionRow& row : kRows) options[std::string(row.name)] = std::string(row.default_value);
  for (const auto& [name, value] : given) {
    auto option = options.find(name);
    if (option == options.end()) {
      auto append_name = [](std::string* out, const CompileOptionRow& row) { absl::StrAppend(out, row.name); };
      return MakeError(ErrorReason::kOptionUnknown, absl::StrCat("option '", name, "' is unknown; there are ",
                                                                 absl::StrJoin(kRows, ", ", append_name)));
    }
    if (value != "true" && value != "false") {
      return MakeError(ErrorReason::kBadArgumentValue,
                       absl::StrCat("option '", name, "' is '", value, "' but must be 'true' or 'false'"));
    }
    option->second = value;
  }
  return options;
}

}  // namespace kiln
