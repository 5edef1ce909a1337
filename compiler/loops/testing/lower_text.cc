#include "compiler/loops/testing/lower_text.h"

#include <utility>

#include "base/status_macros.h"
#include "compiler/decompose/decompose.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {

absl::StatusOr<std::unique_ptr<LoweredText>> LowerText(absl::string_view text,
                                                       std::map<std::string, int64_t> symbols,
                                                       const LoweringOptions& options) {
  auto lowered = std::make_unique<LoweredText>();
  KILN_ASSIGN_OR_RETURN(Graph graph, ParseGraph(text, &lowered->pool, FindOpSchema));
  KILN_RETURN_IF_ERROR(BindSymbols(graph, {symbols.begin(), symbols.end()}));
  for (const SymbolDeclaration& s : graph.symbols) {
    if (s.hint.has_value()) symbols[std::string(s.symbol.symbol_name())] = *s.hint;
  }
  KILN_ASSIGN_OR_RETURN(FakeGraph fake, Propagate(std::move(graph), &lowered->pool));
  KILN_ASSIGN_OR_RETURN(Decomposed decomposed, Decompose(std::move(fake), options.eager_random));
  lowered->fake = std::move(decomposed.fake);
  lowered->symbols = std::move(symbols);
  std::vector<std::string> served = {"aten.*", "mkldnn.*"};
  if (options.eager_random) served.emplace_back("kiln.*");
  KILN_ASSIGN_OR_RETURN(lowered->program, LowerToLoops(lowered->fake, served, decomposed.origins, options));
  return lowered;
}

absl::StatusOr<std::vector<PlainTensor>> RunText(absl::string_view text, const std::vector<PlainTensor>& inputs,
                                                 std::map<std::string, int64_t> symbols) {
  KILN_ASSIGN_OR_RETURN(std::unique_ptr<LoweredText> lowered, LowerText(text, std::move(symbols)));
  return InterpretLoopProgram(lowered->program, inputs, lowered->symbols);
}

}  // namespace kiln
