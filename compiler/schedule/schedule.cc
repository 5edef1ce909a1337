#include "compiler/schedule/schedule.h"

#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "compiler/schedule/cluster.h"
#include "compiler/schedule/order_loops.h"
#include "compiler/schedule/plan_memory.h"

namespace kiln {

absl::StatusOr<LoopProgram> Schedule(LoopProgram program, const ScheduleOptions& options) {
  schedule::IndexAnalysis index(program.pool, program.env, program.symbols);
  std::vector<Step> steps;
  for (Step& step : program.steps) {
    auto* kernel = std::get_if<Kernel>(&step);
    if (kernel == nullptr) {
      steps.push_back(std::move(step));
      continue;
    }
    auto clusters = schedule::ReadClusters(*kernel, index);
    if (!clusters.has_value()) {
      steps.push_back(std::move(step));
      continue;
    }
    for (schedule::Cluster& cluster : *clusters) {
      schedule::CleanCluster(cluster, [](BufferId) { return true; }, index);
      if (cluster.stages.empty()) continue;
      Kernel ordered = schedule::OrderLoops(std::move(cluster), program, index);
      ordered.name = kernel->name;
      steps.push_back(std::move(ordered));
    }
  }
  program.steps = std::move(steps);
  return schedule::PlanMemory(std::move(program));
}

}  // namespace kiln
