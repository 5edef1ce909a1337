#include "compiler/loops/value_readers.h"

#include <variant>

#include "compiler/loops/lowering_table.h"

namespace kiln {
namespace {

bool IsLoops(absl::string_view op) { return FindPointwise(op) != nullptr || LoweringOf(op) == LoweringKind::kLoops; }

}  // namespace

ValueReaders::ValueReaders(const FakeGraph& fake, const std::vector<bool>& live)
    : fake_(fake), readers_(fake.values.size()), is_returned_(fake.values.size()), producers_(fake.values.size(), -1) {
  for (size_t n = 0; n < fake.graph.nodes.size(); ++n) {
    const Node& node = fake.graph.nodes[n];
    const int number = static_cast<int>(n);
    for (const NodeOutput& output : node.outputs) {
      for (ValueId id : output.values) producers_[id.value] = number;
    }
    if (!live[n]) continue;
    for (const Argument& arg : node.args) {
      VisitValues(arg, [&](ValueId id) {
        auto& readers = readers_[id.value];
        if (readers.empty() || readers.back() != number) readers.push_back(number);
      });
    }
  }
  for (const Argument& output : fake.graph.outputs) {
    VisitValues(output, [&](ValueId id) { is_returned_[id.value] = true; });
  }
}

ValueId ValueReaders::ViewMadeBy(int node, ValueId of) const {
  const std::vector<NodeOutput>& outputs = fake_.graph.nodes[node].outputs;
  if (fake_.graph.nodes[node].op->is_mutating()) return ValueId{};
  if (outputs.size() != 1 || outputs[0].values.size() != 1) return ValueId{};
  const ValueId made = outputs[0].values[0];
  const FakeTensor* view = std::get_if<FakeTensor>(&fake_.values[made.value]);
  const FakeTensor* base = std::get_if<FakeTensor>(&fake_.values[of.value]);
  return view != nullptr && base != nullptr && view->storage == base->storage ? made : ValueId{};
}

bool ValueReaders::HasLoopReader(ValueId id) const {
  for (int reader : Of(id)) {
    const ValueId view = ViewMadeBy(reader, id);
    if (view.value >= 0 ? HasLoopReader(view) : IsLoops(fake_.graph.nodes[reader].op->name)) return true;
  }
  return false;
}

}  // namespace kiln
