#include "compiler/schedule/fusion_graph.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include "compiler/schedule/buffer_uses.h"

namespace kiln::schedule {
namespace {

void Erase(std::vector<int>& list, int value) { list.erase(std::remove(list.begin(), list.end(), value), list.end()); }

void InsertOnce(std::vector<int>& list, int value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

template <typename Visit>
void VisitUnit(const Unit& unit, const Visit& visit) {
  if (unit.cluster.has_value()) {
    VisitClusterBuffers(*unit.cluster, visit);
    return;
  }
  VisitAccesses(unit.step, [&](BufferId b, Access access) { visit(b, access == Access::kWrite); });
}

}  // namespace

FusionGraph::FusionGraph(LoopProgram& program, IndexAnalysis& index)
    : program_(program),
      readers_(program.buffers.size()),
      writers_(program.buffers.size()),
      visible_(BuffersOfOutputs(program)) {
  for (size_t b = 0; b < visible_.size(); ++b) {
    if (program.buffers[b].kind != BufferKind::kTemporary) visible_[b] = true;
  }
  for (Step& step : program.steps) {
    const auto* kernel = std::get_if<Kernel>(&step);
    std::optional<std::vector<Cluster>> clusters;
    if (kernel != nullptr) clusters = ReadClusters(*kernel, index);
    if (clusters.has_value()) {
      for (Cluster& cluster : *clusters) {
        MergeAxes(cluster, index);
        units_.push_back({std::move(cluster), {}});
      }
    } else {
      units_.push_back({std::nullopt, std::move(step)});
    }
  }
  program.steps.clear();
  for (int u = 0; u < num_units(); ++u) {
    units_[u].number = u;
    units_[u].order = u;
    if (BindsSymbols(units_[u].step)) binding_orders_.push_back(u);
    AddUsers(u);
  }
  refusals_.emplace(num_units());
}

bool FusionGraph::IsReadElsewhere(BufferId b, int u) const {
  if (visible_[b.value]) return true;
  return std::any_of(readers_[b.value].begin(), readers_[b.value].end(), [u](int reader) { return reader != u; });
}

void FusionGraph::AddUsers(int u) {
  VisitUnit(units_[u], [&](BufferId b, bool writes) { InsertOnce((writes ? writers_ : readers_)[b.value], u); });
}

void FusionGraph::RemoveUsers(int u) {
  VisitUnit(units_[u], [&](BufferId b, bool writes) { Erase((writes ? writers_ : readers_)[b.value], u); });
}

void FusionGraph::SetCluster(int u, Cluster cluster) {
  RemoveUsers(u);
  units_[u].cluster = std::move(cluster);
  AddUsers(u);
}

void FusionGraph::Remove(int u) {
  RemoveUsers(u);
  units_[u].alive = false;
}

template <typename Visit>
void FusionGraph::VisitConflicts(int u, const Visit& visit) const {
  VisitUnit(units_[u], [&](BufferId b, bool writes) {
    for (int other : writers_[b.value]) visit(other);
    if (!writes) return;
    for (int other : readers_[b.value]) visit(other);
  });
}

std::optional<double> FusionGraph::OrderOfFused(int earlier, int later) const {
  double first = units_[earlier].order, last = units_[later].order;
  double lowest = -1, highest = std::numeric_limits<double>::infinity();
  VisitConflicts(later, [&](int other) {
    if (other != earlier && other != later && units_[other].order < last) {
      lowest = std::max(lowest, units_[other].order);
    }
  });
  // The later one may speak of a number that a step between them tells.
  for (double order : binding_orders_) {
    if (order < last) lowest = std::max(lowest, order);
  }
  if (lowest < first) return first;
  VisitConflicts(earlier, [&](int other) {
    if (other != earlier && other != later && units_[other].order > first) {
      highest = std::min(highest, units_[other].order);
    }
  });
  if (highest > last) return last;
  double middle = lowest + (highest - lowest) / 2;
  if (lowest < middle && middle < highest) return middle;
  return std::nullopt;
}

std::vector<Unit> FusionGraph::TakeUnits() {
  std::vector<Unit> units;
  for (Unit& unit : units_) {
    if (unit.alive) units.push_back(std::move(unit));
  }
  std::stable_sort(units.begin(), units.end(), [](const Unit& a, const Unit& b) { return a.order < b.order; });
  units_.clear();
  return units;
}

}  // namespace kiln::schedule
