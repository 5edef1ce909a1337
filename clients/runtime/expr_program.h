// A size expression compiled to a flat postfix program, so that a host decides
// guards and checks sizes on every call in nanoseconds, without a tree walk or an
// allocation.
//
//   KILN_ASSIGN_OR_RETURN(ExprProgram p, ExprProgram::Compile(guard, {{"s0", 0}, {"s1", 1}}));
//   const int64_t symbols[] = {8, 16};
//   bool holds = p.Run(symbols) == 1;
#ifndef KILN_CLIENTS_RUNTIME_EXPR_PROGRAM_H_
#define KILN_CLIENTS_RUNTIME_EXPR_PROGRAM_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fake_runtime/symbolic/expr.h"

namespace kiln {

// Places of symbols in the array that programs run over.
using SymbolIndex = std::map<std::string, int, std::less<>>;

// An immutable value; independent of the expression's pool. Thread-safe.
class ExprProgram {
 public:
  // BAD_EXPRESSION for a float result, a symbol that is a float or has no place,
  // or an expression nested deeper than Limit::kExprDepth.
  static absl::StatusOr<ExprProgram> Compile(Expr expr, const SymbolIndex& symbols);

  // The integer's or boolean's value. nullopt on overflow or division by zero,
  // anywhere in the expression.
  std::optional<int64_t> Run(const int64_t* symbols) const;

 private:
  enum class Code : uint8_t {
    kPush, kPushFloat, kSymbol,
    kAdd, kMul, kFloorDiv, kMod, kCeilDiv, kPow, kBitAnd, kMin, kMax,
    kEq, kNe, kLt, kLe, kAnd, kOr, kNot, kWhere,
    kToFloat, kIntTrueDiv, kTrueDiv, kFloatAdd, kFloatMul, kFloatPow, kFloatSqrt,
    kFloatEq, kFloatNe, kFloatLt, kFloatLe, kFloatMin, kFloatMax,
    kFloorToInt, kCeilToInt, kTruncToInt, kRoundToInt, kRoundDecimal, kFloatCall,
  };
  union Value {
    int64_t i;
    double f;
  };
  struct Op {
    Code code;
    Value value;  // constant, place of a symbol, function, or number of digits
  };
  class Compiler;

  // False where the result has no value: overflow, division by zero.
  static bool RunUnary(const Op& op, Value& value);
  static bool RunBinary(Code code, Value x, Value y, Value& value);
  static bool RunFloats(Code code, Value x, Value y, Value& value);

  std::vector<Op> ops_;
};

}  // namespace kiln

#endif  // KILN_CLIENTS_RUNTIME_EXPR_PROGRAM_H_
