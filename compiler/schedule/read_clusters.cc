// Kernels as lowering makes them, read as clusters. What it accepts is checked
// here and not believed: every store must hit an element of its own at each
// point of its loops, and no load may see a store of the same kernel.
#include <algorithm>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "compiler/schedule/cluster.h"
#include "compiler/schedule/solve_index.h"

namespace kiln::schedule {
namespace {

struct Nest {
  std::vector<const Loop*> loops;  // outermost first
  const std::vector<Stmt>* body = nullptr;
};

// Descends through loops that hold nothing but one loop.
Nest DescendPerfectNest(const Loop& outermost) {
  Nest nest;
  const Loop* loop = &outermost;
  while (true) {
    nest.loops.push_back(loop);
    nest.body = &loop->body;
    if (loop->body.size() != 1) return nest;
    const auto* inner = std::get_if<std::unique_ptr<Loop>>(&loop->body[0]);
    if (inner == nullptr) return nest;
    loop = inner->get();
  }
}

class ClusterReader {
 public:
  ClusterReader(const Kernel& kernel, IndexAnalysis& index) : kernel_(kernel), index_(index) {}

  // False if this is no kernel of independent iterations.
  bool Read(const std::vector<Stmt>& body, const std::vector<const Loop*>& rows) {
    cluster_.nodes = kernel_.nodes;
    cluster_.names = {kernel_.name};
    for (const Loop* loop : rows) {
      int axis = AddAxis(*loop);
      if (axis < 0) return false;
      cluster_.rows.push_back(axis);
    }
    for (const Stmt& stmt : body) {
      if (const int* id = std::get_if<int>(&stmt)) {
        if (!AddRowInst(*id)) return false;
        continue;
      }
      if (!AddInnerStage(*std::get<std::unique_ptr<Loop>>(stmt))) return false;
    }
    if (!AreStoresInjective() || DoLoadsSeeStores()) return false;
    SubstituteInsts(cluster_.insts, renaming_, index_);
    return true;
  }

  Cluster Take() { return std::move(cluster_); }

 private:
  int AddAxis(const Loop& loop) {
    if (loop.kind != LoopKind::kSerial || index_.MentionsVariables(loop.extent)) return -1;
    int axis = static_cast<int>(cluster_.extents.size());
    cluster_.extents.push_back(loop.extent);
    variables_.push_back(loop.variable);
    if (loop.variable != index_.Variable(axis)) renaming_.emplace_back(loop.variable, index_.Variable(axis));
    return axis;
  }

  bool AddInst(int id, Stage& stage) {
    Inst inst = kernel_.insts[id];
    if (inst.kind == InstKind::kStoreAdd) return false;
    if (inst.kind == InstKind::kIndirect) {
      Expr symbol = index_.IndirectSymbol(cluster_.num_indirect++);
      if (inst.expr != symbol) renaming_.emplace_back(inst.expr, symbol);
    }
    for (int& arg : inst.args) {
      auto it = ids_.find(arg);
      if (it == ids_.end()) return false;
      arg = it->second;
    }
    int copy = static_cast<int>(cluster_.insts.size());
    ids_[id] = copy;
    cluster_.insts.push_back(std::move(inst));
    // An accumulator stands before the loops that update it; emission puts it there.
    if (cluster_.insts[copy].kind != InstKind::kAccumulate) stage.insts.push_back(copy);
    return true;
  }

  bool AddRowInst(int id) {
    if (kernel_.insts[id].kind == InstKind::kUpdate) return false;
    if (cluster_.stages.empty() || !cluster_.stages.back().inner.empty()) cluster_.stages.emplace_back();
    return AddInst(id, cluster_.stages.back());
  }

  bool AddInnerStage(const Loop& outermost) {
    Nest nest = DescendPerfectNest(outermost);
    Stage stage;
    for (const Loop* loop : nest.loops) {
      int axis = AddAxis(*loop);
      if (axis < 0) return false;
      stage.inner.push_back(axis);
    }
    for (const Stmt& stmt : *nest.body) {
      const int* id = std::get_if<int>(&stmt);
      if (id == nullptr) return false;
      InstKind kind = kernel_.insts[*id].kind;
      if (kind == InstKind::kAccumulate || kind == InstKind::kResult || !AddInst(*id, stage)) return false;
    }
    cluster_.stages.push_back(std::move(stage));
    return true;
  }

  // Variables still have the kernel's own names here.
  bool AreStoresInjective() {
    for (const Stage& stage : cluster_.stages) {
      std::vector<Digit> digits;
      for (int axis : cluster_.rows) digits.push_back({axis, variables_[axis], Expr(1), cluster_.extents[axis]});
      for (int axis : stage.inner) digits.push_back({axis, variables_[axis], Expr(1), cluster_.extents[axis]});
      for (int id : stage.insts) {
        const Inst& inst = cluster_.insts[id];
        if (inst.kind == InstKind::kStore && !SortIntoDigits(inst.expr, digits, index_)) return false;
      }
    }
    return true;
  }

  bool DoLoadsSeeStores() const {
    absl::flat_hash_set<int> stored;
    for (const Inst& inst : cluster_.insts) {
      if (IsStore(inst)) stored.insert(inst.buffer.value);
    }
    return std::any_of(cluster_.insts.begin(), cluster_.insts.end(), [&](const Inst& inst) {
      return inst.kind == InstKind::kLoad && stored.contains(inst.buffer.value);
    });
  }

  const Kernel& kernel_;
  IndexAnalysis& index_;
  Cluster cluster_;
  std::vector<Expr> variables_;  // the kernel's own, by axis
  Substitution renaming_;
  absl::flat_hash_map<int, int> ids_;
};

void RegisterVariables(const std::vector<Stmt>& body, const Kernel& kernel, IndexAnalysis& index) {
  for (const Stmt& stmt : body) {
    if (const auto* loop = std::get_if<std::unique_ptr<Loop>>(&stmt)) {
      index.AddVariable((*loop)->variable);
      RegisterVariables((*loop)->body, kernel, index);
      continue;
    }
    const Inst& inst = kernel.insts[std::get<int>(stmt)];
    if (inst.kind == InstKind::kIndirect) index.AddVariable(inst.expr);
  }
}

// True for several loops beside each other with nothing between them.
bool AreSiblingNests(const std::vector<Stmt>& body) {
  return body.size() > 1 && std::all_of(body.begin(), body.end(), [](const Stmt& stmt) {
           return std::holds_alternative<std::unique_ptr<Loop>>(stmt);
         });
}

std::optional<Cluster> ReadNest(const Kernel& kernel, const Loop& outermost, IndexAnalysis& index) {
  Nest nest = DescendPerfectNest(outermost);
  ClusterReader reader(kernel, index);
  if (!reader.Read(*nest.body, nest.loops)) return std::nullopt;
  return reader.Take();
}

}  // namespace

std::optional<std::vector<Cluster>> ReadClusters(const Kernel& kernel, IndexAnalysis& index) {
  RegisterVariables(kernel.body, kernel, index);
  std::vector<Cluster> clusters;
  if (AreSiblingNests(kernel.body) ||
      (kernel.body.size() == 1 && std::holds_alternative<std::unique_ptr<Loop>>(kernel.body[0]))) {
    for (const Stmt& stmt : kernel.body) {
      std::optional<Cluster> cluster = ReadNest(kernel, *std::get<std::unique_ptr<Loop>>(stmt), index);
      if (!cluster.has_value()) return std::nullopt;
      clusters.push_back(*std::move(cluster));
    }
    return clusters;
  }
  ClusterReader reader(kernel, index);
  if (!reader.Read(kernel.body, {})) return std::nullopt;
  clusters.push_back(reader.Take());
  return clusters;
}

}  // namespace kiln::schedule
