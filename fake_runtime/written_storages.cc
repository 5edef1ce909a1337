#include "fake_runtime/written_storages.h"

#include <variant>

namespace kiln {

absl::flat_hash_set<StorageId> WrittenStorages(const FakeGraph& fake) {
  absl::flat_hash_set<StorageId> written;
  for (const Node& node : fake.graph.nodes) {
    for (size_t i = 0; node.op->is_mutating() && i < node.args.size(); ++i) {
      if (!node.op->args[i].is_written) continue;
      VisitValues(node.args[i], [&](ValueId id) {
        if (const auto* t = std::get_if<FakeTensor>(&fake.values[id.value])) written.insert(t->storage);
      });
    }
  }
  return written;
}

}  // namespace kiln
