#include "service/lookup.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "compiler/artifact/options_digest.h"
#include "service/miss_facts.h"
#include "service/prepared_compile.h"
#include "service/request_header.h"
#include "service/variant_reply.h"

namespace kiln {
namespace {

void Remember(Front& front, const v1::LookupRequest& request, const v1::KeyComponents& key,
              const CacheAnswer& answer) {
  RequestFacts facts = {.id = request.header().request_id(),
                        .domain = request.header().domain(),
                        .symbol_values = {request.symbol_values().begin(), request.symbol_values().end()}};
  if (answer.hit.has_value()) {
    facts.variant = answer.hit->variant;
    facts.tier = answer.hit->tier;
  } else {
    facts.miss = std::make_shared<const MissFacts>(FactsOfMiss(request, key, answer));
  }
  front.history.Add(std::move(facts));
}

}  // namespace

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
  const v1::KeyComponents components = ComposeKey({.graph = graph,
                                                   .signature = signature,
                                                   .options = OptionsDigest(options),
                                                   .compiler_build = front.compiler.build,
                                                   .target = request.host().target(),
                                                   .domain = domain});
  KILN_ASSIGN_OR_RETURN(const VariantKey key, KeyOf(components));
  KILN_ASSIGN_OR_RETURN(const CacheAnswer answer,
                        front.cache->Lookup(key, request.symbol_values(), HostClass(request.host()), /*count=*/true,
                                            &components));
  Remember(front, request, components, answer);
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
