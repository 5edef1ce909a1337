#include "compiler/codegen/emit_scalar_op.h"

#include <iterator>
#include <limits>

#include "compiler/codegen/elementary.h"
#include "compiler/codegen/lane_types.h"
#include "llvm/IR/Intrinsics.h"

namespace kiln {
namespace {

using Value = llvm::Value;

bool Floats(const ScalarOpSite& s) { return IsFloating(s.operand); }
bool IsBool(const ScalarOpSite& s) { return s.operand == DType::kBool; }
llvm::IRBuilder<>& B(const ScalarOpSite& s) { return *s.math->builder; }
Num N(const ScalarOpSite& s, int i) { return {s.math, s.args[i]}; }
Value* IntLike(Value* v, int64_t c) { return llvm::ConstantInt::getSigned(v->getType(), c); }

// --- elementary functions: float operands only

template <Num (*Function)(Num)>
Value* Elementary(const ScalarOpSite& s) {
  return Function(N(s, 0)).v;
}

template <Num (*Function)(Num, Num)>
Value* Elementary2(const ScalarOpSite& s) {
  return Function(N(s, 0), N(s, 1)).v;
}

// Integers have nothing to round.
template <Rounding kRounding>
Value* Rounded(const ScalarOpSite& s) {
  return Floats(s) ? Round(N(s, 0), kRounding).v : s.args[0];
}

Value* SqrtOp(const ScalarOpSite& s) { return Sqrt(N(s, 0)).v; }
Value* Rsqrt(const ScalarOpSite& s) { return (1.0 / Sqrt(N(s, 0))).v; }

// --- arithmetic

Value* AbsOp(const ScalarOpSite& s) {
  if (Floats(s)) return Abs(N(s, 0)).v;
  if (!IsSigned(s.operand)) return s.args[0];
  return B(s).CreateBinaryIntrinsic(llvm::Intrinsic::abs, s.args[0], B(s).getFalse());
}

Value* Add(const ScalarOpSite& s) {
  if (Floats(s)) return B(s).CreateFAdd(s.args[0], s.args[1]);
  return IsBool(s) ? B(s).CreateOr(s.args[0], s.args[1]) : B(s).CreateAdd(s.args[0], s.args[1]);
}

Value* Sub(const ScalarOpSite& s) {
  return Floats(s) ? B(s).CreateFSub(s.args[0], s.args[1]) : B(s).CreateSub(s.args[0], s.args[1]);
}

Value* Mul(const ScalarOpSite& s) {
  return Floats(s) ? B(s).CreateFMul(s.args[0], s.args[1]) : B(s).CreateMul(s.args[0], s.args[1]);
}

Value* Neg(const ScalarOpSite& s) { return Floats(s) ? B(s).CreateFNeg(s.args[0]) : B(s).CreateNeg(s.args[0]); }

Value* Larger(const ScalarOpSite& s, bool minimum) {
  llvm::IRBuilder<>& b = B(s);
  Value* x = s.args[0];
  Value* y = s.args[1];
  if (!Floats(s)) {
    const bool is_signed = IsSigned(s.operand);
    Value* greater = is_signed ? b.CreateICmpSGT(x, y) : b.CreateICmpUGT(x, y);
    return minimum ? b.CreateSelect(greater, y, x) : b.CreateSelect(greater, x, y);
  }
  // A NaN in y fails the comparison and is taken; one in x needs the test.
  Value* first = minimum ? b.CreateFCmpOLT(x, y) : b.CreateFCmpOGT(x, y);
  return b.CreateSelect(b.CreateOr(first, b.CreateFCmpUNO(x, x)), x, y);
}

Value* Maximum(const ScalarOpSite& s) { return Larger(s, false); }
Value* Minimum(const ScalarOpSite& s) { return Larger(s, true); }

Value* SignOp(const ScalarOpSite& s) {
  llvm::IRBuilder<>& b = B(s);
  Value* x = s.args[0];
  if (IsBool(s)) return x;
  if (!Floats(s)) {
    Value* zero = IntLike(x, 0);
    Value* sign = b.CreateSelect(b.CreateICmpNE(x, zero), IntLike(x, 1), zero);
    return IsSigned(s.operand) ? b.CreateSelect(b.CreateICmpSLT(x, zero), IntLike(x, -1), sign) : sign;
  }
  Num n = N(s, 0);
  return Select(Gt(n, 0.0), 1.0, Select(Lt(n, 0.0), -1.0, n.Const(0.0))).v;
}

// --- integer division, which must not trap

// A divisor that neither traps by being 0 nor overflows by being -1.
Value* SafeDivisor(const ScalarOpSite& s, Value* y) {
  llvm::IRBuilder<>& b = B(s);
  Value* bad = b.CreateICmpEQ(y, IntLike(y, 0));
  if (IsSigned(s.operand)) bad = b.CreateOr(bad, b.CreateICmpEQ(y, IntLike(y, -1)));
  return b.CreateSelect(bad, IntLike(y, 1), y);
}

Value* IntQuotient(const ScalarOpSite& s) {
  llvm::IRBuilder<>& b = B(s);
  Value* x = s.args[0];
  Value* y = s.args[1];
  Value* safe = SafeDivisor(s, y);
  if (!IsSigned(s.operand)) return b.CreateUDiv(x, safe);
  return b.CreateSelect(b.CreateICmpEQ(y, IntLike(y, -1)), b.CreateNeg(x), b.CreateSDiv(x, safe));
}

// The remainder with the dividend's sign; 0 for divisors 0 and -1.
Value* IntRemainder(const ScalarOpSite& s) {
  Value* safe = SafeDivisor(s, s.args[1]);
  return IsSigned(s.operand) ? B(s).CreateSRem(s.args[0], safe) : B(s).CreateURem(s.args[0], safe);
}

// True where the remainder is not zero and has another sign than the divisor.
Value* RoundsDown(const ScalarOpSite& s, Value* remainder) {
  llvm::IRBuilder<>& b = B(s);
  Value* zero = IntLike(remainder, 0);
  Value* signs_differ = b.CreateICmpSLT(b.CreateXor(remainder, s.args[1]), zero);
  return b.CreateAnd(b.CreateICmpNE(remainder, zero), signs_differ);
}

Num FloatRemainder(Num x, Num y) {
  Num rest = Fmod(x, y);
  Num fix = And(Not(Eq(rest, 0.0)), Lt(CopySign(rest.Const(1.0), rest) * CopySign(y.Const(1.0), y), 0.0));
  return Select(fix, rest + y, rest);
}

// c10::div_floor_floating: exact where the true quotient is.
Num FloatFloorDiv(Num x, Num y) {
  Num plain = x / y;
  Num rest = Fmod(x, y);
  Num quotient = (x - rest) / y;
  Num signs_differ = Lt(CopySign(rest.Const(1.0), rest) * CopySign(y.Const(1.0), y), 0.0);
  quotient = Select(And(Not(Eq(rest, 0.0)), signs_differ), quotient - 1.0, quotient);
  Num floor = Round(quotient, Rounding::kFloor);
  floor = Select(Gt(quotient - floor, 0.5), floor + 1.0, floor);
  Num result = Select(Eq(quotient, 0.0), CopySign(plain.Const(0.0), plain), floor);
  return Select(Eq(y, 0.0), plain, result);
}

Value* Div(const ScalarOpSite& s) { return Floats(s) ? B(s).CreateFDiv(s.args[0], s.args[1]) : IntQuotient(s); }

Value* FloorDiv(const ScalarOpSite& s) {
  if (Floats(s)) return FloatFloorDiv(N(s, 0), N(s, 1)).v;
  if (!IsSigned(s.operand)) return IntQuotient(s);
  Value* quotient = IntQuotient(s);
  Value* down = RoundsDown(s, IntRemainder(s));
  return B(s).CreateSelect(down, B(s).CreateSub(quotient, IntLike(quotient, 1)), quotient);
}

Value* TruncDiv(const ScalarOpSite& s) {
  return Floats(s) ? Round(N(s, 0) / N(s, 1), Rounding::kTrunc).v : IntQuotient(s);
}

Value* FmodOp(const ScalarOpSite& s) { return Floats(s) ? Fmod(N(s, 0), N(s, 1)).v : IntRemainder(s); }

Value* Remainder(const ScalarOpSite& s) {
  if (Floats(s)) return FloatRemainder(N(s, 0), N(s, 1)).v;
  Value* rest = IntRemainder(s);
  if (!IsSigned(s.operand)) return rest;
  return B(s).CreateSelect(RoundsDown(s, rest), B(s).CreateAdd(rest, s.args[1]), rest);
}

// --- pow

// x^n for a small natural n, by squaring.
Num NaturalPower(Num x, int n) {
  Num result = x;
  bool has_result = false;
  for (Num square = x; n > 0; n >>= 1) {
    if (n & 1) {
      result = has_result ? result * square : square;
      has_result = true;
    }
    if (n > 1) square = square * square;
  }
  return result;
}

// The value that every lane has, if it is a constant.
const llvm::ConstantFP* ConstantLane(Value* v) {
  auto* constant = llvm::dyn_cast<llvm::Constant>(v);
  if (constant == nullptr) return nullptr;
  if (constant->getType()->isVectorTy()) constant = constant->getSplatValue();
  return llvm::dyn_cast_or_null<llvm::ConstantFP>(constant);
}

Value* IntPow(const ScalarOpSite& s) {
  llvm::IRBuilder<>& b = B(s);
  Value* base = s.args[0];
  Value* exponent = s.args[1];
  Value* zero = IntLike(base, 0);
  Value* one = IntLike(base, 1);
  Value* negative = IsSigned(s.operand) ? b.CreateICmpSLT(exponent, zero) : nullptr;
  if (negative != nullptr) exponent = b.CreateSelect(negative, b.CreateAnd(exponent, one), exponent);
  llvm::BasicBlock* before = b.GetInsertBlock();
  auto* loop = llvm::BasicBlock::Create(b.getContext(), "pow.bit", before->getParent());
  auto* done = llvm::BasicBlock::Create(b.getContext(), "pow.done", before->getParent());
  b.CreateBr(loop);
  b.SetInsertPoint(loop);
  llvm::PHINode* square = b.CreatePHI(base->getType(), 2);
  llvm::PHINode* rest = b.CreatePHI(base->getType(), 2);
  llvm::PHINode* product = b.CreatePHI(base->getType(), 2);
  Value* is_odd = b.CreateICmpNE(b.CreateAnd(rest, one), zero);
  Value* next_product = b.CreateSelect(is_odd, b.CreateMul(product, square), product);
  Value* next_square = b.CreateMul(square, square);
  Value* next_rest = b.CreateLShr(rest, one);
  Value* more = b.CreateICmpNE(next_rest, zero);
  b.CreateCondBr(more->getType()->isVectorTy() ? b.CreateOrReduce(more) : more, loop, done);
  square->addIncoming(base, before);
  square->addIncoming(next_square, loop);
  rest->addIncoming(exponent, before);
  rest->addIncoming(next_rest, loop);
  product->addIncoming(one, before);
  product->addIncoming(next_product, loop);
  b.SetInsertPoint(done);
  if (negative == nullptr) return next_product;
  // Of negative powers only those of 1 and -1 are integers.
  Value* is_unit = b.CreateOr(b.CreateICmpEQ(base, one), b.CreateICmpEQ(base, IntLike(base, -1)));
  return b.CreateSelect(b.CreateAnd(negative, b.CreateNot(is_unit)), zero, next_product);
}

Value* PowOp(const ScalarOpSite& s) {
  if (!Floats(s)) return IntPow(s);
  Num x = N(s, 0);
  if (const llvm::ConstantFP* constant = ConstantLane(s.args[1])) {
    const double y = s.result == DType::kFloat64 ? constant->getValueAPF().convertToDouble()
                                                 : constant->getValueAPF().convertToFloat();
    if (y == 0.5) return Sqrt(x).v;
    if (y == -0.5) return (1.0 / Sqrt(x)).v;
    for (int n = 1; n <= 4; ++n) {
      if (y == n) return NaturalPower(x, n).v;
      if (y == -n) return (1.0 / NaturalPower(x, n)).v;
    }
  }
  return Pow(x, N(s, 1)).v;
}

// --- bits and logic

Value* BitAnd(const ScalarOpSite& s) { return B(s).CreateAnd(s.args[0], s.args[1]); }
Value* BitOr(const ScalarOpSite& s) { return B(s).CreateOr(s.args[0], s.args[1]); }
Value* BitXor(const ScalarOpSite& s) { return B(s).CreateXor(s.args[0], s.args[1]); }
Value* BitNot(const ScalarOpSite& s) { return B(s).CreateNot(s.args[0]); }

Value* Shift(const ScalarOpSite& s, bool left) {
  llvm::IRBuilder<>& b = B(s);
  Value* x = s.args[0];
  Value* by = s.args[1];
  const int bits = DTypeSizeBytes(s.result) * 8;
  Value* out_of_range = b.CreateICmpUGE(by, IntLike(by, bits));
  Value* safe = b.CreateSelect(out_of_range, IntLike(by, left ? 0 : bits - 1), by);
  if (!left && IsSigned(s.result)) return b.CreateAShr(x, safe);
  Value* shifted = left ? b.CreateShl(x, safe) : b.CreateLShr(x, safe);
  return b.CreateSelect(out_of_range, IntLike(x, 0), shifted);
}

Value* ShiftLeft(const ScalarOpSite& s) { return Shift(s, true); }
Value* ShiftRight(const ScalarOpSite& s) { return Shift(s, false); }


template <llvm::CmpInst::Predicate kFloat, llvm::CmpInst::Predicate kSigned, llvm::CmpInst::Predicate kUnsigned>
Value* Compare(const ScalarOpSite& s) {
  if (Floats(s)) return B(s).CreateFCmp(kFloat, s.args[0], s.args[1]);
  return B(s).CreateICmp(IsSigned(s.operand) ? kSigned : kUnsigned, s.args[0], s.args[1]);
}

Value* AllLanes(const ScalarOpSite& s, bool value) {
  return llvm::ConstantInt::get(RegisterType(B(s).getContext(), DType::kBool, LanesOf(s.args[0])), value ? 1 : 0);
}

Value* IsNanOp(const ScalarOpSite& s) { return Floats(s) ? IsNan(N(s, 0)).v : AllLanes(s, false); }

Value* IsInf(const ScalarOpSite& s) {
  if (!Floats(s)) return AllLanes(s, false);
  return Eq(Abs(N(s, 0)), std::numeric_limits<double>::infinity()).v;
}

Value* Cast(const ScalarOpSite& s) { return CastValue(*s.math, s.operand, s.result, s.args[0]); }

Value* Where(const ScalarOpSite& s) { return B(s).CreateSelect(s.args[0], s.args[1], s.args[2]); }

// --- the table

struct Row {
  ScalarOp op;
  Value* (*emit)(const ScalarOpSite&);
  bool heavy = false;
};

using P = llvm::CmpInst;

// In the order of scalar_ops.def.
constexpr Row kRows[] = {
    {ScalarOp::kAbs, AbsOp},
    {ScalarOp::kAcos, Elementary<Acos>, true},
    {ScalarOp::kAdd, Add},
    {ScalarOp::kAsin, Elementary<Asin>, true},
    {ScalarOp::kAtan, Elementary<Atan>, true},
    {ScalarOp::kAtan2, Elementary2<Atan2>, true},
    {ScalarOp::kBitAnd, BitAnd},
    {ScalarOp::kBitNot, BitNot},
    {ScalarOp::kBitOr, BitOr},
    {ScalarOp::kBitXor, BitXor},
    {ScalarOp::kCast, Cast},
    {ScalarOp::kCeil, Rounded<Rounding::kCeil>},
    {ScalarOp::kCos, Elementary<Cos>, true},
    {ScalarOp::kCosh, Elementary<Cosh>, true},
    {ScalarOp::kDiv, Div},
    {ScalarOp::kEq, Compare<P::FCMP_OEQ, P::ICMP_EQ, P::ICMP_EQ>},
    {ScalarOp::kErf, Elementary<Erf>, true},
    {ScalarOp::kExp, Elementary<Exp>, true},
    {ScalarOp::kExpm1, Elementary<Expm1>, true},
    {ScalarOp::kFloor, Rounded<Rounding::kFloor>},
    {ScalarOp::kFloorDiv, FloorDiv, true},
    {ScalarOp::kFmod, FmodOp, true},
    {ScalarOp::kGe, Compare<P::FCMP_OGE, P::ICMP_SGE, P::ICMP_UGE>},
    {ScalarOp::kGt, Compare<P::FCMP_OGT, P::ICMP_SGT, P::ICMP_UGT>},
    {ScalarOp::kIsInf, IsInf},
    {ScalarOp::kIsNan, IsNanOp},
    {ScalarOp::kLe, Compare<P::FCMP_OLE, P::ICMP_SLE, P::ICMP_ULE>},
    {ScalarOp::kLog, Elementary<Log>, true},
    {ScalarOp::kLog10, Elementary<Log10>, true},
    {ScalarOp::kLog1p, Elementary<Log1p>, true},
    {ScalarOp::kLog2, Elementary<Log2>, true},
    {ScalarOp::kLt, Compare<P::FCMP_OLT, P::ICMP_SLT, P::ICMP_ULT>},
    {ScalarOp::kMaximum, Maximum},
    {ScalarOp::kMinimum, Minimum},
    {ScalarOp::kMul, Mul},
    {ScalarOp::kNe, Compare<P::FCMP_UNE, P::ICMP_NE, P::ICMP_NE>},
    {ScalarOp::kNeg, Neg},
    {ScalarOp::kNot, BitNot},
    {ScalarOp::kPow, PowOp, true},
    {ScalarOp::kRemainder, Remainder, true},
    {ScalarOp::kRound, Rounded<Rounding::kNearestEven>},
    {ScalarOp::kRsqrt, Rsqrt},
    {ScalarOp::kShiftLeft, ShiftLeft},
    {ScalarOp::kShiftRight, ShiftRight},
    {ScalarOp::kSigmoid, Elementary<Sigmoid>, true},
    {ScalarOp::kSign, SignOp},
    {ScalarOp::kSin, Elementary<Sin>, true},
    {ScalarOp::kSinh, Elementary<Sinh>, true},
    {ScalarOp::kSqrt, SqrtOp},
    {ScalarOp::kSub, Sub},
    {ScalarOp::kTan, Elementary<Tan>, true},
    {ScalarOp::kTanh, Elementary<Tanh>, true},
    {ScalarOp::kTrunc, Rounded<Rounding::kTrunc>},
    {ScalarOp::kTruncDiv, TruncDiv},
    {ScalarOp::kWhere, Where},
};

constexpr bool RowsAreInOrder() {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (kRows[i].op != static_cast<ScalarOp>(i)) return false;
  }
  return std::size(kRows) == static_cast<size_t>(ScalarOp::kWhere) + 1;
}
static_assert(RowsAreInOrder(), "every scalar operation needs its row, in the order of scalar_ops.def");

}  // namespace

llvm::Value* EmitScalarOp(ScalarOp op, const ScalarOpSite& site) { return kRows[static_cast<int>(op)].emit(site); }

bool IsHeavyOp(ScalarOp op) { return kRows[static_cast<int>(op)].heavy; }

}  // namespace kiln
