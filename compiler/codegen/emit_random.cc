#include "compiler/codegen/emit_random.h"

#include <array>

#include "compiler/codegen/lane_types.h"
#include "compiler/loops/random_state.h"

namespace kiln {
namespace {

// Everything is kept in i64 lanes whose upper half is zero: one multiplication
// then gives both halves of a product.
class Philox {
 public:
  Philox(llvm::IRBuilder<>& b, llvm::Value* counter) : b_(b), lanes_(LanesOf(counter)), type_(counter->getType()) {}

  llvm::Value* Constant(uint64_t c) { return llvm::ConstantInt::get(type_, c); }
  llvm::Value* Low(llvm::Value* v) { return b_.CreateAnd(v, Constant(0xffffffff)); }
  llvm::Value* High(llvm::Value* v) { return b_.CreateLShr(v, Constant(32)); }

  std::array<llvm::Value*, 4> Run(llvm::Value* seed, llvm::Value* slot, llvm::Value* counter) {
    std::array<llvm::Value*, 4> c = {Low(counter), High(counter), Low(Splat(b_, slot, lanes_)), Constant(0)};
    llvm::Value* key = Splat(b_, seed, lanes_);
    llvm::Value* k0 = Low(key);
    llvm::Value* k1 = High(key);
    for (int round = 0; round < 10; ++round) {
      llvm::Value* p0 = b_.CreateMul(c[0], Constant(0xD2511F53));
      llvm::Value* p1 = b_.CreateMul(c[2], Constant(0xCD9E8D57));
      c = {b_.CreateXor(b_.CreateXor(High(p1), c[1]), k0), Low(p1), b_.CreateXor(b_.CreateXor(High(p0), c[3]), k1),
           Low(p0)};
      k0 = Low(b_.CreateAdd(k0, Constant(0x9E3779B9)));
      k1 = Low(b_.CreateAdd(k1, Constant(0xBB67AE85)));
    }
    return c;
  }

 private:
  llvm::IRBuilder<>& b_;
  int lanes_;
  llvm::Type* type_;
};

}  // namespace

llvm::Value* EmitUniform(const MathContext& math, llvm::Value* seed, llvm::Value* slot, llvm::Value* counter,
                         bool is_double) {
  llvm::IRBuilder<>& b = *math.builder;
  Philox philox(b, counter);
  std::array<llvm::Value*, 4> words = philox.Run(seed, slot, counter);
  llvm::LLVMContext& context = b.getContext();
  const int lanes = LanesOf(counter);
  if (!is_double) {
    llvm::Value* bits = b.CreateTrunc(b.CreateLShr(words[0], philox.Constant(8)),
                                      RegisterType(context, DType::kInt32, lanes));
    llvm::Value* v = b.CreateSIToFP(bits, RegisterType(context, DType::kFloat32, lanes));
    return (Num{&math, v} * 0x1p-24).v;
  }
  // 53 bits as the fraction of a double in [1, 2), less one, would lose a bit:
  // two exact parts are added instead.
  llvm::Type* type = RegisterType(context, DType::kFloat64, lanes);
  Num high{&math, b.CreateUIToFP(words[0], type)};
  Num low{&math, b.CreateUIToFP(b.CreateLShr(words[1], philox.Constant(11)), type)};
  return (high * 0x1p-32 + low * 0x1p-53).v;
}

llvm::Value* EmitRandomState(llvm::IRBuilder<>& b, llvm::Value* seed, llvm::Value* slot, llvm::Value* word) {
  const int lanes = LanesOf(word);
  auto constant = [&](int64_t c) { return llvm::ConstantInt::getSigned(word->getType(), c); };
  llvm::Value* header = b.CreateOr(b.CreateShl(Splat(b, slot, lanes), constant(kRandomStateSlotShift)),
                                   constant(kRandomStateMark));
  llvm::Value* is_header = b.CreateICmpEQ(word, constant(kRandomStateHeaderWord));
  llvm::Value* rest = b.CreateSelect(is_header, header, constant(0));
  return b.CreateSelect(b.CreateICmpEQ(word, constant(kRandomStateSeedWord)), Splat(b, seed, lanes), rest);
}

}  // namespace kiln
