#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "fake_runtime/fake_tensor_mode.h"

namespace kiln {

absl::Status BindSymbols(Graph& graph, const std::vector<std::pair<std::string, int64_t>>& hints) {
  for (const auto& [name, hint] : hints) {
    auto it = std::find_if(graph.symbols.begin(), graph.symbols.end(), [&name = name](const SymbolDeclaration& s) {
      return s.symbol.symbol_name() == name;
    });
    if (it == graph.symbols.end()) {
      return MakeError(ErrorReason::kBadInputMetadata, absl::StrCat("the graph has no symbol '", name, "'"));
    }
    if (it->policy == DimPolicy::kUnbacked) {
      return MakeError(ErrorReason::kBadInputMetadata, absl::StrCat("symbol ", name, " is unbacked and takes no hint"));
    }
    if (it->symbol.type() == ExprType::kFloat) {
      it->float_hint = static_cast<double>(hint);
      continue;
    }
    if (!it->range.Contains(hint)) {
      return MakeError(ErrorReason::kBadInputMetadata, absl::StrCat("symbol ", name, ": hint ", hint,
                                                                    " is outside its range ", it->range.ToString()));
    }
    it->hint = hint;
  }
  for (const SymbolDeclaration& s : graph.symbols) {
    if (s.policy == DimPolicy::kUnbacked || s.has_hint()) continue;
    return MakeError(ErrorReason::kBadInputMetadata, absl::StrCat("symbol ", s.symbol.ToString(), " has no hint"));
  }
  return absl::OkStatus();
}

}  // namespace kiln
