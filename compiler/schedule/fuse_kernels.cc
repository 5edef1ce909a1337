#include "compiler/schedule/fuse_kernels.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "compiler/schedule/buffer_uses.h"
#include "compiler/schedule/inline_producers.h"
#include "compiler/schedule/join_clusters.h"
#include "compiler/schedule/reuse_local_buffers.h"

namespace kiln::schedule {
namespace {

// Partners that a kernel tries before it stays alone.
constexpr size_t kMaxPartners = 8;
// Of one buffer's readers, how many are looked at.
constexpr size_t kMaxReaders = 4;
// Kernels that only share an input should be near each other: fusing far ones
// makes the later one's other inputs live long.
constexpr double kMaxDistance = 64;

class KernelFuser {
 public:
  KernelFuser(FusionGraph& graph, IndexAnalysis& index) : graph_(graph), index_(index) {}

  void Run() {
    for (int u = 0; u < graph_.num_units(); ++u) {
      int unit = u;
      while (unit >= 0 && IsCluster(unit)) unit = JoinOnce(unit);
    }
  }

 private:
  bool IsCluster(int u) { return graph_.unit(u).alive && graph_.unit(u).cluster.has_value(); }

  void AddPartner(int u, int partner, std::vector<int>& partners) {
    if (partner == u || !IsCluster(partner) || graph_.unit(partner).order >= graph_.unit(u).order) return;
    if (std::find(partners.begin(), partners.end(), partner) == partners.end()) partners.push_back(partner);
  }

  // Earlier kernels that share a buffer with `u`: those that wrote what it
  // reads first, then those that read it too; of each the latest first.
  std::vector<int> FindPartners(int u) {
    std::vector<int> producers, siblings;
    VisitClusterBuffers(*graph_.unit(u).cluster, [&](BufferId b, bool) {
      for (int writer : graph_.writers(b)) AddPartner(u, writer, producers);
      const std::vector<int>& readers = graph_.readers(b);
      size_t looked_at = 0;
      for (auto it = readers.rbegin(); it != readers.rend() && looked_at < kMaxReaders; ++it) {
        if (graph_.unit(*it).order >= graph_.unit(u).order) continue;
        ++looked_at;
        if (graph_.unit(u).order - graph_.unit(*it).order <= kMaxDistance) AddPartner(u, *it, siblings);
      }
    });
    auto later = [&](int a, int b) { return graph_.unit(a).order > graph_.unit(b).order; };
    std::stable_sort(producers.begin(), producers.end(), later);
    std::stable_sort(siblings.begin(), siblings.end(), later);
    for (int sibling : siblings) {
      if (std::find(producers.begin(), producers.end(), sibling) == producers.end()) producers.push_back(sibling);
    }
    if (producers.size() > kMaxPartners) producers.resize(kMaxPartners);
    return producers;
  }

  // Joins `u` with one partner; the unit that holds both, or -1.
  int JoinOnce(int u) {
    for (int partner : FindPartners(u)) {
      std::optional<double> order = graph_.OrderOfFused(partner, u);
      if (!order.has_value()) {
        NoteRefusal(partner, u, ApartReason::kBetween);
        continue;
      }
      std::variant<Cluster, ApartReason> result =
          JoinClusters(*graph_.unit(partner).cluster, *graph_.unit(u).cluster, index_);
      if (const ApartReason* reason = std::get_if<ApartReason>(&result)) {
        NoteRefusal(partner, u, *reason);
        continue;
      }
      Cluster& joined = std::get<Cluster>(result);
      graph_.Remove(u);
      graph_.refusals().Merge(u, partner);
      CleanCluster(joined, [&](BufferId b) { return graph_.IsReadElsewhere(b, partner); }, index_);
      graph_.SetCluster(partner, std::move(joined));
      graph_.unit(partner).order = *order;
      return partner;
    }
    return -1;
  }

  void NoteRefusal(int earlier, int later, ApartReason reason) {
    graph_.refusals().Note(earlier, later, Refusals::Attempt::kJoin, reason);
  }

  FusionGraph& graph_;
  IndexAnalysis& index_;
};

std::vector<int> LatestFirst(FusionGraph& graph) {
  std::vector<int> units;
  for (int u = 0; u < graph.num_units(); ++u) {
    if (graph.unit(u).alive) units.push_back(u);
  }
  std::stable_sort(units.begin(), units.end(),
                   [&](int a, int b) { return graph.unit(a).order > graph.unit(b).order; });
  return units;
}

// Kernels that stay as they are have neighbours too.
void NoteOrderedKernels(FusionGraph& graph) {
  auto is_kernel = [&](int u) {
    const Unit& unit = graph.unit(u);
    return unit.alive && (unit.cluster.has_value() || std::holds_alternative<Kernel>(unit.step));
  };
  for (int u = 0; u < graph.num_units(); ++u) {
    if (!is_kernel(u) || graph.unit(u).cluster.has_value()) continue;
    auto note = [&](int other) {
      if (other == u || !is_kernel(other)) return;
      const bool is_earlier = graph.unit(other).order < graph.unit(u).order;
      graph.refusals().Note(is_earlier ? other : u, is_earlier ? u : other, Refusals::Attempt::kJoin,
                            ApartReason::kOrdered);
    };
    VisitAccesses(graph.unit(u).step, [&](BufferId b, Access access) {
      for (int other : access == Access::kRead ? graph.writers(b) : graph.readers(b)) note(other);
    });
  }
}

void ReuseMemoryWithinKernels(FusionGraph& graph) {
  for (int u = 0; u < graph.num_units(); ++u) {
    if (!graph.unit(u).alive || !graph.unit(u).cluster.has_value()) continue;
    Cluster cluster = *graph.unit(u).cluster;
    auto is_only_user = [u](const std::vector<int>& users) {
      return std::all_of(users.begin(), users.end(), [u](int user) { return user == u; });
    };
    ReuseLocalBuffers(cluster, graph.program(), [&](BufferId b) {
      return !graph.IsVisible(b) && is_only_user(graph.readers(b)) && is_only_user(graph.writers(b));
    });
    graph.SetCluster(u, std::move(cluster));
  }
}

}  // namespace

void DropDeadKernels(FusionGraph& graph, IndexAnalysis& index) {
  for (int u : LatestFirst(graph)) {
    if (!graph.unit(u).cluster.has_value()) continue;
    Cluster cluster = *graph.unit(u).cluster;
    CleanCluster(cluster, [&](BufferId b) { return graph.IsReadElsewhere(b, u); }, index);
    bool is_dead = cluster.stages.empty();
    graph.SetCluster(u, std::move(cluster));
    if (is_dead) graph.Remove(u);
  }
}

void FuseKernels(FusionGraph& graph, IndexAnalysis& index) {
  InlineProducers(graph, index);
  KernelFuser(graph, index).Run();
  DropDeadKernels(graph, index);
  NoteOrderedKernels(graph);
  ReuseMemoryWithinKernels(graph);
}

}  // namespace kiln::schedule
