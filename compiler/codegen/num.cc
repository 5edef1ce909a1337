#include "compiler/codegen/num.h"

#include "compiler/codegen/sve_register.h"
#include "llvm/IR/Intrinsics.h"
#include "llvm/IR/IntrinsicsAArch64.h"
#include "llvm/IR/IntrinsicsX86.h"

namespace kiln {
namespace {

llvm::Type* SameShape(llvm::Type* shape, llvm::Type* scalar) {
  auto* vector = llvm::dyn_cast<llvm::VectorType>(shape);
  return vector == nullptr ? scalar : llvm::VectorType::get(scalar, vector->getElementCount());
}

// Adding and taking away 1.5 * 2^mantissa_bits leaves the nearest integer.
double MagicOf(Num x) { return x.is_double() ? 6755399441055744.0 : 12582912.0; }

// Rounding by arithmetic where the processor has no instruction for it: values
// that have no fraction are kept, the others go through the magic number.
Num RoundByMagic(Num x, Rounding rounding) {
  Num magic = x.Const(x.is_double() ? 4503599627370496.0 : 8388608.0);
  Num a = Abs(x);
  Num nearest = CopySign((a + magic) - magic, x);
  Num rounded = nearest;
  if (rounding == Rounding::kFloor) rounded = Select(Gt(nearest, x), nearest - 1.0, nearest);
  if (rounding == Rounding::kCeil) rounded = Select(Lt(nearest, x), nearest + 1.0, nearest);
  if (rounding == Rounding::kTrunc) {
    Num up = (a + magic) - magic;
    rounded = Select(Gt(up, a), up - 1.0, up);
  }
  return Select(Lt(a, magic), CopySign(rounded, x), x);
}

// AVX-512's scalef over all lanes: x * 2^floor(n).
Num Scalef(Num x, Num n) {
  llvm::IRBuilder<>& b = x.b();
  const llvm::Intrinsic::ID id = x.is_double() ? llvm::Intrinsic::x86_avx512_mask_scalef_pd_512
                                               : llvm::Intrinsic::x86_avx512_mask_scalef_ps_512;
  llvm::Value* all = x.is_double() ? static_cast<llvm::Value*>(b.getInt8(0xff)) : b.getInt16(0xffff);
  // 4 is _MM_FROUND_CUR_DIRECTION: as the processor rounds everything else.
  return x.With(b.CreateIntrinsic(id, {}, {x.v, n.v, llvm::PoisonValue::get(x.type()), all, b.getInt32(4)}));
}

// SVE's fscale over all lanes: x * 2^n.
Num Fscale(Num x, Num n) {
  llvm::IRBuilder<>& b = x.b();
  llvm::Value* scalable = ToSveRegister(b, x.v);
  llvm::Value* result = b.CreateIntrinsic(llvm::Intrinsic::aarch64_sve_fscale, {scalable->getType()},
                                          {AllSveLanes(b, scalable->getType()), scalable, ToSveRegister(b, n.v)});
  return x.With(FromSveRegister(b, result, x.type()));
}

bool FillsRegister(Num x) { return x.type()->getPrimitiveSizeInBits() == static_cast<uint64_t>(x.context->vector_bits); }

}  // namespace

llvm::Type* Num::IntType() const {
  return SameShape(type(), b().getIntNTy(static_cast<unsigned>(type()->getScalarSizeInBits())));
}

Num Fma(Num a, Num b, Num c) {
  if (!a.context->has_fma) return a * b + c;
  return a.With(a.b().CreateIntrinsic(llvm::Intrinsic::fma, {a.type()}, {a.v, b.v, c.v}));
}

Num Polynomial(Num x, absl::Span<const double> c) {
  Num sum = x.Const(c.back());
  for (size_t i = c.size() - 1; i-- > 0;) sum = Fma(sum, x, c[i]);
  return sum;
}

Num Abs(Num x) { return x.With(x.b().CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x.v)); }

Num Sqrt(Num x) { return x.With(x.b().CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, x.v)); }

Num CopySign(Num magnitude, Num sign) {
  return magnitude.With(magnitude.b().CreateBinaryIntrinsic(llvm::Intrinsic::copysign, magnitude.v, sign.v));
}

Num Round(Num x, Rounding rounding) {
  if (!x.context->has_round) return RoundByMagic(x, rounding);
  llvm::Intrinsic::ID id = llvm::Intrinsic::floor;
  switch (rounding) {
    case Rounding::kFloor: id = llvm::Intrinsic::floor; break;
    case Rounding::kCeil: id = llvm::Intrinsic::ceil; break;
    case Rounding::kTrunc: id = llvm::Intrinsic::trunc; break;
    case Rounding::kNearestEven: id = llvm::Intrinsic::rint; break;
  }
  return x.With(x.b().CreateUnaryIntrinsic(id, x.v));
}

llvm::Value* AnyLane(Num condition) {
  if (!condition.type()->isVectorTy()) return condition.v;
  return condition.b().CreateOrReduce(condition.v);
}

NearestInt ToNearestInt(Num x) {
  const double magic = MagicOf(x);
  Num shifted = x + magic;
  Num bits = shifted.Bits();
  Num magic_bits = x.Const(magic).Bits();
  return {shifted - magic, bits.With(bits.b().CreateSub(bits.v, magic_bits.v))};
}

Num ScaleByPowerOfTwo(Num x, NearestInt integer) {
  const ScaleInstruction instruction = x.context->scale;
  if (instruction == ScaleInstruction::kScalef && x.type()->getPrimitiveSizeInBits() == 512) {
    return Scalef(x, integer.as_float);
  }
  if (instruction == ScaleInstruction::kFscale && FillsRegister(x)) return Fscale(x, integer.as_int);
  const Num n = integer.as_int;
  const int mantissa = x.is_double() ? 52 : 23;
  const int64_t bias = x.is_double() ? 1023 : 127;
  // In two steps, since 2^n alone may be out of range where x * 2^n is not.
  llvm::IRBuilder<>& b = x.b();
  Num half = n.With(b.CreateAShr(n.v, n.IntConst(1).v));
  Num rest = n.With(b.CreateSub(n.v, half.v));
  auto power = [&](Num e) {
    llvm::Value* biased = b.CreateAdd(e.v, e.IntConst(bias).v);
    return e.With(b.CreateShl(biased, e.IntConst(mantissa).v)).AsFloat(x.type());
  };
  return x * power(half) * power(rest);
}

Num ToDouble(Num x) { return x.With(x.b().CreateFPExt(x.v, SameShape(x.type(), x.b().getDoubleTy()))); }

Num ToFloat(Num x) { return x.With(x.b().CreateFPTrunc(x.v, SameShape(x.type(), x.b().getFloatTy()))); }

}  // namespace kiln
