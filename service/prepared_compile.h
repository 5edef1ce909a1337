// A compile request made ready: imported, made canonical, its key composed. What
// the rest of the way works on; nothing behind it looks at the client's proto.
#ifndef KILN_SERVICE_PREPARED_COMPILE_H_
#define KILN_SERVICE_PREPARED_COMPILE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "base/digest.h"
#include "cache/graph_store.h"
#include "cache/host_class.h"
#include "cache/variant_key.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/compiler_entry.h"

namespace kiln {

// Thread-compatible; a value that nobody changes once it is made.
struct PreparedCompile {
  // Canonical, with this request's sizes as hints.
  v1::Graph graph;
  Digest graph_digest;
  Digest signature_digest;
  v1::KeyComponents components;
  VariantKey key;
  // Canonical names and this request's values. An unbacked symbol's value is 0.
  std::vector<std::string> symbols;
  std::vector<int64_t> symbol_values;
  // As the client gave them; defaults are the worker's business.
  std::map<std::string, std::string> options;
  v1::HostCapabilities host;
  std::shared_ptr<const HostClass> host_class;
  // By canonical node, in the requester's source. Empty for a graph by digest.
  std::vector<std::string> locations;
  // By canonical node, its index in the requester's graph.
  std::vector<int> original_nodes;
  // Of the requester's graph; empty for a graph by digest.
  std::vector<std::string> input_names;
  // By which graphs like this one are found.
  std::vector<uint32_t> sketch;
  std::string domain;
  std::string requester;
  // Whose pins what it is answered gets; may be empty.
  std::string job;
  bool no_remembered_failures = false;
  absl::flat_hash_set<Digest> have;
};

// All checks of a CompileRequest; errors as the RPC's comment has them. Costs
// milliseconds for thousands of nodes.
absl::StatusOr<PreparedCompile> PrepareCompile(const v1::CompileRequest& request, const CompilerEntry& compiler,
                                               GraphStore& graphs);

// MALFORMED_MESSAGE for one that is no digest, LIMIT_EXCEEDED for too many.
absl::StatusOr<absl::flat_hash_set<Digest>> ParseHave(
    const google::protobuf::RepeatedPtrField<std::string>& have);

// `graph` without what belongs to one request: the form that is kept and named.
std::string StoredGraph(const v1::Graph& graph);

}  // namespace kiln

#endif  // KILN_SERVICE_PREPARED_COMPILE_H_
