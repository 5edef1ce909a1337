// Graphs in memory; those that are used least for their size leave when the bytes run
// out.
// Thread-safe.
#ifndef KILN_CACHE_MEMORY_GRAPH_STORE_H_
#define KILN_CACHE_MEMORY_GRAPH_STORE_H_

#include <cstdint>
#include <string>

#include "cache/graph_store.h"
#include "cache/memory_store.h"

namespace kiln {

class MemoryGraphStore final : public GraphStore {
 public:
  explicit MemoryGraphStore(int64_t max_bytes) : blobs_(max_bytes) {}

  absl::StatusOr<std::string> GetGraph(const Digest& name) override;
  absl::Status PutGraph(const Digest& name, absl::string_view bytes) override;
  bool HasGraph(const Digest& name) override;

 private:
  // Bytes by digest with a bound, which is what graphs need too.
  MemoryStore blobs_;
};

}  // namespace kiln

#endif  // KILN_CACHE_MEMORY_GRAPH_STORE_H_
