#include "compiler/schedule/schedule.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/status_macros.h"
#include "compiler/schedule/fuse_kernels.h"
#include "compiler/schedule/fusion_graph.h"
#include "compiler/schedule/name_kernel.h"
#include "compiler/schedule/order_loops.h"
#include "compiler/schedule/order_serial_loops.h"
#include "compiler/schedule/order_steps.h"
#include "compiler/schedule/plan_memory.h"
#include "compiler/schedule/refusals.h"
#include "compiler/schedule/split_reduction.h"

namespace kiln {
namespace {

// The kernels that a unit of the fusion graph became, by their steps: one, or the
// two of a split reduction.
struct KernelsOfUnit {
  int first = -1;
  int last = -1;
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
  int number = 0;
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
    for (schedule::Cluster& cluster : schedule::SplitReduction(*std::move(unit.cluster), program, index)) {
      std::string name = schedule::NameKernel(cluster, number++);
      KILN_ASSIGN_OR_RETURN(Kernel kernel, schedule::OrderLoops(std::move(cluster), program, options, index));
      kernel.name = std::move(name);
      kernels[unit.number].last = static_cast<int>(program.steps.size());
      program.steps.push_back(std::move(kernel));
    }
  }
  NameNeighbours(refusals, kernels, program);
  schedule::OrderSteps(program, index);
  return schedule::PlanMemory(std::move(program));
}

}  // namespace kiln
