#include "compiler/schedule/schedule.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "compiler/schedule/fuse_kernels.h"
#include "compiler/schedule/fusion_graph.h"
#include "compiler/schedule/name_kernel.h"
#include "compiler/schedule/order_loops.h"
#include "compiler/schedule/order_serial_loops.h"
#include "compiler/schedule/order_steps.h"
#include "compiler/schedule/plan_memory.h"
#include "compiler/schedule/refusals.h"
#include "compiler/schedule/share_long_rows.h"
#include "compiler/schedule/split_reduction.h"

namespace kiln {
namespace {

// The kernels that a unit of the fusion graph became, by their steps: one, or the
// two of a split reduction.
struct KernelsOfUnit {
  int first = -1;
  int last = -1;
};

// Makes kernels of one cluster of a unit: its loops in order, and where it has two
// versions, those of the other one after it.
class KernelMaker {
 public:
  KernelMaker(LoopProgram& program, const ScheduleOptions& options, schedule::IndexAnalysis& index)
      : program_(program), options_(options), index_(index) {}

  // The place of the first of them among the program's steps. `may_version`: the
  // cluster is all that its unit became.
  absl::StatusOr<int> Make(schedule::Cluster cluster, bool may_version) {
    const std::string name = schedule::NameKernel(cluster, number_++);
    std::optional<schedule::RowVersions> versions;
    if (may_version) versions = schedule::ShareLongRows(cluster, program_, options_.threads, index_);
    const int place = static_cast<int>(program_.steps.size());
    const Expr always = Expr::Bool(true);
    KILN_RETURN_IF_ERROR(Add(std::move(cluster), name, versions.has_value() ? versions->otherwise : always));
    if (!versions.has_value()) return place;
    int part = 0;
    for (schedule::Cluster& shared : versions->shared) {
      KILN_RETURN_IF_ERROR(Add(std::move(shared), absl::StrCat(name, "_shared_", part++), versions->when));
    }
    return place;
  }

 private:
  absl::Status Add(schedule::Cluster cluster, std::string name, Expr when) {
    KILN_ASSIGN_OR_RETURN(Kernel kernel, schedule::OrderLoops(std::move(cluster), program_, options_, index_));
    kernel.name = std::move(name);
    kernel.when = when;
    program_.steps.push_back(std::move(kernel));
    return absl::OkStatus();
  }

  LoopProgram& program_;
  const ScheduleOptions& options_;
  schedule::IndexAnalysis& index_;
  int number_ = 0;
};

// Tells each kernel from which earlier ones it was kept apart.
void NameNeighbours(const std::vector<schedule::Refusal>& refusals, const std::vector<KernelsOfUnit>& kernels,
                    LoopProgram& program) {
  for (const schedule::Refusal& refusal : refusals) {
    const int earlier = kernels[refusal.earlier].last, later = kernels[refusal.later].first;
    // A unit that died has no step, and of two the order may have changed.
    if (earlier < 0 || later < 0 || earlier > later) continue;
    const std::string name = std::get<Kernel>(program.steps[earlier]).name;
    std::get<Kernel>(program.steps[later]).apart.push_back({name, refusal.reason});
  }
}

}  // namespace

absl::StatusOr<LoopProgram> Schedule(LoopProgram program, const ScheduleOptions& options) {
  schedule::IndexAnalysis index(program.pool, program.env, program.symbols);
  schedule::FusionGraph graph(program, index);
  schedule::DropDeadKernels(graph, index);
  if (options.fuse) schedule::FuseKernels(graph, index);
  const std::vector<schedule::Refusal> refusals = graph.refusals().Remaining();
  std::vector<KernelsOfUnit> kernels(graph.num_units());
  KernelMaker maker(program, options, index);
  for (schedule::Unit& unit : graph.TakeUnits()) {
    if (!unit.cluster.has_value()) {
      if (auto* kernel = std::get_if<Kernel>(&unit.step)) {
        schedule::OrderSerialLoops(*kernel, index);
        kernels[unit.number].first = kernels[unit.number].last = static_cast<int>(program.steps.size());
      }
      program.steps.push_back(std::move(unit.step));
      continue;
    }
    std::vector<int>& nodes = unit.cluster->nodes;
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    unit.cluster->why = schedule::ExplainFusion(*unit.cluster);
    kernels[unit.number].first = static_cast<int>(program.steps.size());
    std::vector<schedule::Cluster> clusters = schedule::SplitReduction(*std::move(unit.cluster), program, index);
    for (schedule::Cluster& cluster : clusters) {
      KILN_ASSIGN_OR_RETURN(kernels[unit.number].last, maker.Make(std::move(cluster), clusters.size() == 1));
    }
  }
  NameNeighbours(refusals, kernels, program);
  schedule::OrderSteps(program, index);
  return schedule::PlanMemory(std::move(program));
}

}  // namespace kiln
