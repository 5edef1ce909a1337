// The steps of a program while they are being fused, with who reads and writes
// each buffer. A unit is a cluster, or a step that stays as it is.
//
// Units have an order, a number that grows along the program. Fusing two moves
// one of them; the order says whether that is allowed without a search.
//
// Not thread-safe.
#ifndef KILN_COMPILER_SCHEDULE_FUSION_GRAPH_H_
#define KILN_COMPILER_SCHEDULE_FUSION_GRAPH_H_

#include <optional>
#include <vector>

#include "compiler/schedule/cluster.h"
#include "compiler/schedule/refusals.h"

namespace kiln::schedule {

struct Unit {
  std::optional<Cluster> cluster;
  Step step;  // what it is if it is no cluster
  int number = -1;  // in the graph
  double order = 0;
  bool alive = true;
};

class FusionGraph {
 public:
  // Takes the steps out of `program`, which must outlive the graph.
  FusionGraph(LoopProgram& program, IndexAnalysis& index);

  int num_units() const { return static_cast<int>(units_.size()); }
  Unit& unit(int u) { return units_[u]; }
  LoopProgram& program() { return program_; }

  // Units that load from, or store to, the buffer.
  const std::vector<int>& readers(BufferId b) const { return readers_[b.value]; }
  const std::vector<int>& writers(BufferId b) const { return writers_[b.value]; }
  bool IsTemporary(BufferId b) const { return program_.buffers[b.value].kind == BufferKind::kTemporary; }
  // True if the buffer's contents are seen after the program, or before it.
  bool IsVisible(BufferId b) const { return visible_[b.value]; }
  // True if a unit other than `u` reads it, or it is visible.
  bool IsReadElsewhere(BufferId b, int u) const;

  // Replaces the cluster of `u` and brings readers and writers up to date.
  void SetCluster(int u, Cluster cluster);
  void Remove(int u);

  // Where the two may stand as one unit: an order, or nullopt if something
  // between them depends on the earlier and is needed by the later.
  std::optional<double> OrderOfFused(int earlier, int later) const;

  // What could not be fused.
  Refusals& refusals() { return *refusals_; }

  // Units with an effect, in order. The graph is empty afterwards.
  std::vector<Unit> TakeUnits();

 private:
  void AddUsers(int u);
  void RemoveUsers(int u);
  template <typename Visit>
  void VisitConflicts(int u, const Visit& visit) const;

  LoopProgram& program_;
  std::vector<Unit> units_;
  std::vector<std::vector<int>> readers_;  // by buffer
  std::vector<std::vector<int>> writers_;
  std::vector<bool> visible_;
  // Where the steps that bind symbols stand, which stay there.
  std::vector<double> binding_orders_;
  std::optional<Refusals> refusals_;
};

// Calls visit(buffer, writes) once for each buffer and direction of a cluster.
template <typename Visit>
void VisitClusterBuffers(const Cluster& cluster, const Visit& visit) {
  absl::InlinedVector<std::pair<int, bool>, 16> seen;
  for (const Stage& stage : cluster.stages) {
    for (int id : stage.insts) {
      const Inst& inst = cluster.insts[id];
      if (inst.kind != InstKind::kLoad && !IsStore(inst)) continue;
      std::pair<int, bool> access = {inst.buffer.value, IsStore(inst)};
      bool is_new = true;
      for (const auto& other : seen) is_new &= other != access;
      if (!is_new) continue;
      seen.push_back(access);
      visit(inst.buffer, access.second);
    }
  }
}

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_FUSION_GRAPH_H_
