#include "compiler/codegen/accumulator.h"

#include <limits>
#include <numeric>

#include "compiler/codegen/emit_scalar_op.h"
#include "compiler/codegen/lane_types.h"
#include "compiler/loops/combining_op.h"

namespace kiln {
namespace {

bool TakesLargest(ReduceKind kind) {
  return kind == ReduceKind::kMax || kind == ReduceKind::kArgMax || kind == ReduceKind::kWindowMax;
}

// The value that loses against every other: for the largest, the least.
llvm::Constant* Loser(llvm::Type* type, DType dtype, bool takes_largest) {
  if (IsFloating(dtype)) return llvm::ConstantFP::getInfinity(type, takes_largest);
  const unsigned bits = type->getScalarSizeInBits();
  llvm::APInt value = IsSigned(dtype) ? (takes_largest ? llvm::APInt::getSignedMinValue(bits)
                                                       : llvm::APInt::getSignedMaxValue(bits))
                                      : (takes_largest ? llvm::APInt::getMinValue(bits)
                                                       : llvm::APInt::getMaxValue(bits));
  return llvm::ConstantInt::get(type, value);
}

}  // namespace

Accumulator::Accumulator(const MathContext* math, ReduceKind kind, DType dtype)
    : math_(math), kind_(kind), dtype_(dtype) {
  llvm::IRBuilder<>& b = *math->builder;
  auto* next = llvm::BasicBlock::Create(b.getContext(), "accumulate", b.GetInsertBlock()->getParent());
  init_place_ = b.CreateBr(next);
  b.SetInsertPoint(next);
}

int Accumulator::num_components() const {
  if (kind_ == ReduceKind::kWelford) return 3;
  return HasIndex(kind_) ? 2 : 1;
}

llvm::Type* Accumulator::ComponentType(int component, int lanes) const {
  const DType dtype = HasIndex(kind_) && component == 1 ? DType::kInt64 : dtype_;
  return RegisterType(math_->builder->getContext(), dtype, lanes);
}

llvm::Constant* Accumulator::Identity(int component, int lanes) const {
  llvm::Type* type = ComponentType(component, lanes);
  switch (kind_) {
    case ReduceKind::kSum:
    case ReduceKind::kAny:
    case ReduceKind::kWelford: return llvm::Constant::getNullValue(type);
    case ReduceKind::kAll: return llvm::ConstantInt::get(type, 1);
    case ReduceKind::kProd:
      return IsFloating(dtype_) ? llvm::ConstantFP::get(type, 1.0) : llvm::ConstantInt::get(type, 1);
    case ReduceKind::kArgMax:
    case ReduceKind::kWindowMax:
    case ReduceKind::kArgMin:
      // Every real index is smaller, so that the first element wins a tie.
      if (component == 1) return llvm::ConstantInt::get(type, std::numeric_limits<int64_t>::max());
      return Loser(type, dtype_, TakesLargest(kind_));
    case ReduceKind::kMax:
    case ReduceKind::kMin: return Loser(type, dtype_, TakesLargest(kind_));
  }
  return nullptr;
}

Accumulator::Slots& Accumulator::SlotsOf(int lanes, int copy) {
  auto [it, is_new] = slots_.try_emplace({lanes, copy});
  if (!is_new) return it->second;
  llvm::IRBuilder<>& b = *math_->builder;
  llvm::IRBuilderBase::InsertPointGuard guard(b);
  llvm::BasicBlock& entry = init_place_->getFunction()->getEntryBlock();
  for (int i = 0; i < num_components(); ++i) {
    b.SetInsertPoint(&entry, entry.begin());
    it->second.push_back(b.CreateAlloca(ComponentType(i, lanes)));
    b.SetInsertPoint(init_place_);
    b.CreateStore(Identity(i, lanes), it->second.back());
  }
  return it->second;
}

Accumulator::State Accumulator::Load(const Slots& slots) {
  State state;
  for (llvm::AllocaInst* slot : slots) {
    state.push_back(math_->builder->CreateLoad(slot->getAllocatedType(), slot));
  }
  return state;
}

void Accumulator::Update(int copy, absl::Span<llvm::Value* const> values, llvm::Value* mask) {
  Slots& slots = SlotsOf(LanesOf(values[0]), copy);
  State old = Load(slots);
  State next = kind_ == ReduceKind::kWelford ? UpdateWelford(old, values[0]) : Combine(old, State(values.begin(), values.end()));
  for (size_t i = 0; i < slots.size(); ++i) {
    if (mask != nullptr) next[i] = math_->builder->CreateSelect(mask, next[i], old[i]);
    math_->builder->CreateStore(next[i], slots[i]);
  }
}

Accumulator::State Accumulator::Combine(const State& x, const State& y) {
  if (kind_ == ReduceKind::kWelford) return CombineWelford(x, y);
  return HasIndex(kind_) ? CombineArg(x, y) : CombineSimple(x, y);
}

Accumulator::State Accumulator::CombineSimple(const State& x, const State& y) {
  llvm::Value* args[] = {x[0], y[0]};
  return {EmitScalarOp(*CombiningOp(kind_), {math_, dtype_, dtype_, args})};
}

Accumulator::State Accumulator::CombineArg(const State& x, const State& y) {
  llvm::IRBuilder<>& b = *math_->builder;
  const bool largest = TakesLargest(kind_);
  llvm::Value* better = nullptr;
  llvm::Value* same = nullptr;
  if (IsFloating(dtype_)) {
    llvm::Value* x_is_nan = b.CreateFCmpUNO(x[0], x[0]);
    llvm::Value* y_is_nan = b.CreateFCmpUNO(y[0], y[0]);
    better = largest ? b.CreateFCmpOGT(y[0], x[0]) : b.CreateFCmpOLT(y[0], x[0]);
    better = b.CreateOr(better, b.CreateAnd(y_is_nan, b.CreateNot(x_is_nan)));
    same = b.CreateFCmpOEQ(x[0], y[0]);
    llvm::Value* both_nan = b.CreateAnd(x_is_nan, y_is_nan);
    if (kind_ == ReduceKind::kWindowMax) {
      better = b.CreateOr(better, b.CreateAnd(both_nan, b.CreateICmpSGT(y[1], x[1])));
    } else {
      same = b.CreateOr(same, both_nan);
    }
  } else {
    const bool is_signed = IsSigned(dtype_);
    llvm::Value* above = is_signed ? b.CreateICmpSGT(y[0], x[0]) : b.CreateICmpUGT(y[0], x[0]);
    llvm::Value* below = is_signed ? b.CreateICmpSLT(y[0], x[0]) : b.CreateICmpULT(y[0], x[0]);
    better = largest ? above : below;
    same = b.CreateICmpEQ(x[0], y[0]);
  }
  llvm::Value* takes_y = b.CreateOr(better, b.CreateAnd(same, b.CreateICmpSLT(y[1], x[1])));
  return {b.CreateSelect(takes_y, y[0], x[0]), b.CreateSelect(takes_y, y[1], x[1])};
}

Accumulator::State Accumulator::UpdateWelford(const State& state, llvm::Value* value) {
  Num mean{math_, state[0]}, m2{math_, state[1]}, count{math_, state[2]};
  Num x{math_, value};
  Num next_count = count + 1.0;
  Num delta = x - mean;
  Num next_mean = mean + delta / next_count;
  Num next_m2 = m2 + delta * (x - next_mean);
  return {next_mean.v, next_m2.v, next_count.v};
}

Accumulator::State Accumulator::CombineWelford(const State& x, const State& y) {
  Num mean_x{math_, x[0]}, m2_x{math_, x[1]}, n_x{math_, x[2]};
  Num mean_y{math_, y[0]}, m2_y{math_, y[1]}, n_y{math_, y[2]};
  Num n = n_x + n_y;
  Num weight = Select(Eq(n, 0.0), 0.0, n_y / n);
  Num delta = mean_y - mean_x;
  Num mean = mean_x + delta * weight;
  Num m2 = m2_x + m2_y + delta * delta * n_x * weight;
  return {mean.v, m2.v, n.v};
}

Accumulator::State Accumulator::Halve(const State& state) {
  llvm::IRBuilder<>& b = *math_->builder;
  const int half = LanesOf(state[0]) / 2;
  std::vector<int> low(half), high(half);
  std::iota(low.begin(), low.end(), 0);
  std::iota(high.begin(), high.end(), half);
  State x, y;
  for (llvm::Value* v : state) {
    x.push_back(half == 1 ? b.CreateExtractElement(v, uint64_t{0}) : b.CreateShuffleVector(v, low));
    y.push_back(half == 1 ? b.CreateExtractElement(v, uint64_t{1}) : b.CreateShuffleVector(v, high));
  }
  return Combine(x, y);
}

llvm::Value* Accumulator::Result(int which) {
  std::map<int, State> by_lanes;
  for (auto& [key, slots] : slots_) {
    State state = Load(slots);
    auto [it, is_new] = by_lanes.try_emplace(key.first, state);
    if (!is_new) it->second = Combine(it->second, state);
  }
  State total;
  for (auto& [lanes, state] : by_lanes) {
    for (int n = lanes; n > 1; n /= 2) state = Halve(state);
    total = total.empty() ? state : Combine(total, state);
  }
  if (total.empty()) return Identity(which, 1);
  return total[which];
}

}  // namespace kiln
