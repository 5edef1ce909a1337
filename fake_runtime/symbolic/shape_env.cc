#include "fake_runtime/symbolic/shape_env.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "fake_runtime/symbolic/expr_node.h"
#include "fake_runtime/symbolic/knowledge.h"
#include "fake_runtime/symbolic/poison_error.h"
#include "fake_runtime/symbolic/reduce_guards.h"

namespace kiln {
namespace {

struct SymbolInfo {
  std::optional<ScalarValue> hint;
  ValueRange natural;
  DimPolicy policy = DimPolicy::kAutomatic;
  // Of a bounded dynamic symbol: every value in it must do.
  std::optional<ValueRange> bounds;
};

// A dynamic size is at least 0 or 2 anyway; a narrower range is a promise to the
// user, PyTorch's mark_dynamic(min=, max=).
bool IsBounded(ValueRange range) { return range.upper != ValueRange::kMax || range.lower > 2; }

absl::Status HangsOnData(absl::string_view what, Expr e, Expr symbol) {
  return MakeError(ErrorReason::kDataDependentSize, absl::StrCat(what, ": ", e.ToString(), " hangs on ",
                                                                 symbol.symbol_name(), ", which depends on data"));
}

absl::Status IsBeyondInt64(absl::string_view what, Expr e) {
  return MakeError(ErrorReason::kSizeOverflow,
                   absl::StrCat(what, ": ", e.ToString(), " is beyond 64 bits for these sizes"));
}

}  // namespace

struct ShapeEnv::Rep {
  explicit Rep(ExprPool* p) : pool(p), knowledge(p) {}

  std::optional<ScalarValue> Hint(Expr symbol) const {
    auto it = symbols.find(symbol);
    return it == symbols.end() ? std::nullopt : it->second.hint;
  }
  std::optional<ScalarValue> EvaluateHints(Expr e) const {
    pool->Spend(TreeSizeOf(e));
    return EvaluateScalar(e, [this](Expr s) { return Hint(s); });
  }
  // Keeps the first limit that was passed where no status could say so.
  void Note(const absl::Status& status) { limit_status.Update(status); }
  // The first symbol of `e` that has no hint.
  std::optional<Expr> Unhinted(Expr e) const {
    std::optional<Expr> found;
    VisitSymbols(e, [&](Expr s) {
      if (!found && !Hint(s)) found = s;
    });
    return found;
  }

  // `condition` simplified. As it was written where that is undefined: a part
  // with a division by a size that is 0 here may not have counted.
  Expr SimplifyDefined(Expr condition) {
    Expr simple = knowledge.Simplify(condition);
    return simple.is_poison() ? condition : simple;
  }

  absl::Status Declare(Expr symbol, const SymbolInfo& info, ValueRange range);
  // An unbacked symbol that no client has: the first of u0, u1, ... that is free.
  Expr DeclareFresh(absl::string_view prefix, int& next, ValueRange range);
  // Guards on the assumptions that a decision leaned on.
  void Adopt(const Knowledge::Trail& trail);
  // Records a guard on each conjunct of `fact`.
  absl::Status Record(Expr fact, absl::string_view what, GuardKind kind);
  // SPECIALIZED_DYNAMIC_DIM if `fact` would leave a dynamic symbol one value.
  absl::Status CheckStaysDynamic(Expr fact, absl::string_view what);
  // SPECIALIZED_DYNAMIC_DIM if `fact`, which the ranges do not imply, is about one
  // bounded dynamic symbol alone: some of the range would be shut out.
  absl::Status CheckKeepsBounds(Expr fact, absl::string_view what) const;
  void DeclareNature(Knowledge& to, Expr symbol) const;

  ExprPool* pool;
  Knowledge knowledge;
  absl::flat_hash_map<Expr, SymbolInfo> symbols;
  std::vector<Expr> order;
  absl::flat_hash_map<int, std::string> promise_reasons;
  std::vector<Guard> recorded;
  std::vector<Guard> asserts;
  GuardReason reason;
  absl::Status limit_status;
  DataMemo data_memo;
  int next_unbacked = 0;
  int next_unbacked_float = 0;
};

absl::Status ShapeEnv::Rep::Declare(Expr symbol, const SymbolInfo& info, ValueRange range) {
  if (symbol.kind() != ExprKind::kSymbol) {
    return MakeError(ErrorReason::kBadInputMetadata, absl::StrCat("'", symbol.ToString(), "' is not a symbol"));
  }
  absl::string_view name = symbol.symbol_name();
  if (symbols.contains(symbol)) {
    return MakeError(ErrorReason::kBadInputMetadata, absl::StrCat("symbol ", name, " is declared twice"));
  }
  if (range.empty()) {
    return MakeError(ErrorReason::kBadInputMetadata,
                     absl::StrCat("symbol ", name, " has the empty range ", range.ToString()));
  }
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kSymbols, symbols.size() + 1, "symbols"));
  symbols[symbol] = info;
  order.push_back(symbol);
  knowledge.AddSymbol(symbol, info.natural, range, /*replace_first=*/!info.hint);
  return absl::OkStatus();
}

void ShapeEnv::Rep::DeclareNature(Knowledge& to, Expr symbol) const {
  const SymbolInfo& info = symbols.at(symbol);
  to.AddSymbol(symbol, info.natural, info.natural, !info.hint);
}

void ShapeEnv::Rep::Adopt(const Knowledge::Trail& trail) {
  for (const Knowledge::Lean& lean : trail) {
    std::optional<Expr> condition = knowledge.Adopt(lean);
    if (!condition) continue;
    Note(CheckLimit(Limit::kGuards, recorded.size() + 1, "guards"));
    Guard guard{*condition, GuardKind::kAssumption, reason};
    auto it = promise_reasons.find(lean.promise);
    if (lean.kind != Knowledge::Lean::kPromise) {
      guard.reason.what = absl::StrCat("range of ", lean.symbol.symbol_name());
    } else {
      guard.reason.what = it == promise_reasons.end() ? "range of a size" : it->second;
    }
    recorded.push_back(std::move(guard));
  }
}

absl::Status ShapeEnv::Rep::CheckStaysDynamic(Expr fact, absl::string_view what) {
  absl::Span<const Expr> args = fact.args();
  if (args.size() != 2) return absl::OkStatus();
  bool symbol_first = args[0].kind() == ExprKind::kSymbol;
  Expr symbol = args[symbol_first ? 0 : 1];
  std::optional<int64_t> value = args[symbol_first ? 1 : 0].AsInt();
  if (!value || symbol.kind() != ExprKind::kSymbol) return absl::OkStatus();
  ValueRange range = knowledge.RangeOf(symbol);
  switch (fact.kind()) {
    case ExprKind::kEq:
      range = ValueRange::Exactly(*value);
      break;
    case ExprKind::kLe:
      range = range.Intersect(symbol_first ? ValueRange{ValueRange::kMin, *value} : ValueRange::AtLeast(*value));
      break;
    case ExprKind::kNe:
      if (range.lower == *value) range.lower += 1;
      if (range.upper == *value) range.upper -= 1;
      break;
    default:
      break;
  }
  if (!range.singleton()) return absl::OkStatus();
  std::vector<Expr> pinned = knowledge.ReplacedBy(symbol);
  pinned.push_back(symbol);
  for (Expr s : pinned) {
    auto it = symbols.find(s);
    if (it == symbols.end() || it->second.policy != DimPolicy::kDynamic) continue;
    return MakeError(ErrorReason::kSpecializedDynamic,
                     absl::StrCat(what, ": ", s.symbol_name(), " is marked dynamic, but the graph needs ",
                                  fact.ToString()));
  }
  return absl::OkStatus();
}

absl::Status ShapeEnv::Rep::CheckKeepsBounds(Expr fact, absl::string_view what) const {
  std::optional<Expr> symbol;
  bool alone = true;
  VisitSymbols(fact, [&](Expr s) {
    alone &= !symbol.has_value();
    symbol = s;
  });
  if (!symbol || !alone) return absl::OkStatus();
  auto it = symbols.find(*symbol);
  if (it == symbols.end() || !it->second.bounds) return absl::OkStatus();
  return MakeError(ErrorReason::kSpecializedDynamic,
                   absl::StrCat(what, ": ", symbol->symbol_name(), " is marked dynamic in ",
                                it->second.bounds->ToString(), ", but the graph needs ", fact.ToString()));
}

absl::Status ShapeEnv::Rep::Record(Expr fact, absl::string_view what, GuardKind kind) {
  if (fact.kind() == ExprKind::kAnd) {
    for (Expr c : fact.args()) KILN_RETURN_IF_ERROR(Record(c, what, kind));
    return absl::OkStatus();
  }
  Knowledge::Trail trail;
  Expr simple = knowledge.SimplifyCondition(fact, &trail);
  if (!simple.is_poison()) fact = simple;
  KILN_RETURN_IF_ERROR(CheckStaysDynamic(fact, what));
  if (kind == GuardKind::kShape) KILN_RETURN_IF_ERROR(CheckKeepsBounds(fact, what));
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kGuards, recorded.size() + 1, "guards"));
  Adopt(trail);
  // An earlier conjunct, or an assumption, may have decided this one.
  if (fact.AsBool()) return absl::OkStatus();
  Guard guard{fact, kind, reason};
  guard.reason.what = std::string(what);
  recorded.push_back(std::move(guard));
  knowledge.AddFact(fact);
  return absl::OkStatus();
}

// --- ShapeEnv

ShapeEnv::ShapeEnv(ExprPool* pool) : rep_(std::make_unique<Rep>(pool)) {}
ShapeEnv::~ShapeEnv() = default;

ExprPool& ShapeEnv::pool() const { return *rep_->pool; }

absl::Status ShapeEnv::AddBackedSymbol(Expr symbol, int64_t hint, ValueRange range, ValueRange natural,
                                       DimPolicy policy) {
  if (!range.Contains(hint) || !natural.Contains(hint)) {
    ValueRange allowed = range.Contains(hint) ? natural : range;
    return MakeError(ErrorReason::kBadInputMetadata, absl::StrCat("symbol ", symbol.ToString(), " has the hint ", hint,
                                                                  ", outside its range ", allowed.ToString()));
  }
  SymbolInfo info{ScalarValue{ExprType::kInt, hint, 0}, natural, policy};
  if (policy == DimPolicy::kDynamic && IsBounded(range)) info.bounds = range;
  return rep_->Declare(symbol, info, range.Intersect(natural));
}

absl::Status ShapeEnv::AddUnbackedSymbol(Expr symbol, ValueRange range) {
  // That it is not negative is the nature of a size, not the client's promise.
  SymbolInfo info{std::nullopt, range.lower >= 0 ? ValueRange::AtLeast(0) : ValueRange(), DimPolicy::kUnbacked};
  return rep_->Declare(symbol, info, range);
}

Expr ShapeEnv::Rep::DeclareFresh(absl::string_view prefix, int& next, ValueRange range) {
  Expr symbol;
  do {
    symbol = pool->Symbol(absl::StrCat(prefix, next++));
  } while (symbols.contains(symbol));
  // The range comes from the operator, so it is known.
  SymbolInfo info{std::nullopt, range, DimPolicy::kUnbacked};
  Note(Declare(symbol, info, range));
  return symbol;
}

Expr ShapeEnv::FreshUnbacked(ValueRange range) { return rep_->DeclareFresh("u", rep_->next_unbacked, range); }

Expr ShapeEnv::FreshUnbackedFloat() { return rep_->DeclareFresh("zuf", rep_->next_unbacked_float, ValueRange()); }

absl::Status ShapeEnv::AddBackedFloatSymbol(Expr symbol, double hint) {
  if (symbol.type() != ExprType::kFloat) {
    return MakeError(ErrorReason::kBadInputMetadata, absl::StrCat("'", symbol.ToString(), "' is no symbol of a float"));
  }
  SymbolInfo info{ScalarValue{ExprType::kFloat, 0, hint}, ValueRange(), DimPolicy::kAutomatic};
  return rep_->Declare(symbol, info, ValueRange());
}

DataMemo& ShapeEnv::data_memo() { return rep_->data_memo; }

absl::Status ShapeEnv::AddAssumption(Expr condition, absl::string_view reason) {
  if (condition.is_poison()) {
    return PoisonError(condition, "assumption");
  }
  if (condition.type() != ExprType::kBool) {
    return MakeError(ErrorReason::kBadInputMetadata,
                     absl::StrCat("assumption '", condition.ToString(), "' is not a condition"));
  }
  std::optional<ScalarValue> value = rep_->EvaluateHints(condition);
  if (condition.AsBool() == false || (value && value->i == 0)) {
    return MakeError(ErrorReason::kBadInputMetadata,
                     absl::StrCat("the hints refute the assumption '", condition.ToString(), "'"));
  }
  if (condition.kind() == ExprKind::kAnd) {
    for (Expr c : condition.args()) KILN_RETURN_IF_ERROR(AddAssumption(c, reason));
    return absl::OkStatus();
  }
  if (condition.AsBool()) return absl::OkStatus();
  // What has no hint, ranges and earlier facts may refute. Asking uses none of them.
  Knowledge::Trail trail;
  if (rep_->knowledge.Decide(condition, &trail) == false) {
    return MakeError(ErrorReason::kBadInputMetadata,
                     absl::StrCat("other facts refute the assumption '", condition.ToString(), "'"));
  }
  int number = rep_->knowledge.AddPromise(condition);
  rep_->promise_reasons[number] = reason.empty() ? "assumed by the client" : std::string(reason);
  return absl::OkStatus();
}

void ShapeEnv::SetReason(GuardReason reason) { rep_->reason = std::move(reason); }
const GuardReason& ShapeEnv::reason() const { return rep_->reason; }

std::optional<bool> ShapeEnv::StaticallyKnown(Expr condition) {
  if (std::optional<bool> b = condition.AsBool()) return b;
  if (condition.is_poison() || condition.type() != ExprType::kBool) return std::nullopt;
  Knowledge::Trail trail;
  std::optional<bool> result = rep_->knowledge.Decide(condition, &trail);
  if (result) rep_->Adopt(trail);
  return result;
}

absl::StatusOr<bool> ShapeEnv::Test(Expr condition, absl::string_view what, GuardKind kind) {
  if (condition.is_poison()) {
    return PoisonError(condition, what);
  }
  if (std::optional<bool> known = StaticallyKnown(condition)) return *known;
  Expr simple = rep_->SimplifyDefined(condition);
  if (std::optional<Expr> symbol = rep_->Unhinted(simple)) return HangsOnData(what, simple, *symbol);
  std::optional<ScalarValue> value = rep_->EvaluateHints(simple);
  if (!value) return IsBeyondInt64(what, condition);
  bool outcome = value->i != 0;
  KILN_RETURN_IF_ERROR(rep_->Record(outcome ? simple : pool().Not(simple), what, kind));
  return outcome;
}

absl::StatusOr<bool> ShapeEnv::TestOr(Expr condition, bool fallback, absl::string_view what) {
  if (!condition.is_poison()) {
    if (std::optional<bool> known = StaticallyKnown(condition)) return *known;
    if (rep_->Unhinted(rep_->SimplifyDefined(condition))) return fallback;
  }
  return Test(condition, what);
}

absl::Status ShapeEnv::Check(Expr condition, absl::string_view what, absl::string_view message) {
  if (!condition.is_poison()) {
    std::optional<bool> known = StaticallyKnown(condition);
    if (known == true) return absl::OkStatus();
    if (known == false) return MakeError(ErrorReason::kShapeMismatch, message);
    Expr simple = rep_->SimplifyDefined(condition);
    if (rep_->Unhinted(simple)) {
      KILN_RETURN_IF_ERROR(CheckLimit(Limit::kGuards, rep_->asserts.size() + 1, "runtime asserts"));
      Guard guard{simple, GuardKind::kShape, rep_->reason};
      guard.reason.what = std::string(what);
      rep_->asserts.push_back(std::move(guard));
      rep_->knowledge.AddFact(simple);
      return absl::OkStatus();
    }
    std::optional<ScalarValue> value = rep_->EvaluateHints(simple);
    // A condition that fails is an error, not a guard on the failure.
    if (value && value->i == 0) return MakeError(ErrorReason::kShapeMismatch, message);
  }
  return Test(condition, what).status();
}

absl::StatusOr<int64_t> ShapeEnv::Specialize(Expr e, absl::string_view what) {
  e = Simplify(e);
  if (std::optional<int64_t> c = e.AsInt()) return *c;
  if (e.is_poison()) return Test(e, what).status();
  if (std::optional<Expr> symbol = rep_->Unhinted(e)) return HangsOnData(what, e, *symbol);
  std::optional<int64_t> value = HintOf(e);
  if (!value) return IsBeyondInt64(what, e);
  KILN_RETURN_IF_ERROR(Test(pool().Eq(e, pool().Int(*value)), what).status());
  return *value;
}

std::optional<ScalarValue> ShapeEnv::HintOfScalar(Expr e) const { return rep_->EvaluateHints(e); }

std::optional<int64_t> ShapeEnv::HintOf(Expr e) const {
  const std::optional<ScalarValue> value = rep_->EvaluateHints(e);
  if (!value || value->type == ExprType::kFloat) return std::nullopt;
  return value->i;
}

Expr ShapeEnv::Simplify(Expr e) { return rep_->knowledge.Simplify(e); }
ValueRange ShapeEnv::RangeOf(Expr e) const { return rep_->knowledge.RangeOf(e); }

absl::Status ShapeEnv::LimitStatus() const {
  KILN_RETURN_IF_ERROR(rep_->limit_status);
  return rep_->pool->exhausted() ? CheckLimit(Limit::kRewriteSteps, rep_->pool->steps(), "size expressions")
                                 : absl::OkStatus();
}

std::vector<Guard> ShapeEnv::Guards() const {
  return ReduceGuards(
      rep_->pool, rep_->order, [this](Knowledge& k, Expr symbol) { rep_->DeclareNature(k, symbol); }, rep_->recorded);
}
const std::vector<Guard>& ShapeEnv::recorded_guards() const { return rep_->recorded; }
const std::vector<Guard>& ShapeEnv::runtime_asserts() const { return rep_->asserts; }

}  // namespace kiln
