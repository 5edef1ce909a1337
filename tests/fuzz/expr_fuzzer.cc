// The text form of symbolic scalars: it parses or is refused by name, what was
// parsed prints to something that parses to the same expression, and every reader
// of expressions takes it.
#include <cstdint>
#include <cstdlib>

#include "absl/status/statusor.h"
#include "fake_runtime/symbolic/expr.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kiln;
  ExprPool pool;
  const absl::StatusOr<Expr> parsed = pool.Parse({reinterpret_cast<const char*>(data), size});
  if (!parsed.ok()) {
    RequireReason(parsed.status());
    return 0;
  }
  Require(!parsed->is_poison(), "a poison was parsed");
  const std::string text = parsed->ToString();
  const absl::StatusOr<Expr> again = pool.Parse(text);
  Require(again.ok(), text);
  Require(*again == *parsed, text);
  ExprPool other;
  Require(other.Import(*parsed, [&](Expr symbol) { return other.Symbol(symbol.symbol_name()); }).hash() == parsed->hash(),
          text);
  Evaluate(*parsed, [&](Expr symbol) { return static_cast<int64_t>(symbol.hash() % 97) - 8; });
  VisitSymbols(*parsed, [&](Expr symbol) { SplitLinear(pool, *parsed, symbol); });
  return 0;
}
