#include "tests/fuzz/check_propagation.h"

#include <cmath>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/text_form.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/static_twin.h"

namespace kiln {
namespace {

// Draws of other sizes for each graph.
constexpr int kDraws = 4;

// What symbolic propagation may refuse though the same sizes as integers are
// fine: it would have to specialise, to decide on data, or to write down more
// than the limits allow; or the client's facts are wrong.
bool MayBeSymbolicOnly(const absl::Status& status) {
  switch (*GetErrorReason(status)) {
    case ErrorReason::kSpecializedDynamic:
    case ErrorReason::kDataDependentSize:
    case ErrorReason::kLimitExceeded:
    case ErrorReason::kSizeOverflow:
    case ErrorReason::kBadInputMetadata:
      return true;
    default:
      return false;
  }
}

bool HasUnbacked(const FakeValue& value) {
  if (const Expr* e = std::get_if<Expr>(&value)) return e->has_unbacked();
  const FakeTensor* t = std::get_if<FakeTensor>(&value);
  if (t == nullptr) return false;
  bool unbacked = t->storage_offset.has_unbacked();
  for (Expr e : t->sizes) unbacked = unbacked || e.has_unbacked();
  for (Expr e : t->strides) unbacked = unbacked || e.has_unbacked();
  return unbacked;
}

bool HasUnbacked(const FakeGraph& fake) {
  for (const SymbolDeclaration& s : fake.graph.symbols) {
    if (s.policy == DimPolicy::kUnbacked) return true;
  }
  for (const FakeValue& value : fake.values) {
    if (HasUnbacked(value)) return true;
  }
  return !fake.env->runtime_asserts().empty();
}

std::string Show(const FakeGraph& fake) {
  return absl::StrCat(PrintGraph(fake.graph), "\n", DescribePropagation(fake));
}

class Consistency {
 public:
  Consistency(const FakeGraph& fake, ExprPool* pool) : fake_(fake), pool_(pool), hints_(HintsOf(fake.graph)) {}

  void Check() {
    Require(fake_.values.size() == static_cast<size_t>(fake_.graph.num_values()), "a value for each");
    for (const FakeValue& value : fake_.values) CheckValue(value);
    for (const Guard& guard : fake_.env->recorded_guards()) CheckGuard(guard);
    for (const Guard& guard : fake_.env->Guards()) CheckGuard(guard);
    for (const Guard& guard : fake_.env->runtime_asserts()) {
      CheckText(guard.condition);
      Require(guard.condition.AsBool() != false, absl::StrCat("an assert that never holds\n", Show(fake_)));
    }
  }

 private:
  void CheckValue(const FakeValue& value) {
    if (const Expr* e = std::get_if<Expr>(&value)) return CheckText(*e);
    const FakeTensor* t = std::get_if<FakeTensor>(&value);
    if (t == nullptr) return;
    Require(t->sizes.size() == t->strides.size(), absl::StrCat("sizes and strides\n", Show(fake_)));
    Require(t->storage.value >= 0 && t->storage.value < fake_.num_storages, absl::StrCat("a storage\n", Show(fake_)));
    for (int d = 0; d < t->rank(); ++d) {
      CheckText(t->sizes[d]);
      CheckText(t->strides[d]);
      Require(t->sizes[d].type() == ExprType::kInt && t->strides[d].type() == ExprType::kInt, "dims are integers");
      const std::optional<int64_t> size = ValueAt(t->sizes[d], hints_);
      Require(!size.has_value() || *size >= 0, absl::StrCat("a negative size\n", Show(fake_)));
    }
    CheckText(t->storage_offset);
  }

  void CheckGuard(const Guard& guard) {
    Require(!guard.ToString().empty(), "guards print");
    CheckText(guard.condition);
    Require(guard.condition.type() == ExprType::kBool, guard.ToString());
    bool visible = true;
    bool unbacked = false;
    VisitSymbols(guard.condition, [&](Expr s) {
      visible = visible && IsDeclared(fake_.graph, s);
      unbacked = unbacked || s.has_unbacked();
    });
    Require(visible, absl::StrCat("a guard on what the client cannot see: ", guard.ToString()));
    if (unbacked) return;
    Require(ValueAt(guard.condition, hints_) == 1,
            absl::StrCat("a guard that is false at the hints: ", guard.ToString(), "\n", Show(fake_)));
  }

  void CheckText(Expr e) {
    Require(!e.is_poison(), absl::StrCat("poison\n", Show(fake_)));
    const absl::StatusOr<Expr> again = pool_->Parse(e.ToString());
    Require(again.ok() && *again == e,
            absl::StrCat(e.ToString(), " reads as ", again.ok() ? again->ToString() : again.status().ToString()));
  }

  const FakeGraph& fake_;
  ExprPool* pool_;
  const SymbolValues hints_;
};

class Comparison {
 public:
  Comparison(const FakeGraph& symbolic, const FakeGraph& plain, const SymbolValues& values)
      : symbolic_(symbolic), plain_(plain), values_(values) {}

  void Check() {
    for (size_t i = 0; i < plain_.values.size(); ++i) {
      if (HasUnbacked(plain_.values[i]) || HasUnbacked(symbolic_.values[i])) continue;
      if (Same(symbolic_.values[i], plain_.values[i])) continue;
      // PyTorch gives a dimension of size 1 another stride where sizes are symbols;
      // what follows from it may differ as well.
      if (SameButIdleStrides(symbolic_.values[i], plain_.values[i])) return;
      Require(false, absl::StrCat("value ", i, " differs from the one for integers\n", Show(symbolic_), "\n",
                                  Show(plain_)));
    }
  }

 private:
  bool Same(Expr symbolic, Expr plain) const {
    if (symbolic.type() != plain.type()) return false;
    if (symbolic.type() != ExprType::kFloat) return ValueAt(symbolic, values_) == ValueAt(plain, values_);
    const std::optional<double> a = FloatAt(symbolic, values_), b = FloatAt(plain, values_);
    return a == b || (a && b && std::isnan(*a) && std::isnan(*b));
  }

  bool Same(absl::Span<const Expr> symbolic, absl::Span<const Expr> plain) const {
    if (symbolic.size() != plain.size()) return false;
    for (size_t d = 0; d < plain.size(); ++d) {
      if (!Same(symbolic[d], plain[d])) return false;
    }
    return true;
  }

  bool Same(const FakeValue& symbolic, const FakeValue& plain) const {
    if (symbolic.index() != plain.index()) return false;
    if (const Expr* e = std::get_if<Expr>(&plain)) return Same(std::get<Expr>(symbolic), *e);
    const FakeTensor* b = std::get_if<FakeTensor>(&plain);
    if (b == nullptr) return true;
    const FakeTensor& a = std::get<FakeTensor>(symbolic);
    return a.dtype == b->dtype && a.device == b->device && a.layout == b->layout && a.storage == b->storage &&
           a.requires_grad == b->requires_grad && a.conj_bit == b->conj_bit && a.neg_bit == b->neg_bit &&
           Same(a.sizes, b->sizes) && Same(a.strides, b->strides) && Same(a.storage_offset, b->storage_offset);
  }

  bool SameButIdleStrides(FakeValue symbolic, const FakeValue& plain) const {
    FakeTensor* a = std::get_if<FakeTensor>(&symbolic);
    const FakeTensor* b = std::get_if<FakeTensor>(&plain);
    if (a == nullptr || b == nullptr || a->rank() != b->rank()) return false;
    bool empty = false;
    for (Expr size : b->sizes) empty = empty || size.IsInt(0);
    for (int d = 0; d < b->rank(); ++d) {
      if (empty || b->sizes[d].IsInt(1)) a->strides[d] = b->strides[d];
    }
    return Same(symbolic, plain);
  }

  const FakeGraph& symbolic_;
  const FakeGraph& plain_;
  const SymbolValues& values_;
};

bool AllHold(absl::Span<const Guard> guards, const SymbolValues& values) {
  for (const Guard& guard : guards) {
    if (ValueAt(guard.condition, values) != 1) return false;
  }
  return true;
}

// The answer for integers is the symbolic one's twin; nothing where there are no
// such integers.
void CompareAt(const FakeGraph& symbolic, const SymbolValues& values, ExprPool* pool) {
  std::optional<Graph> twin = StaticTwin(symbolic.graph, values, pool);
  if (!twin.has_value()) return;
  const absl::StatusOr<FakeGraph> plain = Propagate(*twin, pool);
  if (!plain.ok()) {
    RequireReason(plain.status());
    // Guards do not bound sizes from above.
    if (GetErrorReason(plain.status()) == ErrorReason::kSizeOverflow) return;
    // What the code will assert when it runs, integers may refute at once.
    if (HasUnbacked(symbolic)) return;
    Require(false, absl::StrCat("integers are refused: ", plain.status().ToString(), "\n", PrintGraph(*twin), "\n",
                                Show(symbolic)));
  }
  Comparison(symbolic, *plain, values).Check();
}

void CheckOtherSizes(const FakeGraph& symbolic, ExprPool* pool, uint32_t seed) {
  if (symbolic.graph.symbols.empty() || HasUnbacked(symbolic)) return;
  std::minstd_rand random(seed);
  const std::vector<Guard> guards = symbolic.env->Guards();
  for (int draw = 0; draw < kDraws; ++draw) {
    SymbolValues values = HintsOf(symbolic.graph);
    // Equal sizes mostly move together, or few guards would hold.
    const int64_t from = std::next(values.begin(), random() % values.size())->second;
    const int64_t to = static_cast<int64_t>(random() % 14);
    const bool alone = random() % 4 == 0;
    for (auto& [symbol, value] : values) {
      if (value == from) value = to;
      if (value == to && alone) break;
    }
    if (!AllHold(guards, values)) continue;
    if (!StaticTwin(symbolic.graph, values, pool).has_value()) continue;
    Require(AllHold(symbolic.env->recorded_guards(), values),
            absl::StrCat("the reduced guards admit more than the recorded\n", Show(symbolic)));
    CompareAt(symbolic, values, pool);
  }
}

void CheckRefusal(const Graph& graph, const absl::Status& refusal, ExprPool* pool) {
  RequireReason(refusal);
  if (MayBeSymbolicOnly(refusal)) return;
  std::optional<Graph> twin = StaticTwin(graph, HintsOf(graph), pool);
  if (!twin.has_value()) return;
  const absl::StatusOr<FakeGraph> plain = Propagate(*twin, pool);
  Require(!plain.ok(), absl::StrCat("only symbols are refused: ", refusal.ToString(), "\n", PrintGraph(graph)));
}

void CheckSymbolic(const Graph& graph, ExprPool* pool, uint32_t seed) {
  const absl::StatusOr<FakeGraph> fake = Propagate(graph, pool);
  if (!fake.ok()) return CheckRefusal(graph, fake.status(), pool);
  Consistency(*fake, pool).Check();
  if (graph.symbols.empty()) return;
  CompareAt(*fake, HintsOf(graph), pool);
  CheckOtherSizes(*fake, pool, seed);
}

}  // namespace

void CheckPropagation(const Graph& graph, ExprPool* pool, uint32_t seed) {
  CheckSymbolic(graph, pool, seed);
  if (!graph.symbols.empty()) return;
  const SymbolizeOptions options = {.duck_shape = seed % 2 == 0, .specialize_zero_one = seed / 2 % 2 == 0};
  Graph symbolic = graph;
  const absl::Status status = SymbolizeInputs(symbolic, pool, options);
  if (!status.ok()) return RequireReason(status);
  if (!symbolic.symbols.empty()) CheckSymbolic(symbolic, pool, seed);
}

}  // namespace kiln
