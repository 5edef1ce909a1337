#include "compiler/schedule/reuse_local_buffers.h"

#include <algorithm>
#include <vector>

#include "absl/container/btree_map.h"

namespace kiln::schedule {
namespace {

// All accesses of a cluster to one buffer.
struct BufferAccesses {
  bool same_place = true;  // at one index, over one list of inner axes
  Expr place;
  const AxisList* inner = nullptr;
  // Positions in the order of instructions; -1: none.
  int first_load = -1, last_load = -1;
  int first_store = -1;
};

using AccessMap = absl::btree_map<int, BufferAccesses>;

AccessMap FindAccesses(const Cluster& cluster) {
  AccessMap accesses;
  int position = 0;
  for (const Stage& stage : cluster.stages) {
    for (int id : stage.insts) {
      const Inst& inst = cluster.insts[id];
      ++position;
      if (inst.kind != InstKind::kLoad && !IsStore(inst)) continue;
      BufferAccesses& found = accesses[inst.buffer.value];
      if (found.inner == nullptr) {
        found.inner = &stage.inner;
        found.place = inst.expr;
      }
      found.same_place &= inst.kind != InstKind::kStoreAdd && *found.inner == stage.inner && found.place == inst.expr;
      if (inst.kind == InstKind::kLoad) {
        if (found.first_load < 0) found.first_load = position;
        found.last_load = position;
      } else if (found.first_store < 0) {
        found.first_store = position;
      }
    }
  }
  return accesses;
}

bool CanHost(const BufferAccesses& host, const BufferAccesses& guest) {
  return host.same_place && host.first_load < 0 && host.first_store > guest.last_load && host.place == guest.place &&
         *host.inner == *guest.inner;
}

}  // namespace

void ReuseLocalBuffers(Cluster& cluster, const LoopProgram& program, const std::function<bool(BufferId)>& is_local) {
  AccessMap accesses = FindAccesses(cluster);
  absl::btree_map<int, int> host_of;
  std::vector<int> taken;
  for (const auto& [buffer, guest] : accesses) {
    if (!guest.same_place || guest.first_store < 0 || guest.last_load < 0 || !is_local(BufferId{buffer})) continue;
    for (const auto& [other, host] : accesses) {
      bool same_dtype = program.buffers[other].dtype == program.buffers[buffer].dtype;
      bool is_free = std::find(taken.begin(), taken.end(), other) == taken.end() && !host_of.contains(other);
      if (other == buffer || !same_dtype || !is_free || !CanHost(host, guest)) continue;
      host_of[buffer] = other;
      taken.push_back(other);
      // Neither end of the pair may be part of another one.
      taken.push_back(buffer);
      break;
    }
  }
  for (Inst& inst : cluster.insts) {
    auto it = host_of.find(inst.buffer.value);
    if (it != host_of.end()) inst.buffer.value = it->second;
  }
}

}  // namespace kiln::schedule
