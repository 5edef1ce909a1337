#include "compiler/codegen/reduce_half_pi.h"

#include <cstdint>
#include <limits>
#include <utility>

#include "llvm/IR/Constants.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/Intrinsics.h"
#include "llvm/IR/Module.h"

namespace kiln {
namespace {

constexpr double kHalfPi = 1.5707963267948966;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A zero word, then the bits of 2/pi after the binary point: as many as the
// largest double's last bit can reach, and 128 more for the rest's.
constexpr uint64_t kTwoOverPi[] = {
    0x0000000000000000, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561,
    0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41,
    0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d, 0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab,
};

// The largest |x| whose multiples of pi/2 come off exactly: each part has 33 bits,
// and a product without fma 53.
double MostInParts(const MathContext& math) { return math.has_fma ? 0x1p45 : 0x1p20; }

Quadrant ReduceInParts(Num x) {
  NearestInt n = ToNearestInt(x * (1 / kHalfPi));
  Num r = x;
  for (double part : {1.57079632673412561417e+00, 6.07710050630396597660e-11, 2.02226624871116645580e-21,
                      8.47842766036889956997e-32}) {
    r = Fma(n.as_float, -part, r);
  }
  return {n.as_int, r};
}

// Emits the integer arithmetic of one large angle; scalars only.
class LargeAngleEmitter {
 public:
  explicit LargeAngleEmitter(llvm::IRBuilder<>& b) : b_(b) {}

  // n and r of a finite x of at least 2^20.
  std::pair<llvm::Value*, llvm::Value*> Emit(llvm::Value* x) {
    llvm::Value* bits = b_.CreateBitCast(x, b_.getInt64Ty());
    llvm::Value* is_negative = b_.CreateICmpSLT(bits, b_.getInt64(0));
    llvm::Value* exponent = b_.CreateAnd(b_.CreateLShr(bits, 52), b_.getInt64(0x7ff));
    llvm::Value* mantissa = b_.CreateOr(b_.CreateAnd(bits, (uint64_t{1} << 52) - 1), uint64_t{1} << 52);
    llvm::Value* turns = Turns(mantissa, exponent);
    // The upper two bits count quadrants, rounded to the nearest; what is below
    // them is the rest, a signed fraction of one.
    llvm::Value* n = b_.CreateTrunc(b_.CreateLShr(Add(turns, Wide(1, 125)), 126), b_.getInt64Ty());
    llvm::Value* r = b_.CreateFMul(FractionToDouble(b_.CreateShl(turns, 2)), Double(kHalfPi));
    return {b_.CreateSelect(is_negative, b_.CreateNeg(n), n), b_.CreateSelect(is_negative, b_.CreateFNeg(r), r)};
  }

 private:
  llvm::Type* WideType() { return b_.getInt128Ty(); }
  llvm::Value* Widen(llvm::Value* v) { return b_.CreateZExt(v, WideType()); }
  llvm::Value* Wide(uint64_t value, unsigned shift) { return b_.CreateShl(Widen(b_.getInt64(value)), shift); }
  llvm::Value* Add(llvm::Value* x, llvm::Value* y) { return b_.CreateAdd(x, y); }
  llvm::Value* Double(double value) { return llvm::ConstantFP::get(b_.getDoubleTy(), value); }

  // The table, once in a module.
  llvm::GlobalVariable* Table() {
    llvm::Module& module = *b_.GetInsertBlock()->getModule();
    constexpr char kName[] = "two_over_pi";
    if (llvm::GlobalVariable* made = module.getGlobalVariable(kName, /*AllowInternal=*/true)) return made;
    llvm::Constant* words = llvm::ConstantDataArray::get(b_.getContext(), llvm::ArrayRef<uint64_t>(kTwoOverPi));
    return new llvm::GlobalVariable(module, words->getType(), /*isConstant=*/true, llvm::GlobalValue::PrivateLinkage,
                                    words, kName);
  }

  llvm::Value* Word(llvm::Value* index) {
    return b_.CreateLoad(b_.getInt64Ty(), b_.CreateInBoundsGEP(b_.getInt64Ty(), Table(), index));
  }

  // mantissa * 2^(exponent - 1075) * 2/pi modulo 4, times 2^126. Of 2/pi the bits from
  // the one that makes twos to 191 below it count: those above make multiples of 4.
  llvm::Value* Turns(llvm::Value* mantissa, llvm::Value* exponent) {
    llvm::Value* position = b_.CreateSub(exponent, b_.getInt64(1075 - 62));
    llvm::Value* first = b_.CreateLShr(position, 6);
    llvm::Value* shift = b_.CreateAnd(position, 63);
    llvm::Value* window[3];
    for (int i = 0; i < 3; ++i) {
      llvm::Value* high = Word(b_.CreateAdd(first, b_.getInt64(i)));
      llvm::Value* low = Word(b_.CreateAdd(first, b_.getInt64(i + 1)));
      window[i] = b_.CreateIntrinsic(llvm::Intrinsic::fshl, {b_.getInt64Ty()}, {high, low, shift});
    }
    llvm::Value* m = Widen(mantissa);
    llvm::Value* highest = b_.CreateShl(Widen(b_.CreateMul(window[0], mantissa)), 64);
    llvm::Value* middle = b_.CreateMul(Widen(window[1]), m);
    llvm::Value* lowest = b_.CreateLShr(b_.CreateMul(Widen(window[2]), m), 64);
    return Add(highest, Add(middle, lowest));
  }

  // A signed i128 as a multiple of 2^-128. No conversion of LLVM's, which calls a
  // library: the upper 63 bits behind the leading zeros, scaled.
  llvm::Value* FractionToDouble(llvm::Value* fraction) {
    llvm::Value* is_negative = b_.CreateICmpSLT(fraction, llvm::ConstantInt::get(WideType(), 0));
    llvm::Value* magnitude = b_.CreateSelect(is_negative, b_.CreateNeg(fraction), fraction);
    llvm::Value* zeros = b_.CreateIntrinsic(llvm::Intrinsic::ctlz, {WideType()}, {magnitude, b_.getFalse()});
    // A fraction of zero would shift by all of its bits; no double has one.
    zeros = b_.CreateAnd(zeros, llvm::ConstantInt::get(WideType(), 127));
    llvm::Value* upper = b_.CreateTrunc(b_.CreateLShr(b_.CreateShl(magnitude, zeros), 65), b_.getInt64Ty());
    llvm::Value* biased = b_.CreateSub(b_.getInt64(1023 - 63), b_.CreateTrunc(zeros, b_.getInt64Ty()));
    llvm::Value* scale = b_.CreateBitCast(b_.CreateShl(biased, 52), b_.getDoubleTy());
    llvm::Value* value = b_.CreateFMul(b_.CreateSIToFP(upper, b_.getDoubleTy()), scale);
    return b_.CreateSelect(is_negative, b_.CreateFNeg(value), value);
  }

  llvm::IRBuilder<>& b_;
};

llvm::AllocaInst* NewArray(llvm::IRBuilder<>& b, llvm::Type* element, unsigned count) {
  llvm::BasicBlock& entry = b.GetInsertBlock()->getParent()->getEntryBlock();
  llvm::IRBuilder<> at_entry(&entry, entry.begin());
  return at_entry.CreateAlloca(llvm::ArrayType::get(element, count));
}

// Each lane by itself, in a loop over memory: it is rare, and code for every lane
// would be long. `x` is large in every lane.
Quadrant ReduceLarge(Num x) {
  llvm::IRBuilder<>& b = x.b();
  LargeAngleEmitter emitter(b);
  auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(x.type());
  if (vector == nullptr) {
    const auto [n, r] = emitter.Emit(x.v);
    return {x.With(n), x.With(r)};
  }
  const unsigned lanes = vector->getNumElements();
  llvm::AllocaInst* angles = NewArray(b, b.getDoubleTy(), lanes);
  llvm::AllocaInst* quadrants = NewArray(b, b.getInt64Ty(), lanes);
  // Of the arrays' alignment, not a vector's.
  const llvm::Align align(8);
  b.CreateAlignedStore(x.v, angles, align);
  llvm::BasicBlock* before = b.GetInsertBlock();
  auto* loop = llvm::BasicBlock::Create(b.getContext(), "angle.lane", before->getParent());
  auto* done = llvm::BasicBlock::Create(b.getContext(), "angle.lanes.done", before->getParent());
  b.CreateBr(loop);
  b.SetInsertPoint(loop);
  llvm::PHINode* lane = b.CreatePHI(b.getInt64Ty(), 2);
  llvm::Value* angle_at = b.CreateInBoundsGEP(b.getDoubleTy(), angles, lane);
  const auto [n, r] = emitter.Emit(b.CreateLoad(b.getDoubleTy(), angle_at));
  b.CreateStore(r, angle_at);
  b.CreateStore(n, b.CreateInBoundsGEP(b.getInt64Ty(), quadrants, lane));
  llvm::Value* next = b.CreateAdd(lane, b.getInt64(1));
  lane->addIncoming(b.getInt64(0), before);
  lane->addIncoming(next, loop);
  b.CreateCondBr(b.CreateICmpULT(next, b.getInt64(lanes)), loop, done);
  b.SetInsertPoint(done);
  llvm::Type* quadrants_type = llvm::FixedVectorType::get(b.getInt64Ty(), lanes);
  return {x.With(b.CreateAlignedLoad(quadrants_type, quadrants, align)),
          x.With(b.CreateAlignedLoad(x.type(), angles, align))};
}

}  // namespace

Quadrant ReduceByHalfPi(Num x) {
  llvm::IRBuilder<>& b = x.b();
  Quadrant small = ReduceInParts(x);
  Num most = x.Const(MostInParts(*x.context));
  Num is_large = And(Gt(Abs(x), most), Lt(Abs(x), kInfinity));
  llvm::BasicBlock* before = b.GetInsertBlock();
  auto* large = llvm::BasicBlock::Create(b.getContext(), "angle.large", before->getParent());
  auto* done = llvm::BasicBlock::Create(b.getContext(), "angle.done", before->getParent());
  b.CreateCondBr(AnyLane(is_large), large, done);
  b.SetInsertPoint(large);
  Quadrant reduced = ReduceLarge(Select(is_large, x, most));
  Num n = Select(is_large, reduced.n, small.n);
  Num r = Select(is_large, reduced.r, small.r);
  llvm::BasicBlock* after_large = b.GetInsertBlock();
  b.CreateBr(done);
  b.SetInsertPoint(done);
  auto join = [&](Num from_large, Num from_small) {
    llvm::PHINode* phi = b.CreatePHI(from_small.type(), 2);
    phi->addIncoming(from_large.v, after_large);
    phi->addIncoming(from_small.v, before);
    return x.With(phi);
  };
  Num joined_n = join(n, small.n);
  return {joined_n, join(r, small.r)};
}

}  // namespace kiln
