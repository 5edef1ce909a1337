#include "service/lookup.h"

#include <map>
#include <string>

#include "base/status_macros.h"
#include "compiler/artifact/options_digest.h"
#include "service/prepared_compile.h"
#include "service/request_header.h"
#include "service/variant_reply.h"

namespace kiln {

absl::Status Lookup(Front& front, const v1::LookupRequest& request, v1::LookupResponse& response) {
  KILN_RETURN_IF_ERROR(front.CheckServing());
  KILN_RETURN_IF_ERROR(CheckHeader(request.header()));
  KILN_RETURN_IF_ERROR(CheckAbi(request.host()));
  KILN_ASSIGN_OR_RETURN(const Digest graph, ParseDigest("graph_digest", request.graph_digest()));
  KILN_ASSIGN_OR_RETURN(const Digest signature, ParseDigest("signature_digest", request.signature_digest()));
  KILN_ASSIGN_OR_RETURN(const auto have, ParseHave(request.have()));
  const std::string& domain = request.header().domain();
  const std::map<std::string, std::string> options(request.options().values().begin(),
                                                   request.options().values().end());
  KILN_ASSIGN_OR_RETURN(const VariantKey key, KeyOf(ComposeKey({.graph = graph,
                                                                .signature = signature,
                                                                .options = OptionsDigest(options),
                                                                .compiler_build = front.compiler.build,
                                                                .target = request.host().target(),
                                                                .domain = domain})));
  KILN_ASSIGN_OR_RETURN(const CacheAnswer answer,
                        front.cache->Lookup(key, request.symbol_values(), HostClass(request.host())));
  response.set_graph_known(front.graphs->HasGraph(GraphName(domain, graph, signature)));
  if (answer.hit.has_value()) {
    response.set_found(true);
    *response.mutable_variant() = MakeVariantReply(*answer.hit, have);
    return absl::OkStatus();
  }
  for (v1::MissReason reason : answer.reasons) response.add_reasons(reason);
  return absl::OkStatus();
}

}  // namespace kiln
