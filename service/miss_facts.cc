#include "service/miss_facts.h"

#include <utility>

#include "cache/nearest_entry.h"

namespace kiln {
namespace {

// Source lines beyond this are left out: the facts of many requests are kept.
constexpr size_t kMaxLineBytes = size_t{1} << 20;

}  // namespace

MissFacts FactsOfMiss(const GuardIndex& index, const PreparedCompile& request, std::vector<v1::MissReason> reasons) {
  NearestEntry nearest =
      FindNearest(index, {request.components, request.graph->symbol_values, *request.host_class, request.graph->sketch});
  const bool is_unknown = reasons == std::vector{v1::MISS_REASON_UNKNOWN_KEY};
  if (is_unknown && !nearest.reasons.empty()) reasons = std::move(nearest.reasons);
  MissFacts facts = {.key = request.components,
                     .reasons = std::move(reasons),
                     .nearest = std::move(nearest.variant),
                     .symbol_values = request.graph->symbol_values,
                     .options = request.options,
                     .host = request.host};
  if (request.graph->source->SizeOfText() <= kMaxLineBytes) facts.source = request.graph->source;
  return facts;
}

MissFacts FactsOfMiss(const v1::LookupRequest& request, const v1::KeyComponents& key, const CacheAnswer& answer) {
  return {.key = key,
          .reasons = answer.reasons,
          .nearest = answer.nearest,
          .symbol_values = {request.symbol_values().begin(), request.symbol_values().end()},
          .options = {request.options().values().begin(), request.options().values().end()},
          .host = request.host()};
}

size_t SizeOfFacts(const MissFacts& facts) {
  size_t bytes = sizeof(facts) + facts.key.ByteSizeLong() + facts.host.ByteSizeLong();
  for (const auto& [name, value] : facts.options) bytes += name.size() + value.size() + sizeof(std::string) * 2;
  bytes += facts.symbol_values.size() * sizeof(int64_t) + facts.source->original_nodes.size() * sizeof(int);
  return bytes + facts.source->SizeOfText();
}

}  // namespace kiln
