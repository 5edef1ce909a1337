#include "compiler/schedule/schedule.h"

#include <algorithm>
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
#include "compiler/schedule/split_reduction.h"

namespace kiln {

absl::StatusOr<LoopProgram> Schedule(LoopProgram program, const ScheduleOptions& options) {
  schedule::IndexAnalysis index(program.pool, program.env, program.symbols);
  schedule::FusionGraph graph(program, index);
  schedule::DropDeadKernels(graph, index);
  if (options.fuse) schedule::FuseKernels(graph, index);
  int number = 0;
  for (schedule::Unit& unit : graph.TakeUnits()) {
    if (!unit.cluster.has_value()) {
      if (auto* kernel = std::get_if<Kernel>(&unit.step)) schedule::OrderSerialLoops(*kernel, index);
      program.steps.push_back(std::move(unit.step));
      continue;
    }
    std::vector<int>& nodes = unit.cluster->nodes;
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    unit.cluster->why = schedule::ExplainFusion(*unit.cluster);
    for (schedule::Cluster& cluster : schedule::SplitReduction(*std::move(unit.cluster), program, index)) {
      std::string name = schedule::NameKernel(cluster, number++);
      KILN_ASSIGN_OR_RETURN(Kernel kernel, schedule::OrderLoops(std::move(cluster), program, options, index));
      kernel.name = std::move(name);
      program.steps.push_back(std::move(kernel));
    }
  }
  schedule::OrderSteps(program, index);
  return schedule::PlanMemory(std::move(program));
}

}  // namespace kiln
