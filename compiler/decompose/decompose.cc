// Copies the graph node by node into a new one; a node with a rule is replaced
// by what the rule calls. Then nodes that nothing uses are dropped.
#include "compiler/decompose/decompose.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/decompose/decompose_context.h"
#include "fake_runtime/ops/op_table.h"
#include "fake_runtime/written_storages.h"

namespace kiln {
namespace {

using RuleMap = absl::flat_hash_map<absl::string_view, DecomposeRule>;

const RuleMap& Rules() {
  static const RuleMap* const map = [] {
    auto* m = new RuleMap;
    for (absl::Span<const DecomposeRow> rows :
         {BatchNormRules(), CopyRules(), IndexingRules(), LossGradientRules(), LossRules(), NormalizationRules(),
          ReductionRules(), ResamplingRules(), ShapeRules()}) {
      for (const DecomposeRow& row : rows) m->emplace(row.op, row.rule);
    }
    return m;
  }();
  return *map;
}

// The operator that computes what `op` writes into its first argument: the name
// without the underscore. nullptr where there is none, or where `op` changes
// what its argument is a view of.
const OpRow* FunctionalTwin(const OpSchema& op) {
  std::vector<std::string> parts = absl::StrSplit(op.name, '.');
  if (parts.size() != 3 || !absl::EndsWith(parts[1], "_") || parts[1] == "copy_") return nullptr;
  if (op.returns.size() != 1 || op.args.empty() || !op.args[0].is_written) return nullptr;
  absl::string_view name = absl::string_view(parts[1]).substr(0, parts[1].size() - 1);
  const OpRow* twin = FindOp(absl::StrCat(parts[0], ".", name, ".", parts[2]));
  if (twin == nullptr || twin->has(kTagView) || twin->has(kTagRandom)) return nullptr;
  bool same = twin->schema.args.size() == op.args.size() && twin->schema.returns.size() == 1;
  return same && !twin->schema.is_mutating() ? twin : nullptr;
}

// x.add_(y) is x.copy_(x.add(y)).
void InPlace(DecomposeContext& d) {
  std::vector<CallArg> args(d.args().begin(), d.args().end());
  for (size_t i = 0; i < args.size(); ++i) {
    if (d.schema().args[i].keyword_only) args[i].name = d.schema().args[i].name;
  }
  ValueId v = d.Call(FunctionalTwin(d.schema())->schema.name, std::move(args));
  d.Return(d.Call("aten.copy_.default", {d.Value(0), v}));
}

// How many arguments at the end of `op` are outputs that it writes: all of its
// written ones, or -1.
int NumOutArgs(const OpSchema& op) {
  int count = 0;
  for (size_t i = op.args.size(); i-- > 0 && op.args[i].is_written && op.args[i].keyword_only;) ++count;
  for (size_t i = 0; i + count < op.args.size(); ++i) {
    if (op.args[i].is_written) return -1;
  }
  return count == static_cast<int>(op.returns.size()) ? count : -1;
}

// The operator whose results an `out=` form writes: the overload with the same
// arguments but those. nullptr where there is none.
const OpRow* WithoutOut(const OpSchema& op) {
  int count = NumOutArgs(op);
  if (count <= 0) return nullptr;
  for (const OpSchema* other : FindOverloads(absl::string_view(op.name).substr(0, op.name.rfind('.')))) {
    bool same = !other->is_mutating() && other->args.size() + count == op.args.size() &&
                other->returns.size() == op.returns.size();
    for (size_t i = 0; same && i < other->args.size(); ++i) {
      const ArgSchema& a = other->args[i];
      const ArgSchema& b = op.args[i];
      same = a.name == b.name && a.type == b.type && a.is_list == b.is_list;
    }
    for (const ReturnSchema& returned : other->returns) same = same && returned.type == ArgType::kTensor && !returned.is_list;
    if (same && !RowOf(*other).has(kTagView) && !RowOf(*other).has(kTagRandom)) return &RowOf(*other);
  }
  return nullptr;
}

// add(x, y, out=z) is z.copy_(add(x, y)), where z has the result's sizes.
void OutForm(DecomposeContext& d) {
  const OpSchema& twin = WithoutOut(d.schema())->schema;
  std::vector<CallArg> args(d.args().begin(), d.args().begin() + twin.args.size());
  for (size_t i = 0; i < args.size(); ++i) {
    if (twin.args[i].keyword_only) args[i].name = twin.args[i].name;
  }
  int count = static_cast<int>(twin.returns.size());
  std::vector<ValueId> results = d.CallN(twin.name, std::move(args), count);
  auto out_of = [&](int i) { return d.Value(static_cast<int>(twin.args.size()) + i); };
  for (int i = 0; i < count; ++i) {
    if (d.ok() && !KnownSameDims(d.env(), d.Tensor(out_of(i)).sizes, d.Tensor(results[i]).sizes)) return d.Decline();
  }
  for (int i = 0; i < count; ++i) {
    ValueId out = out_of(i);
    d.Return(d.Call("aten.copy_.default", {out, results[i]}));
  }
}

std::string ViewOf(const OpSchema& copy) { return absl::StrReplaceAll(copy.name, {{"_copy", ""}}); }

// Of a view that has a rule itself the copy is what that rule makes.
bool IsCopyOfView(const OpSchema& op) {
  return RowOf(op).copies && !op.is_mutating() && op.returns.size() == 1 && !op.returns[0].is_list &&
         !Rules().contains(ViewOf(op));
}

// slice_copy(args) is slice(args) and a contiguous clone.
void CopyOfView(DecomposeContext& d) {
  std::vector<CallArg> args(d.args().begin(), d.args().end());
  for (size_t i = 0; i < args.size(); ++i) {
    if (d.schema().args[i].keyword_only) args[i].name = d.schema().args[i].name;
  }
  ValueId v = d.Call(ViewOf(d.schema()), std::move(args));
  d.Return(d.Call("aten.clone.default", {v, {"memory_format", MemoryFormat::kContiguous}}));
}

DecomposeRule FindRule(const OpSchema& op) {
  auto rule = Rules().find(op.name);
  if (rule != Rules().end()) return rule->second;
  if (IsCopyOfView(op)) return CopyOfView;
  if (!op.is_mutating()) return nullptr;
  if (FunctionalTwin(op) != nullptr) return InPlace;
  return WithoutOut(op) != nullptr ? OutForm : nullptr;
}

DecomposeRule FindPatternRule(const OpSchema& op) {
  for (const DecomposeRow& row : PatternRules()) {
    if (op.name == row.op) return row.rule;
  }
  return nullptr;
}

// `arg` with each value replaced by `map(value)`; a value that is gone is none.
template <typename Map>
Argument MapValues(const Argument& arg, const Map& map) {
  if (const ValueId* id = arg.get_if<ValueId>()) {
    ValueId mapped = map(*id);
    return mapped.value < 0 ? Argument() : Argument(mapped);
  }
  const ArgumentList* list = arg.get_if<ArgumentList>();
  if (list == nullptr) return arg;
  ArgumentList mapped;
  for (const Argument& item : *list) mapped.push_back(MapValues(item, map));
  return Argument(std::move(mapped));
}

template <typename Map>
std::vector<Argument> MapAll(absl::Span<const Argument> args, const Map& map) {
  std::vector<Argument> mapped;
  for (const Argument& arg : args) mapped.push_back(MapValues(arg, map));
  return mapped;
}

class Decomposer {
 public:
  Decomposer(FakeGraph old, bool eager_random)
      : old_(std::move(old)), eager_random_(eager_random), values_(old_.values.size()) {}

  absl::StatusOr<Decomposed> Run() {
    CopyHeader();
    written_ = WrittenStorages(old_);
    for (size_t n = 0; n < old_.graph.nodes.size(); ++n) {
      KILN_RETURN_IF_ERROR(VisitNode(static_cast<int>(n)));
      NoteProducers();
      result_.origins.resize(result_.fake.graph.nodes.size(), static_cast<int>(n));
    }
    result_.fake.graph.outputs = MapAll(old_.graph.outputs, to_new_);
    return std::move(result_);
  }

 private:
  void CopyHeader() {
    FakeGraph& fake = result_.fake;
    fake.graph.name = old_.graph.name;
    fake.graph.symbols = old_.graph.symbols;
    fake.graph.assumptions = old_.graph.assumptions;
    fake.graph.inputs = old_.graph.inputs;
    fake.num_storages = old_.num_storages;
    fake.env = std::move(old_.env);
    for (size_t i = 0; i < old_.graph.inputs.size(); ++i) values_[i] = NewValue(ValueId{static_cast<int>(i)});
  }

  bool MayCopyView(const Node& node) const {
    bool may = true;
    for (const NodeOutput& output : node.outputs) {
      for (ValueId id : output.values) {
        const FakeTensor* t = std::get_if<FakeTensor>(&old_.values[id.value]);
        may = may && t != nullptr && !written_.contains(t->storage);
      }
    }
    return may;
  }

  // Arguments of the node that share memory with `t`, in the old graph.
  std::vector<ValueId> BasesOf(const Node& node, const FakeTensor& t) const {
    std::vector<ValueId> bases;
    for (const Argument& arg : node.args) {
      VisitValues(arg, [&](ValueId id) {
        const FakeTensor* base = std::get_if<FakeTensor>(&old_.values[id.value]);
        if (base != nullptr && base->storage == t.storage) bases.push_back(id);
      });
    }
    return bases;
  }

  // Whether `t` was a view of what is a copy now.
  bool IsOfCopiedView(const Node& node, const FakeTensor& t) const {
    const std::vector<ValueId> bases = BasesOf(node, t);
    return std::any_of(bases.begin(), bases.end(), [this](ValueId id) { return copied_views_.contains(id); });
  }

  // A value of the new graph that is what `old` was.
  ValueId NewValue(ValueId old) {
    FakeGraph& fake = result_.fake;
    ValueId id{fake.graph.num_values()};
    fake.graph.value_names.push_back(old_.graph.value_names[old.value]);
    FakeValue value = old_.values[old.value];
    if (FakeTensor* t = std::get_if<FakeTensor>(&value)) {
      auto moved = storages_.find(t->storage);
      if (moved != storages_.end()) t->storage = moved->second;
    }
    fake.values.push_back(std::move(value));
    return id;
  }

  void NoteProducers() {
    const Graph& graph = result_.fake.graph;
    producers_.resize(graph.num_values(), -1);
    for (; noted_nodes_ < graph.nodes.size(); ++noted_nodes_) {
      for (const NodeOutput& output : graph.nodes[noted_nodes_].outputs) {
        for (ValueId id : output.values) producers_[id.value] = static_cast<int>(noted_nodes_);
      }
    }
  }

  absl::Status VisitNode(int n) {
    const Node& node = old_.graph.nodes[n];
    const bool is_kept = eager_random_ && RowOf(*node.op).has(kTagRandom);
    DecomposeRule rule = is_kept ? nullptr : FindRule(*node.op);
    if (rule == nullptr && !is_kept) rule = FindPatternRule(*node.op);
    if (rule != nullptr) {
      DecomposeContext d(result_.fake, *node.op, MapAll(node.args, to_new_), node.location,
                         {MayCopyView(node), producers_});
      rule(d);
      if (!d.ok()) return AddContext(d.status(), DescribeNode(old_.graph, n));
      if (!d.declined()) return TakeResults(n, d);
    }
    Node copy = node;
    copy.args = MapAll(node.args, to_new_);
    bool of_copies = false;
    for (NodeOutput& output : copy.outputs) {
      for (ValueId& id : output.values) {
        const FakeTensor* t = std::get_if<FakeTensor>(&old_.values[id.value]);
        if (t != nullptr && IsOfCopiedView(node, *t)) {
          copied_views_.insert(id);
          of_copies = true;
        }
        values_[id.value] = NewValue(id);
        id = values_[id.value];
      }
    }
    FakeGraph& fake = result_.fake;
    fake.graph.nodes.push_back(std::move(copy));
    // Its results lie in another storage, with other offsets, than they did.
    return of_copies ? PropagateNode(fake, static_cast<int>(fake.graph.nodes.size()) - 1) : absl::OkStatus();
  }

  absl::Status TakeResults(int n, DecomposeContext& d) {
    const Node& node = old_.graph.nodes[n];
    size_t next = 0;
    for (const NodeOutput& output : node.outputs) {
      for (ValueId id : output.values) {
        if (next >= d.results().size()) break;
        KILN_ASSIGN_OR_RETURN(values_[id.value], Promised(n, id, d.results()[next++], d));
      }
    }
    if (next == d.results().size()) return absl::OkStatus();
    return Bug(n, absl::StrCat("its decomposition makes ", d.results().size(), " results, not ", next));
  }

  absl::Status Bug(int n, absl::string_view what) const {
    return MakeError(ErrorReason::kCompilerBug, absl::StrCat(DescribeNode(old_.graph, n), ": ", what));
  }

  // `made`, with the layout that propagation promised for `old`.
  absl::StatusOr<ValueId> Promised(int n, ValueId old, ValueId made, DecomposeContext& d) {
    const FakeTensor* promised = std::get_if<FakeTensor>(&old_.values[old.value]);
    if (promised == nullptr || made.value < 0) return made;
    made = d.Cast(made, promised->dtype);
    if (!d.ok()) return AddContext(d.status(), DescribeNode(old_.graph, n));
    const FakeTensor& t = d.Tensor(made);
    if (!KnownSameDims(*result_.fake.env, t.sizes, promised->sizes)) {
      return Bug(n, absl::StrCat("its decomposition makes ", t.ToString(), ", not ", promised->ToString()));
    }
    if (!BasesOf(old_.graph.nodes[n], *promised).empty()) {
      auto home = storages_.find(promised->storage);
      if (t.storage == (home == storages_.end() ? promised->storage : home->second)) return made;
      copied_views_.insert(old);
      return KnownSameDims(*result_.fake.env, t.strides, promised->strides) ? made : Restride(n, old, made);
    }
    auto moved = storages_.find(promised->storage);
    if (t.storage == (moved == storages_.end() ? promised->storage : moved->second)) return made;
    // A view of the operands would alias what the node must not.
    bool fresh = t.storage.value >= old_.num_storages && t.storage_offset.IsInt(0);
    if (!fresh || !KnownSameDims(*result_.fake.env, t.strides, promised->strides)) {
      KILN_ASSIGN_OR_RETURN(made, Restride(n, old, made));
    }
    storages_[promised->storage] = result_.fake.tensor(made).storage;
    std::string& name = result_.fake.graph.value_names[made.value];
    if (name.empty()) name = old_.graph.value_names[old.value];
    return made;
  }

  // clone keeps the layout of what it copies, so the promised one is written
  // into its result: a fake value is what later stages go by.
  absl::StatusOr<ValueId> Restride(int n, ValueId old, ValueId made) {
    FakeGraph& fake = result_.fake;
    DecomposeContext d(fake, *old_.graph.nodes[n].op, {}, old_.graph.nodes[n].location);
    ValueId copy = d.Call("aten.clone.default", {made});
    if (!d.ok()) return AddContext(d.status(), DescribeNode(old_.graph, n));
    std::get<FakeTensor>(fake.values[copy.value]).strides = std::get<FakeTensor>(old_.values[old.value]).strides;
    return copy;
  }

  FakeGraph old_;
  const bool eager_random_;
  Decomposed result_;
  std::vector<ValueId> values_;  // old to new
  std::vector<int> producers_;   // by new value
  size_t noted_nodes_ = 0;
  const std::function<ValueId(ValueId)> to_new_ = [this](ValueId id) { return values_[id.value]; };
  absl::flat_hash_map<StorageId, StorageId> storages_;
  absl::flat_hash_set<StorageId> written_;
  // Values of the old graph that are views there and copies, or views of copies, in the new one.
  absl::flat_hash_set<ValueId> copied_views_;
};

// Drops pure nodes that nothing uses, and renumbers values.
class DeadNodeRemoval {
 public:
  explicit DeadNodeRemoval(Decomposed given) : given_(std::move(given)) {}

  Decomposed Run() {
    FakeGraph& fake = given_.fake;
    FindLive();
    Decomposed result;
    Graph& graph = result.fake.graph;
    graph = fake.graph;
    graph.nodes.clear();
    graph.value_names.clear();
    result.fake.num_storages = fake.num_storages;
    result.fake.env = std::move(fake.env);
    renumbered_.resize(fake.values.size());
    for (size_t i = 0; i < fake.graph.inputs.size(); ++i) Keep(ValueId{static_cast<int>(i)}, result.fake);
    auto to_new = [this](ValueId id) { return renumbered_[id.value]; };
    for (size_t n = 0; n < fake.graph.nodes.size(); ++n) {
      if (!live_[n]) continue;
      Node node = std::move(fake.graph.nodes[n]);
      node.args = MapAll(node.args, to_new);
      for (NodeOutput& output : node.outputs) {
        for (ValueId& id : output.values) id = Keep(id, result.fake);
      }
      graph.nodes.push_back(std::move(node));
      result.origins.push_back(given_.origins[n]);
    }
    graph.outputs = MapAll(fake.graph.outputs, to_new);
    return result;
  }

 private:
  static bool IsPure(const Node& node) {
    const OpRow& row = RowOf(*node.op);
    return !node.op->is_mutating() && !row.has(kTagEffect) && !row.has(kTagRandom) && !node.op->returns.empty();
  }

  void FindLive() {
    const Graph& graph = given_.fake.graph;
    std::vector<bool> used(given_.fake.values.size());
    live_.assign(graph.nodes.size(), false);
    auto use = [&](ValueId id) { used[id.value] = true; };
    for (const Argument& output : graph.outputs) VisitValues(output, use);
    for (size_t n = graph.nodes.size(); n-- > 0;) {
      const Node& node = graph.nodes[n];
      live_[n] = !IsPure(node);
      for (const NodeOutput& output : node.outputs) {
        for (ValueId id : output.values) live_[n] = live_[n] || used[id.value];
      }
      if (!live_[n]) continue;
      for (const Argument& arg : node.args) VisitValues(arg, use);
    }
  }

  ValueId Keep(ValueId id, FakeGraph& fake) {
    renumbered_[id.value] = ValueId{fake.graph.num_values()};
    fake.graph.value_names.push_back(given_.fake.graph.value_names[id.value]);
    fake.values.push_back(given_.fake.values[id.value]);
    return renumbered_[id.value];
  }

  Decomposed given_;
  std::vector<bool> live_;
  std::vector<ValueId> renumbered_;
};

}  // namespace

absl::StatusOr<Decomposed> Decompose(FakeGraph fake, bool eager_random) {
  KILN_ASSIGN_OR_RETURN(Decomposed decomposed, Decomposer(std::move(fake), eager_random).Run());
  return DeadNodeRemoval(std::move(decomposed)).Run();
}

bool HasDecomposition(absl::string_view op) {
  if (Rules().contains(op)) return true;
  const OpSchema* schema = FindOpSchema(op);
  return schema != nullptr && FindRule(*schema) != nullptr;
}

std::vector<std::string> DecomposedOps() {
  std::vector<std::string> ops;
  for (const OpRow& row : OpTable()) {
    if (FindRule(row.schema) != nullptr) ops.push_back(row.schema.name);
  }
  std::sort(ops.begin(), ops.end());
  return ops;
}

}  // namespace kiln
