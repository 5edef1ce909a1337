// Arithmetic on LLVM values that reads like arithmetic. A `Num` is a float,
// double or integer value, scalar or vector, together with the builder that it
// appends to; a double constant beside it takes its type.
//
//   Num r = Fma(n, -kLn2High, x);
//   Num p = Polynomial(r, kExpQ);
//
// Thread-compatible; not to be kept beyond the builder.
#ifndef KILN_COMPILER_CODEGEN_NUM_H_
#define KILN_COMPILER_CODEGEN_NUM_H_

#include <cstdint>

#include "absl/types/span.h"
#include "compiler/codegen/math_context.h"
#include "llvm/IR/IRBuilder.h"

namespace kiln {

struct Num {
  const MathContext* context = nullptr;
  llvm::Value* v = nullptr;

  llvm::IRBuilder<>& b() const { return *context->builder; }
  llvm::Type* type() const { return v->getType(); }
  bool is_double() const { return type()->getScalarType()->isDoubleTy(); }
  Num With(llvm::Value* value) const { return {context, value}; }
  // A constant of this value's type.
  Num Const(double value) const { return With(llvm::ConstantFP::get(type(), value)); }
  Num IntConst(int64_t value) const { return With(llvm::ConstantInt::getSigned(type(), value)); }
  // The integer type of the same width, and back.
  llvm::Type* IntType() const;
  Num Bits() const { return With(b().CreateBitCast(v, IntType())); }
  Num AsFloat(llvm::Type* float_type) const { return With(b().CreateBitCast(v, float_type)); }
};

inline Num operator+(Num x, Num y) { return x.With(x.b().CreateFAdd(x.v, y.v)); }
inline Num operator-(Num x, Num y) { return x.With(x.b().CreateFSub(x.v, y.v)); }
inline Num operator*(Num x, Num y) { return x.With(x.b().CreateFMul(x.v, y.v)); }
inline Num operator/(Num x, Num y) { return x.With(x.b().CreateFDiv(x.v, y.v)); }
inline Num operator+(Num x, double y) { return x + x.Const(y); }
inline Num operator-(Num x, double y) { return x - x.Const(y); }
inline Num operator*(Num x, double y) { return x * x.Const(y); }
inline Num operator/(Num x, double y) { return x / x.Const(y); }
inline Num operator+(double x, Num y) { return y.Const(x) + y; }
inline Num operator-(double x, Num y) { return y.Const(x) - y; }
inline Num operator/(double x, Num y) { return y.Const(x) / y; }
inline Num operator-(Num x) { return x.With(x.b().CreateFNeg(x.v)); }

// a * b + c.
Num Fma(Num a, Num b, Num c);
inline Num Fma(Num a, double b, Num c) { return Fma(a, a.Const(b), c); }
inline Num Fma(Num a, Num b, double c) { return Fma(a, b, a.Const(c)); }
// c[0] + c[1] x + c[2] x^2 + ...
Num Polynomial(Num x, absl::Span<const double> c);

Num Abs(Num x);
Num Sqrt(Num x);
// |magnitude| with the sign of `sign`.
Num CopySign(Num magnitude, Num sign);
enum class Rounding : uint8_t { kFloor, kCeil, kTrunc, kNearestEven };
Num Round(Num x, Rounding rounding);

// Comparisons: i1 values. Ordered: false where an operand is NaN.
inline Num Lt(Num x, Num y) { return x.With(x.b().CreateFCmpOLT(x.v, y.v)); }
inline Num Gt(Num x, Num y) { return x.With(x.b().CreateFCmpOGT(x.v, y.v)); }
inline Num Le(Num x, Num y) { return x.With(x.b().CreateFCmpOLE(x.v, y.v)); }
inline Num Ge(Num x, Num y) { return x.With(x.b().CreateFCmpOGE(x.v, y.v)); }
inline Num Eq(Num x, Num y) { return x.With(x.b().CreateFCmpOEQ(x.v, y.v)); }
inline Num Lt(Num x, double y) { return Lt(x, x.Const(y)); }
inline Num Gt(Num x, double y) { return Gt(x, x.Const(y)); }
inline Num Eq(Num x, double y) { return Eq(x, x.Const(y)); }
inline Num IsNan(Num x) { return x.With(x.b().CreateFCmpUNO(x.v, x.v)); }
inline Num And(Num x, Num y) { return x.With(x.b().CreateAnd(x.v, y.v)); }
inline Num Or(Num x, Num y) { return x.With(x.b().CreateOr(x.v, y.v)); }
inline Num Not(Num x) { return x.With(x.b().CreateNot(x.v)); }
inline Num Select(Num condition, Num x, Num y) { return x.With(x.b().CreateSelect(condition.v, x.v, y.v)); }
inline Num Select(Num condition, double x, Num y) { return Select(condition, y.Const(x), y); }
inline Num Select(Num condition, Num x, double y) { return Select(condition, x, x.Const(y)); }

// Whether a condition holds in any lane: one i1.
llvm::Value* AnyLane(Num condition);

// The nearest integer to a small x (|x| < 2^21 for float, 2^50 for double), as a
// float and as an integer of the same width. For a NaN the integer is some
// integer and no poison, which a conversion would be.
struct NearestInt {
  Num as_float;
  Num as_int;
};
NearestInt ToNearestInt(Num x);

// x * 2^n for |n| < 2 * the exponent's bias; overflow gives infinity, underflow a
// rounded denormal.
Num ScaleByPowerOfTwo(Num x, NearestInt n);

// float to double and back, elementwise.
Num ToDouble(Num x);
Num ToFloat(Num x);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_NUM_H_
