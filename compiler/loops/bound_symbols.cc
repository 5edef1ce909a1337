#include "compiler/loops/loop_ir.h"

namespace kiln {

std::vector<Expr> BoundSymbols(const Step& step) {
  std::vector<Expr> symbols;
  if (const ReadNumber* read = std::get_if<ReadNumber>(&step)) symbols.push_back(read->symbol);
  if (const ExternCall* call = std::get_if<ExternCall>(&step)) {
    for (const SizeBinding& binding : call->binds) symbols.push_back(binding.symbol);
  }
  return symbols;
}

}  // namespace kiln
