// A compile request made ready: imported, made canonical, its key composed. What
// the rest of the way works on; nothing behind it looks at the client's proto.
#ifndef KILN_SERVICE_PREPARED_COMPILE_H_
#define KILN_SERVICE_PREPARED_COMPILE_H_

#include <map>
#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "base/digest.h"
#include "cache/graph_store.h"
#include "cache/host_class.h"
#include "cache/variant_key.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/compiler_entry.h"
#include "service/prepared_graph.h"
#include "service/recent_graphs.h"

namespace kiln {

// Thread-compatible; a value that nobody changes once it is made.
struct PreparedCompile {
  std::shared_ptr<const PreparedGraph> graph;
  v1::KeyComponents components;
  VariantKey key;
  // As the client gave them; defaults are the worker's business.
  std::map<std::string, std::string> options;
  v1::HostCapabilities host;
  std::shared_ptr<const HostClass> host_class;
  std::string domain;
  std::string requester;
  // Whose pins what it is answered gets; may be empty.
  std::string job;
  bool no_remembered_failures = false;
  absl::flat_hash_set<Digest> have;
};

// All checks of a CompileRequest; errors as the RPC's comment has them. Its graph is
// taken from `recent` if another request has just had it.
absl::StatusOr<PreparedCompile> PrepareCompile(const v1::CompileRequest& request, const CompilerEntry& compiler,
                                               GraphStore& graphs, RecentGraphs& recent);

// MALFORMED_MESSAGE for one that is no digest, LIMIT_EXCEEDED for too many.
absl::StatusOr<absl::flat_hash_set<Digest>> ParseHave(
    const google::protobuf::RepeatedPtrField<std::string>& have);

}  // namespace kiln

#endif  // KILN_SERVICE_PREPARED_COMPILE_H_
