#include "compiler/codegen/lane_types.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "compiler/codegen/sve_register.h"
#include "llvm/IR/IntrinsicsAArch64.h"
#include "llvm/IR/IntrinsicsX86.h"
#include "llvm/IR/MDBuilder.h"

namespace kiln {
namespace {

llvm::Type* WithLanes(llvm::Type* scalar, int lanes) {
  return lanes == 1 ? scalar : llvm::FixedVectorType::get(scalar, static_cast<unsigned>(lanes));
}

llvm::Type* IntLanes(llvm::IRBuilder<>& b, int bits, llvm::Value* like) {
  return WithLanes(b.getIntNTy(static_cast<unsigned>(bits)), LanesOf(like));
}

llvm::Type* FloatLanes(llvm::IRBuilder<>& b, llvm::Value* like) { return WithLanes(b.getFloatTy(), LanesOf(like)); }

Num AsNum(const MathContext& math, llvm::Value* v) { return {&math, v}; }

llvm::Value* BFloat16ToFloat(llvm::IRBuilder<>& b, llvm::Value* bits) {
  llvm::Type* i32 = IntLanes(b, 32, bits);
  llvm::Value* wide = b.CreateShl(b.CreateZExt(bits, i32), llvm::ConstantInt::get(i32, 16));
  return b.CreateBitCast(wide, FloatLanes(b, bits));
}

// Rounds to nearest even; a NaN stays one.
llvm::Value* FloatToBFloat16Bits(const MathContext& math, llvm::Value* v) {
  llvm::IRBuilder<>& b = *math.builder;
  llvm::Type* i32 = IntLanes(b, 32, v);
  auto constant = [&](uint64_t c) { return llvm::ConstantInt::get(i32, c); };
  llvm::Value* bits = b.CreateBitCast(v, i32);
  llvm::Value* odd = b.CreateAnd(b.CreateLShr(bits, constant(16)), constant(1));
  llvm::Value* rounded = b.CreateLShr(b.CreateAdd(bits, b.CreateAdd(odd, constant(0x7fff))), constant(16));
  rounded = b.CreateSelect(IsNan(AsNum(math, v)).v, constant(0x7fc0), rounded);
  return b.CreateTrunc(rounded, IntLanes(b, 16, v));
}

// The processor's conversion as LLVM selects it: by itself the same but for a
// NaN's other bits.
llvm::Value* TruncateToBFloat16(llvm::IRBuilder<>& b, llvm::Value* v) {
  return b.CreateBitCast(b.CreateFPTrunc(v, WithLanes(b.getBFloatTy(), LanesOf(v))), IntLanes(b, 16, v));
}

llvm::Value* AnyIsDenormal(llvm::IRBuilder<>& b, llvm::Value* v) {
  // VFPCLASS's bit for denormals.
  constexpr int kDenormal = 0x20;
  const llvm::Intrinsic::ID id = LanesOf(v) == 16  ? llvm::Intrinsic::x86_avx512_fpclass_ps_512
                                 : LanesOf(v) == 8 ? llvm::Intrinsic::x86_avx512_fpclass_ps_256
                                                   : llvm::Intrinsic::x86_avx512_fpclass_ps_128;
  return b.CreateOrReduce(b.CreateIntrinsic(id, {}, {v, b.getInt32(kDenormal)}));
}

// VCVTNEPS2BF16 takes denormals for zeros, which PyTorch does not: where a lane has
// one, which is rare, all go by integer arithmetic.
llvm::Value* FloatToBFloat16ByAvx512(const MathContext& math, llvm::Value* v) {
  llvm::IRBuilder<>& b = *math.builder;
  llvm::Function* function = b.GetInsertBlock()->getParent();
  auto* slow = llvm::BasicBlock::Create(b.getContext(), "denormal", function);
  auto* fast = llvm::BasicBlock::Create(b.getContext(), "normal", function);
  auto* done = llvm::BasicBlock::Create(b.getContext(), "converted", function);
  b.CreateCondBr(AnyIsDenormal(b, v), slow, fast, llvm::MDBuilder(b.getContext()).createBranchWeights(1, 1000));
  b.SetInsertPoint(slow);
  llvm::Value* exact = FloatToBFloat16Bits(math, v);
  b.CreateBr(done);
  b.SetInsertPoint(fast);
  llvm::Value* converted = TruncateToBFloat16(b, v);
  b.CreateBr(done);
  b.SetInsertPoint(done);
  llvm::PHINode* result = b.CreatePHI(exact->getType(), 2);
  result->addIncoming(exact, slow);
  result->addIncoming(converted, fast);
  return result;
}

// BFCVT puts each result into the lower half of its float's place.
llvm::Value* FloatToBFloat16BySve(llvm::IRBuilder<>& b, llvm::Value* v) {
  llvm::Value* floats = ToSveRegister(b, v);
  auto* type = llvm::ScalableVectorType::get(b.getBFloatTy(), 8);
  llvm::Value* halves = b.CreateIntrinsic(llvm::Intrinsic::aarch64_sve_fcvt_bf16f32, {},
                                          {llvm::PoisonValue::get(type), AllSveLanes(b, type), floats});
  llvm::Value* places = b.CreateBitCast(halves, llvm::ScalableVectorType::get(b.getInt32Ty(), 4));
  return b.CreateTrunc(FromSveRegister(b, places, IntLanes(b, 32, v)), IntLanes(b, 16, v));
}

llvm::Value* FloatToBFloat16(const MathContext& math, llvm::Value* v) {
  const int lanes = LanesOf(v);
  switch (math.bfloat16) {
    case BFloat16Instruction::kNone: break;
    case BFloat16Instruction::kVcvtneps2bf16:
      if (lanes == 4 || lanes == 8 || lanes == 16) return FloatToBFloat16ByAvx512(math, v);
      break;
    case BFloat16Instruction::kBfcvt:
      if (lanes == 1 || lanes == 4) return TruncateToBFloat16(*math.builder, v);
      if (lanes * 32 == math.vector_bits) return FloatToBFloat16BySve(*math.builder, v);
      break;
  }
  return FloatToBFloat16Bits(math, v);
}

// A half's bits shifted into a float's place are the value times 2^-112, also
// for denormals; infinities and NaNs get the exponent that the product lacks.
llvm::Value* HalfBitsToFloat(const MathContext& math, llvm::Value* bits) {
  llvm::IRBuilder<>& b = *math.builder;
  llvm::Type* i32 = IntLanes(b, 32, bits);
  auto constant = [&](uint64_t c) { return llvm::ConstantInt::get(i32, c); };
  llvm::Value* wide = b.CreateZExt(bits, i32);
  llvm::Value* sign = b.CreateShl(b.CreateAnd(wide, constant(0x8000)), constant(16));
  llvm::Value* magnitude = b.CreateShl(b.CreateAnd(wide, constant(0x7fff)), constant(13));
  Num scaled = AsNum(math, b.CreateBitCast(magnitude, FloatLanes(b, bits))) * 0x1p112;
  llvm::Value* is_special = b.CreateICmpUGE(magnitude, constant(0x7c00 << 13));
  llvm::Value* special = b.CreateOr(magnitude, constant(0x7f800000));
  llvm::Value* result = b.CreateSelect(is_special, special, scaled.Bits().v);
  return b.CreateBitCast(b.CreateOr(result, sign), FloatLanes(b, bits));
}

llvm::Value* FloatToHalfBits(const MathContext& math, llvm::Value* v) {
  llvm::IRBuilder<>& b = *math.builder;
  llvm::Type* i32 = IntLanes(b, 32, v);
  auto constant = [&](uint64_t c) { return llvm::ConstantInt::get(i32, c); };
  llvm::Value* bits = b.CreateBitCast(v, i32);
  llvm::Value* sign = b.CreateAnd(b.CreateLShr(bits, constant(16)), constant(0x8000));
  llvm::Value* magnitude = b.CreateAnd(bits, constant(0x7fffffff));
  // Normal halves: round the 13 bits away, to even, and rebase the exponent.
  llvm::Value* odd = b.CreateAnd(b.CreateLShr(magnitude, constant(13)), constant(1));
  llvm::Value* rounded = b.CreateAdd(magnitude, b.CreateAdd(odd, constant(0xfff)));
  llvm::Value* normal = b.CreateSub(b.CreateLShr(rounded, constant(13)), constant(112 << 10));
  normal = b.CreateSelect(b.CreateICmpUGE(normal, constant(0x7c00)), constant(0x7c00), normal);
  // Denormal halves: the float adder rounds when 0.5 is added.
  Num small = AsNum(math, b.CreateBitCast(magnitude, v->getType())) + 0.5;
  llvm::Value* denormal = b.CreateSub(small.Bits().v, constant(0x3f000000));
  llvm::Value* half = b.CreateSelect(b.CreateICmpULT(magnitude, constant(113u << 23)), denormal, normal);
  half = b.CreateSelect(b.CreateICmpUGE(magnitude, constant(0x47800000)), constant(0x7c00), half);
  half = b.CreateSelect(b.CreateICmpUGT(magnitude, constant(0x7f800000)), constant(0x7e00), half);
  return b.CreateTrunc(b.CreateOr(half, sign), IntLanes(b, 16, v));
}

llvm::Value* FloatToInt(const MathContext& math, DType to, llvm::Value* v) {
  llvm::IRBuilder<>& b = *math.builder;
  llvm::Type* type = RegisterType(b.getContext(), to, LanesOf(v));
  if (to == DType::kUInt64) return b.CreateFreeze(b.CreateFPToUI(v, type));
  // Narrow types take the low bits of a wider conversion, as C++ code does.
  const int bits = DTypeSizeBytes(to) * 8;
  const int wide = to == DType::kUInt32 ? 64 : std::max(bits, 32);
  llvm::Value* integer = b.CreateFreeze(b.CreateFPToSI(v, IntLanes(b, wide, v)));
  return b.CreateTrunc(integer, type);
}

}  // namespace

absl::Status CheckDTypeSupported(DType dtype) {
  switch (dtype) {
    case DType::kComplex32:
    case DType::kComplex64:
    case DType::kComplex128:
    case DType::kFloat8E4M3FN:
    case DType::kFloat8E5M2:
    case DType::kFloat8E4M3FNUZ:
    case DType::kFloat8E5M2FNUZ:
      return MakeError(ErrorReason::kUnsupportedDtype,
                       absl::StrCat("no code can be generated for values of ", GetDTypeRow(dtype).name));
    default:
      return absl::OkStatus();
  }
}

bool IsSigned(DType dtype) {
  return dtype == DType::kInt8 || dtype == DType::kInt16 || dtype == DType::kInt32 || dtype == DType::kInt64;
}

llvm::Type* RegisterType(llvm::LLVMContext& context, DType dtype, int lanes) {
  if (dtype == DType::kBool) return WithLanes(llvm::Type::getInt1Ty(context), lanes);
  if (dtype == DType::kFloat64) return WithLanes(llvm::Type::getDoubleTy(context), lanes);
  if (IsFloating(dtype)) return WithLanes(llvm::Type::getFloatTy(context), lanes);
  return WithLanes(llvm::Type::getIntNTy(context, static_cast<unsigned>(DTypeSizeBytes(dtype)) * 8), lanes);
}

llvm::Type* MemoryType(llvm::LLVMContext& context, DType dtype, int lanes) {
  if (dtype == DType::kFloat16) return WithLanes(llvm::Type::getHalfTy(context), lanes);
  if (dtype == DType::kFloat32 || dtype == DType::kFloat64) return RegisterType(context, dtype, lanes);
  return WithLanes(llvm::Type::getIntNTy(context, static_cast<unsigned>(DTypeSizeBytes(dtype)) * 8), lanes);
}

int LanesOf(llvm::Value* v) {
  auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(v->getType());
  return vector == nullptr ? 1 : static_cast<int>(vector->getNumElements());
}

llvm::Value* Splat(llvm::IRBuilder<>& b, llvm::Value* v, int lanes) {
  return lanes == 1 || LanesOf(v) == lanes ? v : b.CreateVectorSplat(static_cast<unsigned>(lanes), v);
}

llvm::Value* FromMemory(const MathContext& math, DType dtype, llvm::Value* v) {
  llvm::IRBuilder<>& b = *math.builder;
  if (dtype == DType::kBool) return b.CreateICmpNE(v, llvm::ConstantInt::get(v->getType(), 0));
  if (dtype == DType::kBFloat16) return BFloat16ToFloat(b, v);
  if (dtype != DType::kFloat16) return v;
  if (math.has_half) return b.CreateFPExt(v, FloatLanes(b, v));
  return HalfBitsToFloat(math, b.CreateBitCast(v, IntLanes(b, 16, v)));
}

llvm::Value* ToMemory(const MathContext& math, DType dtype, llvm::Value* v) {
  llvm::IRBuilder<>& b = *math.builder;
  llvm::Type* type = MemoryType(b.getContext(), dtype, LanesOf(v));
  if (dtype == DType::kBool) return b.CreateZExt(v, type);
  if (dtype == DType::kBFloat16) return FloatToBFloat16(math, v);
  if (dtype != DType::kFloat16) return v;
  return math.has_half ? b.CreateFPTrunc(v, type) : b.CreateBitCast(FloatToHalfBits(math, v), type);
}

llvm::Value* CastValue(const MathContext& math, DType from, DType to, llvm::Value* v) {
  llvm::IRBuilder<>& b = *math.builder;
  llvm::Type* type = RegisterType(b.getContext(), to, LanesOf(v));
  // Rounded, as through memory; the register stays float.
  if (to == DType::kFloat16 || to == DType::kBFloat16) {
    llvm::Value* as_float = CastValue(math, from, DType::kFloat32, v);
    return FromMemory(math, to, ToMemory(math, to, as_float));
  }
  if (v->getType() == type && IsFloating(from) == IsFloating(to)) return v;
  if (to == DType::kBool) {
    if (IsFloating(from)) return b.CreateFCmpUNE(v, llvm::ConstantFP::get(v->getType(), 0.0));
    return b.CreateICmpNE(v, llvm::ConstantInt::get(v->getType(), 0));
  }
  if (IsFloating(from)) return IsFloating(to) ? b.CreateFPCast(v, type) : FloatToInt(math, to, v);
  if (IsFloating(to)) return IsSigned(from) ? b.CreateSIToFP(v, type) : b.CreateUIToFP(v, type);
  return IsSigned(from) ? b.CreateSExtOrTrunc(v, type) : b.CreateZExtOrTrunc(v, type);
}

}  // namespace kiln
