#include "cache/graph_store.h"

namespace kiln {

Digest GraphName(absl::string_view domain, const Digest& graph, const Digest& signature) {
  return DigestBuilder("kiln.graph_name.v1").AddBytes(domain).AddDigest(graph).AddDigest(signature).Finish();
}

}  // namespace kiln
