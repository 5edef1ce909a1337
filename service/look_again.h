// What a flight's leader finds of a variant that was published since its request
// missed: here, or by another replica.
#ifndef KILN_SERVICE_LOOK_AGAIN_H_
#define KILN_SERVICE_LOOK_AGAIN_H_

#include <optional>

#include "cache/flight.h"
#include "service/front.h"

namespace kiln {

// In this process's own tiers. Quick; counts nothing.
std::optional<CacheHit> LookAgainHere(Front& front, const FlightRequest& request);

// In the tier that replicas share too, whatever was read of it lately. Blocks for a
// bounded time; counts nothing.
std::optional<CacheHit> LookAgainEverywhere(Front& front, const FlightRequest& request);

}  // namespace kiln

#endif  // KILN_SERVICE_LOOK_AGAIN_H_
