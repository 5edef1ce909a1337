// Which memory a graph writes.
#ifndef KILN_FAKE_RUNTIME_WRITTEN_STORAGES_H_
#define KILN_FAKE_RUNTIME_WRITTEN_STORAGES_H_

#include "absl/container/flat_hash_set.h"
#include "fake_runtime/fake_tensor_mode.h"

namespace kiln {

// The storages of the arguments that some node writes, inputs' and views' included.
absl::flat_hash_set<StorageId> WrittenStorages(const FakeGraph& fake);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_WRITTEN_STORAGES_H_
