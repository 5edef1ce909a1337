#include "fake_runtime/graph/graph.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace kiln {
namespace {

struct InputKindRow {
  InputKind kind;
  absl::string_view name;
};
constexpr InputKindRow kInputKinds[] = {
    {InputKind::kUser, "user"},     {InputKind::kParameter, "parameter"},
    {InputKind::kBuffer, "buffer"}, {InputKind::kTangent, "tangent"},
    {InputKind::kSaved, "saved"},
};

}  // namespace

absl::string_view InputKindName(InputKind kind) {
  for (const InputKindRow& row : kInputKinds) {
    if (row.kind == kind) return row.name;
  }
  return "?";
}

std::optional<InputKind> ParseInputKind(absl::string_view name) {
  for (const InputKindRow& row : kInputKinds) {
    if (row.name == name) return row.kind;
  }
  return std::nullopt;
}

std::string DescribeNode(int node, absl::string_view op,
                         absl::string_view location) {
  return absl::StrCat("node ", node, " (", op, ")",
                      location.empty() ? "" : " at ", location);
}

std::string DescribeNode(const Graph& graph, int node) {
  const Node& n = graph.nodes[node];
  return DescribeNode(node, n.op->name, n.location);
}

std::vector<std::string> DistinctValueNames(const Graph& graph) {
  std::vector<std::string> names = graph.value_names;
  std::vector<bool> used(names.size());
  auto use = [&](ValueId id) { used[id.value] = true; };
  for (const Node& node : graph.nodes) {
    for (const Argument& arg : node.args) VisitValues(arg, use);
  }
  for (const Argument& output : graph.outputs) VisitValues(output, use);

  absl::flat_hash_set<std::string> taken(names.begin(), names.end());
  for (size_t v = 0; v < names.size(); ++v) {
    if (!names[v].empty() || !used[v]) continue;
    std::string name = absl::StrCat("_", v);
    while (!taken.insert(name).second) name += "_";
    names[v] = std::move(name);
  }
  return names;
}

}  // namespace kiln
