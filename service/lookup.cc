#include "service/lookup.h"

#include <map>
#include <optional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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

// What is asked for, checked.
struct Question {
  v1::KeyComponents components;
  VariantKey key;
  Digest graph;
  Digest signature;
  std::string domain;
  std::vector<int64_t> symbol_values;
  HostClass host;
  absl::flat_hash_set<Digest> have;
  std::string job;
  // Kept where better variants are compiled behind clients' backs.
  std::optional<v1::LookupRequest> request;
};

absl::StatusOr<Question> Check(const Front& front, const v1::LookupRequest& request) {
  KILN_RETURN_IF_ERROR(front.CheckServing());
  KILN_RETURN_IF_ERROR(CheckHeader(request.header()));
  KILN_RETURN_IF_ERROR(CheckAbi(request.host()));
  KILN_ASSIGN_OR_RETURN(const Digest graph, ParseDigest("graph_digest", request.graph_digest()));
  KILN_ASSIGN_OR_RETURN(const Digest signature, ParseDigest("signature_digest", request.signature_digest()));
  KILN_ASSIGN_OR_RETURN(auto have, ParseHave(request.have()));
  const std::string& domain = request.header().domain();
  const std::map<std::string, std::string> options(request.options().values().begin(),
                                                   request.options().values().end());
  Question question{.components = ComposeKey({.graph = graph,
                                              .signature = signature,
                                              .options = OptionsDigest(options),
                                              .compiler_build = front.compiler.build,
                                              .target = request.host().target(),
                                              .domain = domain}),
                    .key = {},
                    .graph = graph,
                    .signature = signature,
                    .domain = domain,
                    .symbol_values = {request.symbol_values().begin(), request.symbol_values().end()},
                    .host = HostClass(request.host()),
                    .have = std::move(have),
                    .job = request.header().job(),
                    .request = front.better == nullptr ? std::nullopt : std::optional(request)};
  KILN_ASSIGN_OR_RETURN(question.key, KeyOf(question.components));
  return question;
}

v1::LookupResponse Reply(Front& front, const v1::LookupRequest& request, const Question& question,
                         const CacheAnswer& answer) {
  Remember(front, request, question.components, answer);
  v1::LookupResponse response;
  response.set_graph_known(front.graphs->HasGraph(GraphName(question.domain, question.graph, question.signature)));
  if (answer.hit.has_value()) {
    response.set_found(true);
    front.cache->Pin(question.job, *answer.hit->variant);
    if (question.request.has_value()) front.better->Consider(*question.request, *answer.hit->variant);
    *response.mutable_variant() = MakeVariantReply(*answer.hit, question.have);
    return response;
  }
  for (v1::MissReason reason : answer.reasons) response.add_reasons(reason);
  return response;
}

}  // namespace

void Lookup(Front& front, const v1::LookupRequest& request,
            std::function<void(const absl::Status&, const v1::LookupResponse&)> done) {
  absl::StatusOr<Question> question = Check(front, request);
  if (!question.ok()) return done(question.status(), v1::LookupResponse());
  const absl::StatusOr<CacheAnswer> answer = front.cache->Lookup(
      question->key, question->symbol_values, question->host, /*count=*/true, &question->components);
  if (!answer.ok()) return done(answer.status(), v1::LookupResponse());
  if (!answer->elsewhere) {
    if (answer->hit.has_value()) front.shared->RefreshIfStale(question->domain, question->key);
    return done(answer.status(), Reply(front, request, *question, *answer));
  }
  auto kept = std::make_shared<const Question>(*std::move(question));
  auto asked = std::make_shared<const v1::LookupRequest>(request);
  front.shared->AfterSync(
      kept->domain, kept->key, SharedIndex::When::kIfDue, [&front, kept, asked, done = std::move(done)] {
        const absl::StatusOr<CacheAnswer> shared = front.cache->LookupShared(
            kept->key, kept->symbol_values, kept->host, /*count=*/true, &kept->components);
        done(shared.status(), shared.ok() ? Reply(front, *asked, *kept, *shared) : v1::LookupResponse());
      });
}

}  // namespace kiln
