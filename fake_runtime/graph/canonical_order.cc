#include "fake_runtime/graph/canonical_order.h"

#include <algorithm>
#include <numeric>

namespace kiln {
namespace {

// Which values may share storage, by the schemas' alias annotations: each
// value's class is the smallest value in it. Conservative: a schema that says
// nothing of aliasing makes a new storage, as it does in PyTorch.
class AliasClasses {
 public:
  explicit AliasClasses(const Graph& graph) : parent_(graph.num_values()) {
    std::iota(parent_.begin(), parent_.end(), 0);
    JoinInputs(graph);
    for (const Node& node : graph.nodes) JoinOutputs(node);
  }

  int Find(ValueId id) {
    int v = id.value;
    while (parent_[v] != v) v = parent_[v] = parent_[parent_[v]];
    return v;
  }

 private:
  void Join(ValueId a, ValueId b) {
    int x = Find(a), y = Find(b);
    parent_[std::max(x, y)] = std::min(x, y);
  }

  void JoinInputs(const Graph& graph) {
    std::vector<int> first_of_storage;
    for (int i = 0; i < static_cast<int>(graph.inputs.size()); ++i) {
      const FakeTensor* t = std::get_if<FakeTensor>(&graph.inputs[i].value);
      if (t == nullptr || t->storage.value < 0) continue;
      size_t storage = t->storage.value;
      if (storage >= first_of_storage.size())
        first_of_storage.resize(storage + 1, -1);
      if (first_of_storage[storage] < 0) first_of_storage[storage] = i;
      Join(ValueId{first_of_storage[storage]}, ValueId{i});
    }
  }

  void JoinOutputs(const Node& node) {
    for (size_t r = 0; r < node.op->returns.size(); ++r) {
      char alias = node.op->returns[r].alias;
      if (alias == 0) continue;
      for (size_t a = 0; a < node.op->args.size(); ++a) {
        if (node.op->args[a].alias != alias) continue;
        VisitValues(node.args[a], [&](ValueId from) {
          for (ValueId to : node.outputs[r].values) Join(from, to);
        });
      }
    }
  }

  std::vector<int> parent_;
};

std::vector<bool> FindOrderedNodes(const Graph& graph) {
  std::vector<bool> ordered(graph.nodes.size());
  bool any_write = false;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    bool writes = graph.nodes[n].op->is_mutating();
    ordered[n] = writes || graph.nodes[n].op->ordered;
    any_write |= writes;
  }
  // Graphs from AOTAutograd write nothing, as a rule.
  if (!any_write) return ordered;

  AliasClasses classes(graph);
  std::vector<bool> written(graph.num_values());
  for (const Node& node : graph.nodes) {
    for (size_t a = 0; a < node.args.size(); ++a) {
      if (!node.op->args[a].is_written) continue;
      VisitValues(node.args[a],
                  [&](ValueId id) { written[classes.Find(id)] = true; });
    }
  }
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const Argument& arg : graph.nodes[n].args) {
      VisitValues(arg, [&](ValueId id) {
        if (written[classes.Find(id)]) ordered[n] = true;
      });
    }
  }
  return ordered;
}

// Drops the nodes that are ordered only because they read written storage and
// whose results nothing uses: they are pure, and dead.
std::vector<bool> FindLiveNodes(const Graph& graph) {
  std::vector<bool> used(graph.num_values());
  std::vector<bool> live(graph.nodes.size());
  auto use = [&](ValueId id) { used[id.value] = true; };
  for (const Argument& out : graph.outputs) VisitValues(out, use);
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    live[n] = node.op->ordered || node.op->is_mutating();
    for (const NodeOutput& out : node.outputs) {
      for (ValueId id : out.values) {
        if (used[id.value]) live[n] = true;
      }
    }
    if (!live[n]) continue;
    for (const Argument& arg : node.args) VisitValues(arg, use);
  }
  return live;
}

// The walk. A stack of its own: a chain of 200,000 nodes must not exhaust the
// thread's.
class Walk {
 public:
  explicit Walk(const Graph& graph)
      : graph_(graph),
        defined_by_(graph.num_values(), -1),
        visited_(graph.nodes.size()) {
    for (int n = 0; n < static_cast<int>(graph.nodes.size()); ++n) {
      for (const NodeOutput& out : graph.nodes[n].outputs) {
        for (ValueId id : out.values) defined_by_[id.value] = n;
      }
    }
  }

  // Appends `node` after everything it uses that is not there yet.
  void Visit(int node) {
    if (node < 0 || visited_[node]) return;
    stack_.push_back({node, false});
    while (!stack_.empty()) {
      Frame frame = stack_.back();
      if (frame.operands_done) {
        stack_.pop_back();
        order_.push_back(frame.node);
        continue;
      }
      stack_.back().operands_done = true;
      if (visited_[frame.node]) {
        stack_.pop_back();
        continue;
      }
      visited_[frame.node] = true;
      PushOperands(graph_.nodes[frame.node]);
    }
  }

  void VisitValue(ValueId id) { Visit(defined_by_[id.value]); }

  std::vector<int> order() && { return std::move(order_); }

 private:
  struct Frame {
    int node;
    bool operands_done;
  };

  // The first operand ends on top of the stack.
  void PushOperands(const Node& node) {
    size_t bottom = stack_.size();
    for (const Argument& arg : node.args) {
      VisitValues(arg, [&](ValueId id) {
        int n = defined_by_[id.value];
        if (n >= 0 && !visited_[n]) stack_.push_back({n, false});
      });
    }
    std::reverse(stack_.begin() + bottom, stack_.end());
  }

  const Graph& graph_;
  std::vector<int> defined_by_;
  std::vector<bool> visited_;
  std::vector<Frame> stack_;
  std::vector<int> order_;
};

}  // namespace

std::vector<int> CanonicalOrder(const Graph& graph) {
  std::vector<bool> ordered = FindOrderedNodes(graph);
  std::vector<bool> live = FindLiveNodes(graph);
  Walk walk(graph);
  for (int n = 0; n < static_cast<int>(graph.nodes.size()); ++n) {
    if (ordered[n] && live[n]) walk.Visit(n);
  }
  for (const Argument& out : graph.outputs) {
    VisitValues(out, [&](ValueId id) { walk.VisitValue(id); });
  }
  return std::move(walk).order();
}

}  // namespace kiln
