#include "compiler/codegen/expr_emitter.h"

#include <algorithm>

#include "llvm/IR/Intrinsics.h"

namespace kiln {

void ExprEmitter::PushScope() {
  llvm::BasicBlock* block = b_->GetInsertBlock();
  auto* next = llvm::BasicBlock::Create(b_->getContext(), "scope", block->getParent());
  llvm::Instruction* place = b_->CreateBr(next);
  b_->SetInsertPoint(next);
  scopes_.push_back({place, {}, {}});
}

void ExprEmitter::PopScope() {
  for (Expr symbol : scopes_.back().bound) symbols_[symbol].pop_back();
  scopes_.pop_back();
}

void ExprEmitter::Bind(Expr symbol, llvm::Value* value, ValueRange range) {
  symbols_[symbol].push_back({value, depth() - 1, range});
  scopes_.back().bound.push_back(symbol);
}

int ExprEmitter::DepthOf(Expr e) const {
  int depth = 0;
  if (!e.has_symbols()) return depth;
  VisitSymbols(e, [&](Expr symbol) { depth = std::max(depth, symbols_.at(symbol).back().depth); });
  return depth;
}

llvm::Value* ExprEmitter::Emit(Expr e) {
  if (std::optional<int64_t> i = e.AsInt()) return b_->getInt64(static_cast<uint64_t>(*i));
  if (e.kind() == ExprKind::kSymbol) return symbols_.at(e).back().value;
  const int depth = DepthOf(e);
  Scope& scope = scopes_[depth];
  auto found = scope.values.find(e);
  if (found != scope.values.end()) return found->second;
  llvm::IRBuilderBase::InsertPointGuard guard(*b_);
  b_->SetInsertPoint(scope.place);
  llvm::Value* value = e.kind() == ExprKind::kAdd ? BuildSum(e, depth) : Build(e);
  scopes_[depth].values[e] = value;
  return value;
}

llvm::Value* ExprEmitter::BuildSum(Expr e, int depth) {
  std::vector<Expr> outer, inner;
  for (Expr term : e.args()) (DepthOf(term) < depth ? outer : inner).push_back(term);
  llvm::Value* sum = outer.empty() ? nullptr : Emit(pool_->Add(outer));
  for (Expr term : inner) {
    llvm::Value* value = Emit(term);
    sum = sum == nullptr ? value : AddInts(sum, value);
  }
  return sum;
}

llvm::Value* ExprEmitter::Build(Expr e) {
  switch (e.type()) {
    case ExprType::kInt: return BuildInteger(e);
    case ExprType::kFloat: return BuildFloat(e);
    case ExprType::kBool: return BuildCondition(e);
  }
  return nullptr;
}

llvm::Value* ExprEmitter::Fold(Expr e, llvm::Value* (ExprEmitter::*combine)(llvm::Value*, llvm::Value*)) {
  llvm::Value* result = nullptr;
  for (Expr arg : e.args()) {
    llvm::Value* value = Emit(arg);
    result = result == nullptr ? value : (this->*combine)(result, value);
  }
  return result;
}

llvm::Value* ExprEmitter::Checked(llvm::Intrinsic::ID id, llvm::Value* x, llvm::Value* y) {
  llvm::Value* pair = b_->CreateBinaryIntrinsic(id, x, y);
  overflows_.push_back(b_->CreateExtractValue(pair, 1));
  return b_->CreateExtractValue(pair, 0);
}

llvm::Value* ExprEmitter::AddInts(llvm::Value* x, llvm::Value* y) {
  return checked_ ? Checked(llvm::Intrinsic::sadd_with_overflow, x, y) : b_->CreateNSWAdd(x, y);
}

llvm::Value* ExprEmitter::MulInts(llvm::Value* x, llvm::Value* y) {
  return checked_ ? Checked(llvm::Intrinsic::smul_with_overflow, x, y) : b_->CreateNSWMul(x, y);
}

llvm::Value* ExprEmitter::Smaller(llvm::Value* x, llvm::Value* y) {
  return b_->CreateBinaryIntrinsic(llvm::Intrinsic::smin, x, y);
}

llvm::Value* ExprEmitter::Larger(llvm::Value* x, llvm::Value* y) {
  return b_->CreateBinaryIntrinsic(llvm::Intrinsic::smax, x, y);
}

bool ExprEmitter::KnownNatural(Expr e) const {
  ValueRange range = BoundOf(e, [&](Expr symbol) { return symbols_.at(symbol).back().range; });
  return range.lower >= 0;
}

// Floor and ceiling division and modulo. A divisor of zero, which the loop that
// would use the result never runs with, gives some value and no trap.
llvm::Value* ExprEmitter::Divide(Expr e) {
  const Expr a = e.args()[0];
  const Expr d = e.args()[1];
  llvm::Value* x = Emit(a);
  llvm::Value* y = Emit(d);
  llvm::Value* zero = b_->getInt64(0);
  llvm::Value* one = b_->getInt64(1);
  if (!d.AsInt().has_value()) y = b_->CreateSelect(b_->CreateICmpEQ(y, zero), one, y);
  const bool natural = KnownNatural(a) && KnownNatural(d);
  llvm::Value* quotient = natural ? b_->CreateUDiv(x, y) : b_->CreateSDiv(x, y);
  llvm::Value* rest = b_->CreateSub(x, b_->CreateMul(quotient, y));
  llvm::Value* has_rest = b_->CreateICmpNE(rest, zero);
  llvm::Value* signs_differ = b_->CreateICmpSLT(b_->CreateXor(x, y), zero);
  if (e.kind() == ExprKind::kCeilDiv) {
    llvm::Value* up = natural ? has_rest : b_->CreateAnd(has_rest, b_->CreateNot(signs_differ));
    return b_->CreateAdd(quotient, b_->CreateZExt(up, b_->getInt64Ty()));
  }
  if (natural) return e.kind() == ExprKind::kMod ? rest : quotient;
  llvm::Value* down = b_->CreateAnd(has_rest, signs_differ);
  if (e.kind() == ExprKind::kMod) return b_->CreateSelect(down, b_->CreateAdd(rest, y), rest);
  return b_->CreateSub(quotient, b_->CreateZExt(down, b_->getInt64Ty()));
}

llvm::Value* ExprEmitter::AsFloat(Expr e) {
  llvm::Value* v = Emit(e);
  return e.type() == ExprType::kFloat ? v : b_->CreateSIToFP(v, b_->getDoubleTy());
}

llvm::Value* ExprEmitter::BuildInteger(Expr e) {
  switch (e.kind()) {
    case ExprKind::kAdd: return Fold(e, &ExprEmitter::AddInts);
    case ExprKind::kMul: return Fold(e, &ExprEmitter::MulInts);
    case ExprKind::kMin: return Fold(e, &ExprEmitter::Smaller);
    case ExprKind::kMax: return Fold(e, &ExprEmitter::Larger);
    case ExprKind::kFloorDiv:
    case ExprKind::kCeilDiv:
    case ExprKind::kMod: return Divide(e);
    case ExprKind::kPow: {
      const int64_t n = e.args()[1].AsInt().value_or(1);
      llvm::Value* base = Emit(e.args()[0]);
      llvm::Value* product = b_->getInt64(1);
      for (int64_t i = 0; i < n; ++i) product = MulInts(product, base);
      return product;
    }
    case ExprKind::kFloorToInt:
    case ExprKind::kCeilToInt:
    case ExprKind::kTruncToInt: {
      const Rounding rounding = e.kind() == ExprKind::kFloorToInt  ? Rounding::kFloor
                                : e.kind() == ExprKind::kCeilToInt ? Rounding::kCeil
                                                                   : Rounding::kTrunc;
      Num rounded = Round(Num{math_, AsFloat(e.args()[0])}, rounding);
      return b_->CreateFreeze(b_->CreateFPToSI(rounded.v, b_->getInt64Ty()));
    }
    case ExprKind::kWhere:
      return b_->CreateSelect(Emit(e.args()[0]), Emit(e.args()[1]), Emit(e.args()[2]));
    default: return llvm::PoisonValue::get(b_->getInt64Ty());
  }
}

llvm::Value* ExprEmitter::BuildFloat(Expr e) {
  switch (e.kind()) {
    case ExprKind::kFloat: return llvm::ConstantFP::get(b_->getDoubleTy(), *e.AsFloat());
    case ExprKind::kToFloat: return AsFloat(e.args()[0]);
    case ExprKind::kTrueDiv: return b_->CreateFDiv(AsFloat(e.args()[0]), AsFloat(e.args()[1]));
    case ExprKind::kFloatAdd: return Fold(e, &ExprEmitter::AddFloats);
    case ExprKind::kFloatMul: return Fold(e, &ExprEmitter::MulFloats);
    case ExprKind::kFloatSqrt: return Sqrt(Num{math_, AsFloat(e.args()[0])}).v;
    case ExprKind::kWhere:
      return b_->CreateSelect(Emit(e.args()[0]), AsFloat(e.args()[1]), AsFloat(e.args()[2]));
    default: return llvm::PoisonValue::get(b_->getDoubleTy());
  }
}

llvm::Value* ExprEmitter::BuildCondition(Expr e) {
  switch (e.kind()) {
    case ExprKind::kBool: return b_->getInt1(*e.AsBool());
    case ExprKind::kAnd: return Fold(e, &ExprEmitter::Both);
    case ExprKind::kOr: return Fold(e, &ExprEmitter::Either);
    case ExprKind::kNot: return b_->CreateNot(Emit(e.args()[0]));
    default: break;
  }
  const Expr x = e.args()[0];
  const Expr y = e.args()[1];
  if (x.type() == ExprType::kInt && y.type() == ExprType::kInt) {
    llvm::CmpInst::Predicate predicate = e.kind() == ExprKind::kEq   ? llvm::CmpInst::ICMP_EQ
                                         : e.kind() == ExprKind::kNe ? llvm::CmpInst::ICMP_NE
                                         : e.kind() == ExprKind::kLt ? llvm::CmpInst::ICMP_SLT
                                                                     : llvm::CmpInst::ICMP_SLE;
    return b_->CreateICmp(predicate, Emit(x), Emit(y));
  }
  if (x.type() == ExprType::kBool) {
    llvm::Value* same = b_->CreateICmpEQ(Emit(x), Emit(y));
    return e.kind() == ExprKind::kEq ? same : b_->CreateNot(same);
  }
  llvm::CmpInst::Predicate predicate = e.kind() == ExprKind::kEq   ? llvm::CmpInst::FCMP_OEQ
                                       : e.kind() == ExprKind::kNe ? llvm::CmpInst::FCMP_UNE
                                       : e.kind() == ExprKind::kLt ? llvm::CmpInst::FCMP_OLT
                                                                   : llvm::CmpInst::FCMP_OLE;
  return b_->CreateFCmp(predicate, AsFloat(x), AsFloat(y));
}

}  // namespace kiln
