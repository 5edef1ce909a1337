#include "fake_runtime/spread_requires_grad.h"

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "fake_runtime/ops/op_table.h"
#include "fake_runtime/ops/requires_grad.h"

namespace kiln {
namespace {

bool IsIn(const FakeGraph& fake, ValueId id, StorageId storage) {
  const FakeTensor* t = std::get_if<FakeTensor>(&fake.values[id.value]);
  return t != nullptr && t->storage == storage;
}

// The first operand that looks into `storage`, or -1.
int OperandIn(const FakeGraph& fake, const Node& node, StorageId storage) {
  int found = -1;
  for (const Argument& arg : node.args) {
    VisitValues(arg, [&](ValueId id) {
      if (found < 0 && IsIn(fake, id, storage)) found = id.value;
    });
  }
  return found;
}

// The values before `until` that share autograd's history with `value`: its base, and
// views of that, but for views that are not differentiable, as those of detach.
std::vector<int> SharedHistory(FakeGraph& fake, const Node& until, int value) {
  const StorageId storage = std::get<FakeTensor>(fake.values[value]).storage;
  absl::flat_hash_map<int, int> bases;
  const auto base_of = [&](int v) {
    auto it = bases.find(v);
    return it == bases.end() ? v : it->second;
  };
  for (const Node& node : fake.graph.nodes) {
    if (&node == &until) break;
    fake.env->pool().Spend(1);
    for (size_t r = 0; r < node.outputs.size(); ++r) {
      if (!MayRequireGrad(RowOf(*node.op), r)) continue;
      for (ValueId id : node.outputs[r].values) {
        if (!IsIn(fake, id, storage) || !IsDifferentiable(std::get<FakeTensor>(fake.values[id.value]).dtype)) continue;
        const int operand = OperandIn(fake, node, storage);
        if (operand >= 0) bases[id.value] = base_of(operand);
      }
    }
  }
  const int base = base_of(value);
  std::vector<int> out = {base};
  for (const auto& [view, its_base] : bases) {
    if (its_base == base) out.push_back(view);
  }
  return out;
}

}  // namespace

void SpreadRequiresGrad(FakeGraph& fake, const Node& node, int value, int result) {
  const FakeTensor* was = std::get_if<FakeTensor>(&fake.values[value]);
  const FakeTensor* now = std::get_if<FakeTensor>(&fake.values[result]);
  if (was == nullptr || now == nullptr || was->requires_grad == now->requires_grad) return;
  const bool requires_grad = now->requires_grad;
  auto same = fake.same_tensor.find(value);
  const int first = same == fake.same_tensor.end() ? value : same->second;
  std::vector<int> others = requires_grad ? SharedHistory(fake, node, value) : std::vector<int>();
  others.push_back(first);
  const std::vector<int>& names = fake.names_of_tensor[first];
  others.insert(others.end(), names.begin(), names.end());
  fake.env->pool().Spend(static_cast<int64_t>(others.size()));
  for (int other : others) {
    if (FakeTensor* t = std::get_if<FakeTensor>(&fake.values[other])) t->requires_grad = requires_grad;
  }
}

}  // namespace kiln
