// One flight's compile, on a thread of the compile queue: a worker is started,
// heard, checked; what it made is signed and published; the flight is told. Where
// there is a fleet, another replica may do it instead (cache/fleet_flights.h).
#ifndef KILN_SERVICE_RUN_COMPILE_H_
#define KILN_SERVICE_RUN_COMPILE_H_

#include <memory>

#include "cache/flight.h"
#include "service/front.h"
#include "service/prepared_compile.h"

namespace kiln {

// Queues the compile of `request`, whose flight it leads, once the fleet has nothing
// against it. Returns at once; the flight hears of everything, refusal by the queue
// included. `front` must outlive the queue and the fleet.
void StartCompile(Front& front, std::shared_ptr<Flight> flight, std::shared_ptr<const PreparedCompile> request);

}  // namespace kiln

#endif  // KILN_SERVICE_RUN_COMPILE_H_
