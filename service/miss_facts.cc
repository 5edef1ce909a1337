#include "service/miss_facts.h"

#include <utility>

#include "cache/nearest_entry.h"

namespace kiln {
namespace {

// Source lines beyond this are left out: the facts of many requests are kept.
constexpr size_t kMaxLineBytes = size_t{1} << 20;

size_t SizeOfStrings(const std::vector<std::string>& strings) {
  size_t bytes = strings.size() * sizeof(std::string);
  for (const std::string& s : strings) bytes += s.size();
  return bytes;
}

}  // namespace

MissFacts FactsOfMiss(const GuardIndex& index, const PreparedCompile& request, std::vector<v1::MissReason> reasons) {
  NearestEntry nearest =
      FindNearest(index, {request.components, request.symbol_values, *request.host_class, request.sketch});
  const bool is_unknown = reasons == std::vector{v1::MISS_REASON_UNKNOWN_KEY};
  if (is_unknown && !nearest.reasons.empty()) reasons = std::move(nearest.reasons);
  MissFacts facts = {.key = request.components,
                     .reasons = std::move(reasons),
                     .nearest = std::move(nearest.variant),
                     .symbol_values = request.symbol_values,
                     .options = request.options,
                     .host = request.host};
  if (SizeOfStrings(request.locations) + SizeOfStrings(request.input_names) > kMaxLineBytes) return facts;
  facts.locations = request.locations;
  facts.original_nodes = request.original_nodes;
  facts.input_names = request.input_names;
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
  bytes += facts.symbol_values.size() * sizeof(int64_t) + facts.original_nodes.size() * sizeof(int);
  return bytes + SizeOfStrings(facts.locations) + SizeOfStrings(facts.input_names);
}

}  // namespace kiln
