// The one thread that speaks with the fleet for all flights of a process.
#ifndef KILN_CACHE_FLEET_THREAD_H_
#define KILN_CACHE_FLEET_THREAD_H_

#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "cache/fleet_flights.h"

namespace kiln {

// Thread-safe. Waits by the machine's clock.
class FleetThread {
 public:
  FleetThread(FleetOptions options, std::unique_ptr<FleetLeases> leases, FleetFlights::Look look);
  // Ends the thread, then releases what is held. Compiles must have ended.
  ~FleetThread();

  FleetFlights& flights() { return flights_; }

 private:
  void Run();
  void Wake();

  // Constant after construction.
  const std::unique_ptr<FleetLeases> leases_;

  absl::Mutex mutex_;
  bool is_woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool ends_ ABSL_GUARDED_BY(mutex_) = false;

  FleetFlights flights_;
  std::thread thread_;
};

}  // namespace kiln

#endif  // KILN_CACHE_FLEET_THREAD_H_
