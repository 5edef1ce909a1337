#include "service/look_again.h"

#include "absl/status/statusor.h"
#include "service/better_compiles.h"

namespace kiln {
namespace {

std::optional<CacheHit> HitOf(const absl::StatusOr<CacheAnswer>& answer, const FlightRequest& request) {
  if (!answer.ok() || !answer->hit.has_value()) return std::nullopt;
  if (request.wants_better && IsLesser(answer->hit->variant->record, *request.host)) return std::nullopt;
  return answer->hit;
}

}  // namespace

std::optional<CacheHit> LookAgainHere(Front& front, const FlightRequest& request) {
  return HitOf(front.cache->Lookup(request.key, request.symbol_values, *request.host, /*count=*/false), request);
}

std::optional<CacheHit> LookAgainEverywhere(Front& front, const FlightRequest& request) {
  if (!front.cache->has_shared()) return LookAgainHere(front, request);
  // A tier that fails has no news.
  front.cache->Sync(request.domain, request.key, SharedIndex::When::kNow).IgnoreError();
  return HitOf(front.cache->LookupShared(request.key, request.symbol_values, *request.host, /*count=*/false), request);
}

}  // namespace kiln
