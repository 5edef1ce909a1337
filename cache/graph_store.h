// Canonical graphs by name, so that a client may compile by digest. The bytes
// are a serialized v1::Graph; whoever reads one computes its digests again, since
// a tier below may have changed it.
//
// Implementations are thread-safe. GRAPH_NOT_FOUND is a miss; STORAGE a fault.
#ifndef KILN_CACHE_GRAPH_STORE_H_
#define KILN_CACHE_GRAPH_STORE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/digest.h"

namespace kiln {

// A graph is known within a domain, by graph and signature.
Digest GraphName(absl::string_view domain, const Digest& graph, const Digest& signature);

class GraphStore {
 public:
  virtual ~GraphStore() = default;
  virtual absl::StatusOr<std::string> GetGraph(const Digest& name) = 0;
  virtual absl::Status PutGraph(const Digest& name, absl::string_view bytes) = 0;
  virtual bool HasGraph(const Digest& name) = 0;
};

}  // namespace kiln

#endif  // KILN_CACHE_GRAPH_STORE_H_
