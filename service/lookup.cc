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

// What is asked for, checked: all that is not as the request has it.
struct Question {
  v1::KeyComponents components;
  VariantKey key;
  Digest graph;
  Digest signature;
  HostClass host;
  absl::flat_hash_set<Digest> have;
};

absl::StatusOr<Question> Check(const Front& front, const v1::LookupRequest& request) {
  KILN_RETURN_IF_ERROR(front.CheckServing());
  KILN_RETURN_IF_ERROR(CheckHeader(request.header()));
  KILN_RETURN_IF_ERROR(CheckAbi(request.host()));
  KILN_ASSIGN_OR_RETURN(const Digest graph, ParseDigest("graph_digest", request.graph_digest()));
  KILN_ASSIGN_OR_RETURN(const Digest signature, ParseDigest("signature_digest", request.signature_digest()));
  KILN_ASSIGN_OR_RETURN(auto have, ParseHave(request.have()));
  const std::map<std::string, std::string> options(request.options().values().begin(),
                                                   request.options().values().end());
  Question question{.components = ComposeKey({.graph = graph,
                                              .signature = signature,
                                              .options = OptionsDigest(options),
                                              .compiler_build = front.compiler.build,
                                              .target = request.host().target(),
                                              .domain = request.header().domain()}),
                    .key = {},
                    .graph = graph,
                    .signature = signature,
                    .host = HostClass(request.host()),
                    .have = std::move(have)};
  KILN_ASSIGN_OR_RETURN(question.key, KeyOf(question.components));
  return question;
}

LookupReply Reply(Front& front, const v1::LookupRequest& request, const Question& question,
                         const CacheAnswer& answer) {
  Remember(front, request, question.components, answer);
  LookupReply reply;
  v1::LookupResponse& response = reply.response;
  const Digest graph = GraphName(request.header().domain(), question.graph, question.signature);
  response.set_graph_known(front.graphs->HasGraph(graph));
  if (answer.hit.has_value()) {
    response.set_found(true);
    front.cache->Pin(request.header().job(), *answer.hit->variant);
    if (front.better != nullptr) front.better->Consider(request, question.host, *answer.hit->variant);
    *response.mutable_variant() = MakeVariantReply(*answer.hit);
    reply.artifact = InlineArtifact(*answer.hit, question.have);
    return reply;
  }
  for (v1::MissReason reason : answer.reasons) response.add_reasons(reason);
  return reply;
}

}  // namespace

void Lookup(Front& front, const v1::LookupRequest& request,
            std::function<void(const absl::StatusOr<LookupReply>&)> done) {
  absl::StatusOr<Question> question = Check(front, request);
  if (!question.ok()) return done(question.status());
  const absl::StatusOr<CacheAnswer> answer = front.cache->Lookup(
      question->key, request.symbol_values(), question->host, /*count=*/true, &question->components);
  if (!answer.ok()) return done(answer.status());
  if (!answer->elsewhere) {
    if (answer->hit.has_value()) front.shared->RefreshIfStale(request.header().domain(), question->key);
    return done(Reply(front, request, *question, *answer));
  }
  auto kept = std::make_shared<const Question>(*std::move(question));
  auto asked = std::make_shared<const v1::LookupRequest>(request);
  front.shared->AfterSync(
      asked->header().domain(), kept->key, SharedIndex::When::kIfDue, [&front, kept, asked, done = std::move(done)] {
        const absl::StatusOr<CacheAnswer> shared = front.cache->LookupShared(
            kept->key, asked->symbol_values(), kept->host, /*count=*/true, &kept->components);
        if (!shared.ok()) return done(shared.status());
        done(Reply(front, *asked, *kept, *shared));
      });
}

}  // namespace kiln
