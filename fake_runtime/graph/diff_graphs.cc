#include "fake_runtime/graph/diff_graphs.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fake_runtime/graph/graph_structure.h"
#include "fake_runtime/graph/literal_text.h"
#include "fake_runtime/graph/match_sharing.h"

namespace kiln {
namespace {

using Kind = GraphDifference::Kind;

// Lists in messages are cut here.
constexpr size_t kMaxItems = 8;
// Pairs of nodes that are looked at, for each node: a bound where much is shared and
// much differs.
constexpr size_t kPairsPerNode = 4;

// Where two arguments stand: in nodes, or in the outputs.
struct Place {
  int yours = -1;
  int theirs = -1;
  int slot = -1;  // argument, or output
  int item = -1;  // of a list
};

class Differ {
 public:
  Differ(const DiffSide& yours, const DiffSide& theirs, size_t max_differences)
      : yours_(yours),
        theirs_(theirs),
        max_(max_differences),
        a_(*yours.graph),
        b_(*theirs.graph),
        pairs_left_(kPairsPerNode * (yours.graph->nodes.size() + theirs.graph->nodes.size()) + 1) {}

  std::vector<GraphDifference> Run() {
    CompareOutputs();
    Drain();
    CompareOrdered();
    Drain();
    if (found_.empty()) CompareSharing();
    return std::move(found_);
  }

 private:
  const Node& A(int node) const { return a_.graph().nodes[node]; }
  const Node& B(int node) const { return b_.graph().nodes[node]; }

  void CompareOutputs() {
    const std::vector<Argument>& l = a_.graph().outputs;
    const std::vector<Argument>& r = b_.graph().outputs;
    if (l.size() != r.size()) {
      Add({Kind::kOutput, -1, -1, "number of outputs", absl::StrCat(l.size()), absl::StrCat(r.size())});
    }
    for (size_t i = 0; i < std::min(l.size(), r.size()); ++i) {
      CompareArguments(l[i], r[i], {.slot = static_cast<int>(i)});
    }
  }

  void Drain() {
    while (!pairs_.empty() && found_.size() < max_) {
      const auto [l, r] = pairs_.front();
      pairs_.pop_front();
      ComparePair(l, r);
    }
    pairs_.clear();
  }

  void Pair(int l, int r) {
    if (pairs_left_ == 0 || !paired_.emplace(l, r).second) return;
    --pairs_left_;
    pairs_.emplace_back(l, r);
  }

  // Of one operator, with unequal hashes.
  void ComparePair(int l, int r) {
    const Node &mine = A(l), &other = B(r);
    if (ResultsText(mine) != ResultsText(other)) {
      Add({Kind::kResults, l, r, absl::StrCat(yours_.NodeName(l), ", results"), ResultsText(mine), ResultsText(other)});
    }
    CompareNodeArguments(l, r, /*values_only=*/false);
  }

  void CompareNodeArguments(int l, int r, bool values_only) {
    for (size_t s = 0; s < A(l).args.size(); ++s) {
      const Argument &x = A(l).args[s], &y = B(r).args[s];
      if (values_only && (!HoldsValue(x) || !HoldsValue(y))) continue;
      CompareArguments(x, y, {l, r, static_cast<int>(s)});
    }
  }

  static bool HoldsValue(const Argument& arg) {
    bool holds = false;
    VisitValues(arg, [&](ValueId) { holds = true; });
    return holds;
  }

  static std::string ResultsText(const Node& node) {
    return absl::StrJoin(node.outputs, ", ", [](std::string* out, const NodeOutput& output) {
      absl::StrAppend(out, output.is_list ? "a list of " : "", output.values.size());
    });
  }

  void CompareArguments(const Argument& x, const Argument& y, const Place& at) {
    const ArgumentList* l = x.get_if<ArgumentList>();
    const ArgumentList* r = y.get_if<ArgumentList>();
    if (l != nullptr && r != nullptr && l->size() == r->size()) {
      for (size_t i = 0; i < l->size(); ++i) {
        Place item = at;
        item.item = static_cast<int>(i);
        CompareArguments((*l)[i], (*r)[i], item);
      }
      return;
    }
    const ValueId* v = x.get_if<ValueId>();
    const ValueId* w = y.get_if<ValueId>();
    if (v != nullptr && w != nullptr) return CompareValues(*v, *w, at, x, y);
    const bool are_literals = l == nullptr && r == nullptr && v == nullptr && w == nullptr;
    if (!are_literals || !SameLiteral(x, y)) AddArgument(x, y, at);
  }

  void CompareValues(ValueId v, ValueId w, const Place& at, const Argument& x, const Argument& y) {
    if (a_.value_hash(v) == b_.value_hash(w)) return;
    const int l = a_.node_of(v), r = b_.node_of(w);
    const bool is_theirs_too = l < 0 || b_.has_hash(a_.hash(l));
    const bool is_yours_too = r < 0 || a_.has_hash(b_.hash(r));
    if (is_theirs_too && is_yours_too) return AddArgument(x, y, at);
    if (l >= 0 && Uses(a_, l, b_.value_hash(w))) return AddNode(Kind::kOnlyYours, l, -1);
    if (r >= 0 && Uses(b_, r, a_.value_hash(v))) return AddNode(Kind::kOnlyTheirs, -1, r);
    if (l < 0 || r < 0 || a_.place_of(v) != b_.place_of(w)) return AddArgument(x, y, at);
    if (A(l).op == B(r).op) return Pair(l, r);
    CompareOperators(l, r);
  }

  // Whether the node has an operand of this hash.
  static bool Uses(const GraphStructure& graph, int node, size_t value_hash) {
    bool uses = false;
    for (const Argument& arg : graph.graph().nodes[node].args) {
      VisitValues(arg, [&](ValueId id) { uses |= graph.value_hash(id) == value_hash; });
    }
    return uses;
  }

  static bool SameOperands(const GraphStructure& a, int l, const GraphStructure& b, int r) {
    const auto hashes = [](const GraphStructure& graph, int node) {
      std::vector<size_t> values;
      for (const Argument& arg : graph.graph().nodes[node].args) {
        VisitValues(arg, [&](ValueId id) { values.push_back(graph.value_hash(id)); });
      }
      return values;
    };
    return hashes(a, l) == hashes(b, r);
  }

  // An operand of `node` that `op` makes.
  static std::optional<ValueId> OperandMadeBy(const GraphStructure& graph, int node, const OpSchema* op) {
    std::optional<ValueId> made;
    for (const Argument& arg : graph.graph().nodes[node].args) {
      VisitValues(arg, [&](ValueId id) {
        const int maker = graph.node_of(id);
        if (!made.has_value() && maker >= 0 && graph.graph().nodes[maker].op == op) made = id;
      });
    }
    return made;
  }

  void CompareOperators(int l, int r) {
    if (!SameOperands(a_, l, b_, r)) {
      // One side has a node between, and below it the graphs differ once more.
      if (std::optional<ValueId> below = OperandMadeBy(a_, l, B(r).op)) {
        AddNode(Kind::kOnlyYours, l, -1);
        return Pair(a_.node_of(*below), r);
      }
      if (std::optional<ValueId> below = OperandMadeBy(b_, r, A(l).op)) {
        AddNode(Kind::kOnlyTheirs, -1, r);
        return Pair(l, b_.node_of(*below));
      }
    }
    Add({Kind::kOperator, l, r, yours_.NodeName(l), A(l).op->name, theirs_.NodeName(r)});
    if (A(l).args.size() == B(r).args.size()) CompareNodeArguments(l, r, /*values_only=*/true);
  }

  // Nodes of which number and order count, whether anything uses them or not.
  void CompareOrdered() {
    std::vector<int> l = a_.OrderedNodes(), r = b_.OrderedNodes();
    size_t same = 0;
    while (same < std::min(l.size(), r.size()) && a_.hash(l[same]) == b_.hash(r[same])) ++same;
    l.erase(l.begin(), l.begin() + static_cast<long>(same));
    r.erase(r.begin(), r.begin() + static_cast<long>(same));
    while (!l.empty() && !r.empty() && a_.hash(l.back()) == b_.hash(r.back())) {
      l.pop_back();
      r.pop_back();
    }
    if (l.empty() && r.empty()) return;
    if (SameMultiset(l, r)) {
      const size_t moved = a_.hash(l.front());
      return AddOrder(l.front(), *std::find_if(r.begin(), r.end(), [&](int n) { return b_.hash(n) == moved; }));
    }
    // What was told on the way down from the outputs is not told again.
    absl::flat_hash_map<size_t, int> theirs_left, yours_left;
    for (int n : l) ++yours_left[a_.hash(n)];
    for (int n : r) ++theirs_left[b_.hash(n)];
    std::erase_if(l, [&](int n) { return told_yours_.contains(n) || theirs_left[a_.hash(n)]-- > 0; });
    std::erase_if(r, [&](int n) { return told_theirs_.contains(n) || yours_left[b_.hash(n)]-- > 0; });
    AlignByOperator(l, r);
  }

  bool SameMultiset(const std::vector<int>& l, const std::vector<int>& r) const {
    std::vector<size_t> x, y;
    for (int n : l) x.push_back(a_.hash(n));
    for (int n : r) y.push_back(b_.hash(n));
    std::sort(x.begin(), x.end());
    std::sort(y.begin(), y.end());
    return x == y;
  }

  // Greedy, in order: the next node of the other side with the same operator is its
  // partner.
  void AlignByOperator(const std::vector<int>& l, const std::vector<int>& r) {
    size_t next = 0;
    for (int n : l) {
      size_t at = next;
      while (at < r.size() && B(r[at]).op != A(n).op) ++at;
      if (at == r.size()) {
        AddNode(Kind::kOnlyYours, n, -1);
        continue;
      }
      for (; next < at; ++next) AddNode(Kind::kOnlyTheirs, -1, r[next]);
      Pair(n, r[next++]);
    }
    for (; next < r.size(); ++next) AddNode(Kind::kOnlyTheirs, -1, r[next]);
  }

  void CompareSharing() {
    const SharingDifference difference = MatchSharing(a_, b_);
    if (difference.order_yours >= 0) return AddOrder(difference.order_yours, difference.order_theirs);
    if (difference.yours == nullptr) return;
    const Place at = {difference.yours_user, difference.theirs_user, difference.slot};
    Add({difference.yours_user < 0 ? Kind::kOutput : Kind::kSharing, at.yours, at.theirs, PlaceText(at),
         ArgumentText(yours_, a_, *difference.yours), ArgumentText(theirs_, b_, *difference.theirs)});
  }

  // --- what is told

  std::string PlaceText(const Place& at) const {
    const std::string item = at.item < 0 ? "" : absl::StrCat(" [", at.item, "]");
    if (at.yours < 0) return absl::StrCat("output ", at.slot, item);
    return absl::StrCat(yours_.NodeName(at.yours), ", ", A(at.yours).op->args[at.slot].name, item);
  }

  static std::string ArgumentText(const DiffSide& side, const GraphStructure& graph, const Argument& arg) {
    if (const ValueId* id = arg.get_if<ValueId>()) {
      const int node = graph.node_of(*id);
      if (node < 0) return absl::StrCat("input ", graph.place_of(*id));
      const int place = graph.place_of(*id);
      return absl::StrCat(place == 0 ? "" : absl::StrCat("result ", place, " of "), side.NodeName(node));
    }
    const ArgumentList* list = arg.get_if<ArgumentList>();
    if (list == nullptr) return PrintLiteral(arg);
    std::vector<std::string> items;
    for (const Argument& item : *list) {
      if (items.size() == kMaxItems) {
        items.push_back(absl::StrCat("... ", list->size(), " in all"));
        break;
      }
      items.push_back(ArgumentText(side, graph, item));
    }
    return absl::StrCat("[", absl::StrJoin(items, ", "), "]");
  }

  void AddArgument(const Argument& x, const Argument& y, const Place& at) {
    Add({at.yours < 0 ? Kind::kOutput : Kind::kArgument, at.yours, at.theirs, PlaceText(at),
         ArgumentText(yours_, a_, x), ArgumentText(theirs_, b_, y)});
  }

  void AddNode(Kind kind, int l, int r) {
    const std::string name = l >= 0 ? yours_.NodeName(l) : theirs_.NodeName(r);
    Add({kind, l, r, name, l >= 0 ? A(l).op->name : "", r >= 0 ? B(r).op->name : ""});
  }

  void AddOrder(int l, int r) {
    Add({Kind::kOrder, l, r, absl::StrCat("order of ", yours_.NodeName(l)), absl::StrCat("place ", l),
         absl::StrCat("place ", r)});
  }

  void Add(GraphDifference difference) {
    if (found_.size() >= max_) return;
    if (!told_.emplace(difference.kind, difference.yours_node, difference.theirs_node, difference.what).second) return;
    if (difference.yours_node >= 0) told_yours_.insert(difference.yours_node);
    if (difference.theirs_node >= 0) told_theirs_.insert(difference.theirs_node);
    found_.push_back(std::move(difference));
  }

  const DiffSide& yours_;
  const DiffSide& theirs_;
  const size_t max_;
  const GraphStructure a_;
  const GraphStructure b_;

  size_t pairs_left_;
  std::deque<std::pair<int, int>> pairs_;
  absl::flat_hash_set<std::pair<int, int>> paired_;
  absl::flat_hash_set<std::tuple<Kind, int, int, std::string>> told_;
  absl::flat_hash_set<int> told_yours_;
  absl::flat_hash_set<int> told_theirs_;
  std::vector<GraphDifference> found_;
};

}  // namespace

std::string DiffSide::NodeName(int node) const {
  const Node& n = graph->nodes[node];
  const int number = static_cast<size_t>(node) < numbers.size() ? numbers[node] : node;
  return DescribeNode(number, n.op->name, n.location);
}

std::vector<GraphDifference> DiffGraphs(const DiffSide& yours, const DiffSide& theirs, size_t max_differences) {
  return Differ(yours, theirs, max_differences).Run();
}

}  // namespace kiln
