#include "compiler/codegen/expr_emitter.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
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
  VisitSymbols(e, [&](Expr symbol) {
    if (const Binding* binding = BindingOf(symbol)) depth = std::max(depth, binding->depth);
  });
  return depth;
}

const ExprEmitter::Binding* ExprEmitter::BindingOf(Expr symbol) const {
  auto found = symbols_.find(symbol);
  return found == symbols_.end() || found->second.empty() ? nullptr : &found->second.back();
}

llvm::Value* ExprEmitter::Refuse(Expr e, absl::string_view why) {
  if (status_.ok()) {
    status_ = MakeError(ErrorReason::kUnsupportedGraph,
                        absl::StrCat("compiled code cannot compute ", e.ToString(), ": ", why));
  }
  switch (e.type()) {
    case ExprType::kInt: return b_->getInt64(0);
    case ExprType::kFloat: return llvm::ConstantFP::get(b_->getDoubleTy(), 0);
    case ExprType::kBool: return b_->getFalse();
  }
  return b_->getInt64(0);
}

llvm::Value* ExprEmitter::EmitSymbol(Expr e) {
  const Binding* binding = BindingOf(e);
  return binding != nullptr ? binding->value : Refuse(e, "the symbol has no value there");
}

llvm::Value* ExprEmitter::Emit(Expr e) {
  if (std::optional<int64_t> i = e.AsInt()) return b_->getInt64(static_cast<uint64_t>(*i));
  if (e.kind() == ExprKind::kSymbol) return EmitSymbol(e);
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

llvm::Value* ExprEmitter::BuildFromNearSum(const Sum& wanted, int depth) {
  const Sum* nearest = nullptr;
  size_t least = wanted.e.args().size() / 2;
  for (const Sum& sum : scopes_[depth].sums) {
    const auto shared = static_cast<size_t>(absl::c_count_if(sum.e.args(), [&](Expr t) { return wanted.terms.contains(t); }));
    const size_t differing = wanted.terms.size() + sum.terms.size() - 2 * shared;
    if (differing >= least) continue;
    least = differing;
    nearest = &sum;
  }
  if (nearest == nullptr) return nullptr;
  std::vector<Expr> difference;
  for (Expr term : wanted.e.args()) {
    if (!nearest->terms.contains(term)) difference.push_back(term);
  }
  for (Expr term : nearest->e.args()) {
    if (!wanted.terms.contains(term)) difference.push_back(pool_->Neg(term));
  }
  llvm::Value* from = nearest->value;
  return AddInts(from, Emit(pool_->Add(difference)));
}

llvm::Value* ExprEmitter::BuildSum(Expr e, int depth) {
  constexpr size_t kLongSum = 4;
  constexpr size_t kKeptSums = 4;
  if (!checked_ || e.args().size() < kLongSum) return BuildWholeSum(e, depth);
  Sum sum = {e, {e.args().begin(), e.args().end()}, nullptr};
  sum.value = BuildFromNearSum(sum, depth);
  if (sum.value == nullptr) sum.value = BuildWholeSum(e, depth);
  std::deque<Sum>& sums = scopes_[depth].sums;
  sums.push_front(std::move(sum));
  if (sums.size() > kKeptSums) sums.pop_back();
  return sums.front().value;
}

llvm::Value* ExprEmitter::BuildWholeSum(Expr e, int depth) {
  std::vector<Expr> outer, inner;
  for (Expr term : e.args()) (DepthOf(term) < depth ? outer : inner).push_back(term);
  llvm::Value* sum = outer.empty() ? nullptr : Emit(pool_->Add(outer));
  for (Expr term : inner) {
    llvm::Value* value = Emit(term);
    sum = sum == nullptr ? value : AddInts(sum, value);
  }
  return sum;
}

llvm::Value* ExprEmitter::Fold(Expr e, llvm::Value* (ExprEmitter::*combine)(llvm::Value*, llvm::Value*)) {
  llvm::Value* result = nullptr;
  for (Expr arg : e.args()) {
    llvm::Value* value = Emit(arg);
    result = result == nullptr ? value : (this->*combine)(result, value);
  }
  return result;
}

void ExprEmitter::Flag(llvm::Value* has_no_value) {
  if (checked_) overflows_.push_back(has_no_value);
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
  ValueRange range = BoundOf(e, [&](Expr symbol) {
    const Binding* binding = BindingOf(symbol);
    return binding == nullptr ? ValueRange() : binding->range;
  });
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
  if (!natural && !d.AsInt().has_value()) {
    // The one quotient of integers that does not fit, which would trap.
    llvm::Value* leaves = b_->CreateAnd(b_->CreateICmpEQ(x, b_->getInt64(uint64_t{1} << 63)),
                                        b_->CreateICmpEQ(y, b_->getInt64(~uint64_t{0})));
    Flag(leaves);
    y = b_->CreateSelect(leaves, one, y);
  }
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

// A constant power: inner loops hold small ones.
llvm::Value* ExprEmitter::Product(Expr e) {
  constexpr int64_t kMostFactors = 8;
  const int64_t n = e.args()[1].AsInt().value_or(-1);
  if (n < 1 || n > kMostFactors) return PowInts(e);
  llvm::Value* base = Emit(e.args()[0]);
  llvm::Value* product = base;
  for (int64_t i = 1; i < n; ++i) product = MulInts(product, base);
  return product;
}

// By squaring, without a branch. An exponent below 0 or above 63 counts as an
// overflow, but for the bases whose powers stay small.
llvm::Value* ExprEmitter::PowInts(Expr e) {
  constexpr int kExponentBits = 6;
  llvm::Value* base = Emit(e.args()[0]);
  llvm::Value* exponent = Emit(e.args()[1]);
  llvm::Value* zero = b_->getInt64(0);
  llvm::Value* one = b_->getInt64(1);
  llvm::Value* magnitude = b_->CreateBinaryIntrinsic(llvm::Intrinsic::abs, base, b_->getFalse());
  llvm::Value* is_small = b_->CreateICmpULE(magnitude, one);
  // The powers of 0, 1 and -1 repeat from 2 on, so that bit 1 may stand for all above.
  llvm::Value* folded = b_->CreateOr(b_->CreateAnd(exponent, one), b_->getInt64(2));
  llvm::Value* is_large = b_->CreateICmpUGE(exponent, b_->getInt64(uint64_t{1} << kExponentBits));
  llvm::Value* left = b_->CreateSelect(b_->CreateAnd(is_small, is_large), folded, exponent);
  llvm::Value* bad = b_->CreateOr(b_->CreateICmpSLT(exponent, zero), b_->CreateAnd(is_large, b_->CreateNot(is_small)));
  llvm::Value* result = one;
  llvm::Value* power = base;
  for (int bit = 0; bit < kExponentBits; ++bit) {
    llvm::Value* is_set = b_->CreateTrunc(b_->CreateLShr(left, static_cast<uint64_t>(bit)), b_->getInt1Ty());
    llvm::Value* product = b_->CreateBinaryIntrinsic(llvm::Intrinsic::smul_with_overflow, result, power);
    bad = b_->CreateOr(bad, b_->CreateAnd(is_set, b_->CreateExtractValue(product, 1)));
    result = b_->CreateSelect(is_set, b_->CreateExtractValue(product, 0), result);
    if (bit + 1 == kExponentBits) break;
    llvm::Value* square = b_->CreateBinaryIntrinsic(llvm::Intrinsic::smul_with_overflow, power, power);
    llvm::Value* is_used = b_->CreateICmpNE(b_->CreateLShr(left, static_cast<uint64_t>(bit) + 1), zero);
    bad = b_->CreateOr(bad, b_->CreateAnd(is_used, b_->CreateExtractValue(square, 1)));
    power = b_->CreateExtractValue(square, 0);
  }
  Flag(bad);
  return result;
}

// A float's integer. What does not fit, and NaN, counts as an overflow.
llvm::Value* ExprEmitter::RoundToInt(Expr e, Rounding rounding) {
  Num rounded = Round(Num{math_, AsFloat(e.args()[0])}, rounding);
  llvm::Type* type = b_->getDoubleTy();
  llvm::Value* fits = b_->CreateAnd(b_->CreateFCmpOGE(rounded.v, llvm::ConstantFP::get(type, -0x1p63)),
                                    b_->CreateFCmpOLT(rounded.v, llvm::ConstantFP::get(type, 0x1p63)));
  Flag(b_->CreateNot(fits));
  return b_->CreateFreeze(b_->CreateFPToSI(rounded.v, b_->getInt64Ty()));
}

// Python divides integers exactly and rounds once: so does this as long as both
// are exact as floats.
llvm::Value* ExprEmitter::TrueDivide(Expr e) {
  const Expr a = e.args()[0];
  const Expr d = e.args()[1];
  llvm::Value* x = AsFloat(a);
  llvm::Value* y = AsFloat(d);
  Flag(b_->CreateFCmpOEQ(y, llvm::ConstantFP::get(b_->getDoubleTy(), 0)));
  if (a.type() == ExprType::kInt && d.type() == ExprType::kInt) {
    for (llvm::Value* operand : {x, y}) {
      llvm::Value* magnitude = b_->CreateUnaryIntrinsic(llvm::Intrinsic::fabs, operand);
      Flag(b_->CreateFCmpOGT(magnitude, llvm::ConstantFP::get(b_->getDoubleTy(), 0x1p53)));
    }
  }
  return b_->CreateFDiv(x, y);
}

llvm::Value* ExprEmitter::SquareRoot(Expr e) {
  Num x{math_, AsFloat(e.args()[0])};
  Flag(Lt(x, 0.0).v);
  return Sqrt(x).v;
}

llvm::Value* ExprEmitter::AsFloat(Expr e) {
  llvm::Value* v = Emit(e);
  return e.type() == ExprType::kFloat ? v : b_->CreateSIToFP(v, b_->getDoubleTy());
}

// By kind, which settles the type of all but symbols and choices.
llvm::Value* ExprEmitter::Build(Expr e) {
  using Predicate = llvm::CmpInst::Predicate;
  switch (e.kind()) {
    case ExprKind::kInt:
    case ExprKind::kSymbol: return Emit(e);
    case ExprKind::kFloat: return llvm::ConstantFP::get(b_->getDoubleTy(), *e.AsFloat());
    case ExprKind::kBool: return b_->getInt1(*e.AsBool());
    case ExprKind::kAdd: return Fold(e, &ExprEmitter::AddInts);
    case ExprKind::kMul: return Fold(e, &ExprEmitter::MulInts);
    case ExprKind::kMin: return Fold(e, &ExprEmitter::Smaller);
    case ExprKind::kMax: return Fold(e, &ExprEmitter::Larger);
    case ExprKind::kBitAnd: return Fold(e, &ExprEmitter::Both);
    case ExprKind::kFloorDiv:
    case ExprKind::kCeilDiv:
    case ExprKind::kMod: return Divide(e);
    case ExprKind::kPow: return Product(e);
    case ExprKind::kIntPow: return PowInts(e);
    case ExprKind::kFloorToInt: return RoundToInt(e, Rounding::kFloor);
    case ExprKind::kCeilToInt: return RoundToInt(e, Rounding::kCeil);
    case ExprKind::kTruncToInt: return RoundToInt(e, Rounding::kTrunc);
    case ExprKind::kRoundToInt: return RoundToInt(e, Rounding::kNearestEven);
    case ExprKind::kToFloat: return AsFloat(e.args()[0]);
    case ExprKind::kTrueDiv: return TrueDivide(e);
    case ExprKind::kFloatAdd: return Fold(e, &ExprEmitter::AddFloats);
    case ExprKind::kFloatMul: return Fold(e, &ExprEmitter::MulFloats);
    case ExprKind::kFloatSqrt: return SquareRoot(e);
    // Artifacts import no libm, and a size that differs from Python's in the
    // last bit of a float may differ by one.
    case ExprKind::kFloatPow: return Refuse(e, "it has no power of floats");
    case ExprKind::kRoundDecimal: return Refuse(e, "it does not round to decimal digits");
    case ExprKind::kFloatCall: return Refuse(e, "it has no such function of floats");
    case ExprKind::kAnd: return Fold(e, &ExprEmitter::Both);
    case ExprKind::kOr: return Fold(e, &ExprEmitter::Either);
    case ExprKind::kNot: return b_->CreateNot(Emit(e.args()[0]));
    case ExprKind::kEq: return Compare(e, Predicate::ICMP_EQ, Predicate::FCMP_OEQ);
    case ExprKind::kNe: return Compare(e, Predicate::ICMP_NE, Predicate::FCMP_UNE);
    case ExprKind::kLt: return Compare(e, Predicate::ICMP_SLT, Predicate::FCMP_OLT);
    case ExprKind::kLe: return Compare(e, Predicate::ICMP_SLE, Predicate::FCMP_OLE);
    case ExprKind::kWhere: return Choose(e);
    case ExprKind::kPoison: return Refuse(e, e.poison_reason());
  }
  return Refuse(e, "its kind is unknown");
}

llvm::Value* ExprEmitter::Choose(Expr e) {
  llvm::Value* condition = Emit(e.args()[0]);
  if (e.type() == ExprType::kFloat) return b_->CreateSelect(condition, AsFloat(e.args()[1]), AsFloat(e.args()[2]));
  return b_->CreateSelect(condition, Emit(e.args()[1]), Emit(e.args()[2]));
}

llvm::Value* ExprEmitter::Compare(Expr e, llvm::CmpInst::Predicate on_ints, llvm::CmpInst::Predicate on_floats) {
  const Expr x = e.args()[0];
  const Expr y = e.args()[1];
  if (x.type() == ExprType::kFloat || y.type() == ExprType::kFloat) {
    return b_->CreateFCmp(on_floats, AsFloat(x), AsFloat(y));
  }
  // Of booleans only equality is asked.
  return b_->CreateICmp(on_ints, Emit(x), Emit(y));
}

}  // namespace kiln
