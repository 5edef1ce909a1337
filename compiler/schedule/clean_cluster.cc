// What fusing leaves behind: loads of elements that the same cluster has just
// stored, equal instructions from several nodes, stores that nobody reads.
#include <algorithm>
#include <cstring>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "compiler/schedule/cluster.h"

namespace kiln::schedule {
namespace {

// A row stage has no inner axes; its values are visible everywhere after it.
constexpr int kRowScope = -1;

class ClusterCleaner {
 public:
  ClusterCleaner(Cluster& cluster, IndexAnalysis& index) : cluster_(cluster), index_(index) {
    same_as_.resize(cluster.insts.size());
    for (size_t id = 0; id < same_as_.size(); ++id) same_as_[id] = static_cast<int>(id);
  }

  void MergeEqualInsts() {
    for (size_t s = 0; s < cluster_.stages.size(); ++s) {
      Stage& stage = cluster_.stages[s];
      int scope = stage.inner.empty() ? kRowScope : static_cast<int>(s);
      size_t kept = 0;
      for (int id : stage.insts) {
        if (Visit(id, scope)) stage.insts[kept++] = id;
      }
      stage.insts.resize(kept);
    }
  }

  void DropDead(const std::function<bool(BufferId)>& is_read_elsewhere) {
    DropDeadStores(is_read_elsewhere);
    std::vector<bool> live = FindLive();
    for (Stage& stage : cluster_.stages) {
      std::erase_if(stage.insts, [&](int id) { return !live[id]; });
    }
    std::erase_if(cluster_.stages, [](const Stage& stage) { return stage.insts.empty(); });
    Compact(live);
  }

 private:
  struct Stored {
    int value;
    int scope;
    Expr place;
  };
  // Everything that makes a value what it is; the scope comes with it.
  using Key = std::tuple<int, int, int, int, absl::InlinedVector<int, 3>, int, int, Expr, Expr, int64_t, int64_t>;

  // False if the instruction is another one's equal and can go.
  bool Visit(int id, int scope) {
    Inst& inst = cluster_.insts[id];
    for (int& arg : inst.args) arg = same_as_[arg];
    if (inst.kind != InstKind::kIndirect) inst.expr = index_.Substitute(inst.expr, indirect_);
    switch (inst.kind) {
      case InstKind::kStore:
      case InstKind::kStoreAdd:
        ++versions_[inst.buffer.value];
        stored_[inst.buffer.value] = {inst.kind == InstKind::kStore ? inst.args[0] : -1, scope, inst.expr};
        return true;
      case InstKind::kUpdate:
      case InstKind::kAccumulate:
        return true;
      case InstKind::kLoad:
        if (Forward(id, scope)) return false;
        break;
      case InstKind::kConstant:
      case InstKind::kExpr:
      case InstKind::kScalar:
      case InstKind::kIndirect:
      case InstKind::kResult:
      case InstKind::kRandom:
      case InstKind::kState:
        break;
    }
    return !MergeWithEqual(id, scope);
  }

  bool Forward(int id, int scope) {
    auto it = stored_.find(cluster_.insts[id].buffer.value);
    if (it == stored_.end()) return false;
    const Stored& stored = it->second;
    if (stored.value < 0 || stored.place != cluster_.insts[id].expr) return false;
    if (stored.scope != kRowScope && stored.scope != scope) return false;
    if (cluster_.insts[stored.value].dtype != cluster_.insts[id].dtype) return false;
    same_as_[id] = stored.value;
    return true;
  }

  bool MergeWithEqual(int id, int scope) {
    const Inst& inst = cluster_.insts[id];
    auto it = known_.find(KeyOf(inst, kRowScope));
    if (it == known_.end()) {
      bool inserted = false;
      std::tie(it, inserted) = known_.try_emplace(KeyOf(inst, scope), id);
      if (inserted) return false;
    }
    if (inst.kind == InstKind::kIndirect) indirect_.emplace_back(inst.expr, cluster_.insts[it->second].expr);
    same_as_[id] = it->second;
    return true;
  }

  Key KeyOf(const Inst& inst, int scope) {
    int64_t bits = 0;
    std::memcpy(&bits, &inst.constant.f, sizeof(bits));
    if (inst.constant.type != ExprType::kFloat) bits = inst.constant.i;
    int version = inst.kind == InstKind::kLoad ? versions_[inst.buffer.value] : 0;
    Expr expr = inst.kind == InstKind::kIndirect ? Expr(0) : inst.expr;
    int kind = static_cast<int>(inst.kind) * 8 + static_cast<int>(inst.constant.type);
    int op = static_cast<int>(inst.op) * 256 + inst.result;
    return {scope, kind, static_cast<int>(inst.dtype), op, inst.args, inst.buffer.value, version, expr, inst.bound,
            bits, 0};
  }

  void DropDeadStores(const std::function<bool(BufferId)>& is_read_elsewhere) {
    absl::flat_hash_set<int> loaded;
    for (const Stage& stage : cluster_.stages) {
      for (int id : stage.insts) {
        if (cluster_.insts[id].kind == InstKind::kLoad) loaded.insert(cluster_.insts[id].buffer.value);
      }
    }
    for (Stage& stage : cluster_.stages) {
      std::erase_if(stage.insts, [&](int id) {
        const Inst& inst = cluster_.insts[id];
        return IsStore(inst) && !loaded.contains(inst.buffer.value) && !is_read_elsewhere(inst.buffer);
      });
    }
  }

  // Backwards: a store is live, and what a live instruction needs.
  std::vector<bool> FindLive() {
    std::vector<bool> live(cluster_.insts.size());
    absl::flat_hash_set<Expr> symbols;
    for (auto stage = cluster_.stages.rbegin(); stage != cluster_.stages.rend(); ++stage) {
      for (auto id = stage->insts.rbegin(); id != stage->insts.rend(); ++id) {
        const Inst& inst = cluster_.insts[*id];
        // An update lives if a result made its accumulator live.
        bool needed = live[*id] || IsStore(inst) || (inst.kind == InstKind::kUpdate && live[inst.args[0]]) ||
                      (inst.kind == InstKind::kIndirect && symbols.contains(inst.expr));
        if (!needed) continue;
        live[*id] = true;
        for (int arg : inst.args) live[arg] = true;
        if (inst.kind == InstKind::kIndirect || cluster_.num_indirect == 0) continue;
        VisitSymbols(inst.expr, [&](Expr symbol) {
          if (index_.IsVariable(symbol)) symbols.insert(symbol);
        });
      }
    }
    return live;
  }

  void Compact(const std::vector<bool>& live) {
    std::vector<int> number(cluster_.insts.size(), -1);
    std::vector<Inst> kept;
    for (size_t id = 0; id < live.size(); ++id) {
      if (!live[id]) continue;
      number[id] = static_cast<int>(kept.size());
      kept.push_back(std::move(cluster_.insts[id]));
    }
    for (Inst& inst : kept) {
      for (int& arg : inst.args) arg = number[arg];
    }
    for (Stage& stage : cluster_.stages) {
      for (int& id : stage.insts) id = number[id];
    }
    cluster_.insts = std::move(kept);
  }

  Cluster& cluster_;
  IndexAnalysis& index_;
  std::vector<int> same_as_;
  Substitution indirect_;
  absl::flat_hash_map<int, int> versions_;
  absl::flat_hash_map<int, Stored> stored_;
  absl::flat_hash_map<Key, int> known_;
};

}  // namespace

void CleanCluster(Cluster& cluster, const std::function<bool(BufferId)>& is_read_elsewhere, IndexAnalysis& index) {
  ClusterCleaner cleaner(cluster, index);
  cleaner.MergeEqualInsts();
  cleaner.DropDead(is_read_elsewhere);
}

}  // namespace kiln::schedule
