#include "compiler/codegen/extern_table.h"

#include <algorithm>
#include <map>
#include <utility>

namespace kiln {

ExternTable BuildExternTable(const LoopProgram& program) {
  ExternTable table;
  std::map<std::pair<std::string, bool>, int> known;
  for (const Step& step : program.steps) {
    table.index_of_step.push_back(-1);
    const ExternCall* call = std::get_if<ExternCall>(&step);
    if (call == nullptr) continue;
    auto [it, is_new] = known.try_emplace({call->op, call->into}, static_cast<int>(table.ops.size()));
    if (is_new) table.ops.push_back({call->op, call->into});
    table.index_of_step.back() = it->second;
    ExternEntry& entry = table.ops[it->second];
    ++entry.call_sites;
    entry.nodes.push_back(call->node);
    entry.nodes.insert(entry.nodes.end(), call->epilogue.begin(), call->epilogue.end());
    if (!call->epilogue.empty()) ++entry.epilogues[call->why];
  }
  for (ExternEntry& op : table.ops) {
    std::sort(op.nodes.begin(), op.nodes.end());
    op.nodes.erase(std::unique(op.nodes.begin(), op.nodes.end()), op.nodes.end());
  }
  return table;
}

}  // namespace kiln
