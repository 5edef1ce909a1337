#include "compiler/codegen/lane_exprs.h"

#include <algorithm>
#include <bit>

#include "compiler/codegen/lane_types.h"
#include "llvm/IR/Intrinsics.h"

namespace kiln {

bool LaneExprs::Varies(Expr e) const {
  bool found = false;
  VisitSymbols(e, [&](Expr symbol) {
    found |= symbol == lanes_->variable;
    for (const auto& [varying, value] : lanes_->symbols) found |= symbol == varying;
  });
  return found;
}

std::optional<int64_t> LaneExprs::LargestStep(Expr e) const {
  if (e == lanes_->variable) return 1;
  if (!Varies(e)) return 0;
  if (e.kind() == ExprKind::kMul) {
    if (e.args().size() != 2) return std::nullopt;
    const std::optional<int64_t> factor = e.args()[0].AsInt();
    const std::optional<int64_t> step = LargestStep(e.args()[1]);
    if (!factor.has_value() || *factor < 0 || !step.has_value()) return std::nullopt;
    return *factor * *step;
  }
  const bool is_sum = e.kind() == ExprKind::kAdd;
  if (!is_sum && e.kind() != ExprKind::kMin && e.kind() != ExprKind::kMax) return std::nullopt;
  int64_t largest = 0;
  for (Expr arg : e.args()) {
    const std::optional<int64_t> step = LargestStep(arg);
    if (!step.has_value()) return std::nullopt;
    largest = is_sum ? largest + *step : std::max(largest, *step);
  }
  return largest;
}

LaneRun LaneExprs::RunOf(Expr e) const {
  if (lanes_->count == 1 || !e.has_symbols() || !Varies(e)) return {};
  // An indirect symbol that varies would be a constant of the linear form.
  bool is_indirect = false;
  VisitSymbols(e, [&](Expr symbol) {
    for (const auto& [varying, value] : lanes_->symbols) is_indirect |= symbol == varying;
  });
  if (is_indirect) return {LaneRun::Kind::kAny, Expr()};
  if (std::optional<LinearForm> form = SplitLinear(*pool_, e, lanes_->variable)) {
    return {LaneRun::Kind::kLinear, form->coefficient};
  }
  if (std::optional<int64_t> step = LargestStep(e)) return {LaneRun::Kind::kBounded, Expr(*step)};
  return {LaneRun::Kind::kAny, Expr()};
}

llvm::Value* LaneExprs::LaneNumber(int lane) {
  llvm::Value* number = b_->getInt64(static_cast<uint64_t>(lane));
  if (lanes_->last == nullptr || lane == 0) return number;
  return b_->CreateBinaryIntrinsic(llvm::Intrinsic::smin, number, lanes_->last);
}

llvm::Value* LaneExprs::LaneOf(llvm::Value* v, int lane) {
  return LanesOf(v) == 1 ? v : b_->CreateExtractElement(v, static_cast<uint64_t>(lane));
}

llvm::Value* LaneExprs::InLane(Expr e, int lane) {
  // What is bound has to stand before the scope's own place.
  llvm::Value* variable = b_->CreateNSWAdd(lanes_->base, LaneNumber(lane));
  std::vector<llvm::Value*> indices;
  for (const auto& [symbol, value] : lanes_->symbols) indices.push_back(LaneOf(value, lane));
  exprs_->PushScope();
  exprs_->Bind(lanes_->variable, variable, ValueRange::AtLeast(0));
  for (size_t i = 0; i < indices.size(); ++i) {
    exprs_->Bind(lanes_->symbols[i].first, indices[i], ValueRange::AtLeast(0));
  }
  llvm::Value* value = exprs_->Emit(e);
  exprs_->PopScope();
  return value;
}

llvm::Value* LaneExprs::InAllLanes(Expr e) {
  const LaneRun run = RunOf(e);
  if (run.kind == LaneRun::Kind::kUniform) return exprs_->Emit(e);
  if (run.kind == LaneRun::Kind::kLinear && e.type() == ExprType::kInt) {
    llvm::Value* stride = Splat(*b_, exprs_->Emit(run.stride), lanes_->count);
    std::vector<llvm::Constant*> steps;
    for (int lane = 0; lane < lanes_->count; ++lane) steps.push_back(b_->getInt64(static_cast<uint64_t>(lane)));
    llvm::Value* first = Splat(*b_, exprs_->Emit(e), lanes_->count);
    return b_->CreateAdd(first, b_->CreateMul(stride, llvm::ConstantVector::get(steps)));
  }
  return Vector(e);
}

// Sums, products, bounds and divisions by powers of two are vectors of their parts';
// others go lane by lane.
llvm::Value* LaneExprs::Vector(Expr e) {
  if (!Varies(e)) return Splat(*b_, exprs_->Emit(e), lanes_->count);
  if (e == lanes_->variable) return VectorOfVariable();
  for (const auto& [symbol, value] : lanes_->symbols) {
    if (e == symbol) return Splat(*b_, value, lanes_->count);
  }
  if (llvm::Value* v = ShiftedOrMasked(e)) return v;
  const bool is_sum = e.kind() == ExprKind::kAdd, is_product = e.kind() == ExprKind::kMul;
  const bool is_bound = e.kind() == ExprKind::kMin || e.kind() == ExprKind::kMax;
  if (e.type() != ExprType::kInt || !(is_sum || is_product || is_bound)) return LaneByLane(e);
  llvm::Value* result = nullptr;
  for (Expr arg : e.args()) {
    llvm::Value* value = Vector(arg);
    if (result == nullptr) {
      result = value;
    } else if (is_bound) {
      result = b_->CreateBinaryIntrinsic(e.kind() == ExprKind::kMin ? llvm::Intrinsic::smin : llvm::Intrinsic::smax,
                                         result, value);
    } else {
      result = is_sum ? b_->CreateNSWAdd(result, value) : b_->CreateNSWMul(result, value);
    }
  }
  return result;
}

// Floor division and modulo by a power of two, of negative numbers too; else nullptr.
llvm::Value* LaneExprs::ShiftedOrMasked(Expr e) {
  if (e.kind() != ExprKind::kFloorDiv && e.kind() != ExprKind::kMod) return nullptr;
  const int64_t divisor = e.args()[1].AsInt().value_or(0);
  if (divisor <= 0 || !std::has_single_bit(static_cast<uint64_t>(divisor))) return nullptr;
  llvm::Value* x = Vector(e.args()[0]);
  if (e.kind() == ExprKind::kMod) return b_->CreateAnd(x, llvm::ConstantInt::getSigned(x->getType(), divisor - 1));
  return b_->CreateAShr(x, static_cast<uint64_t>(std::countr_zero(static_cast<uint64_t>(divisor))));
}

llvm::Value* LaneExprs::VectorOfVariable() {
  std::vector<llvm::Constant*> numbers;
  for (int lane = 0; lane < lanes_->count; ++lane) numbers.push_back(b_->getInt64(static_cast<uint64_t>(lane)));
  llvm::Value* steps = llvm::ConstantVector::get(numbers);
  if (lanes_->last != nullptr) {
    steps = b_->CreateBinaryIntrinsic(llvm::Intrinsic::smin, steps, Splat(*b_, lanes_->last, lanes_->count));
  }
  return b_->CreateNSWAdd(Splat(*b_, lanes_->base, lanes_->count), steps);
}

llvm::Value* LaneExprs::LaneByLane(Expr e) {
  llvm::Value* vector = nullptr;
  for (int lane = 0; lane < lanes_->count; ++lane) {
    llvm::Value* value = InLane(e, lane);
    if (vector == nullptr) {
      vector = llvm::PoisonValue::get(llvm::FixedVectorType::get(value->getType(), static_cast<unsigned>(lanes_->count)));
    }
    vector = b_->CreateInsertElement(vector, value, static_cast<uint64_t>(lane));
  }
  return vector;
}

}  // namespace kiln
