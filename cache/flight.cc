#include "cache/flight.h"

#include <utility>

#include "base/error.h"
#include "cache/flights_rep.h"

namespace kiln {

Flights::Flights(const Clock* clock, LastLook last_look)
    : rep_(std::make_shared<Rep>(clock, std::move(last_look))) {}
Flights::~Flights() { rep_->Shutdown(); }

WaiterId Flights::Join(FlightRequest request, FlightCallbacks callbacks) {
  return rep_->Join(std::move(request), std::move(callbacks));
}
bool Flights::Leave(WaiterId waiter) { return rep_->Leave(waiter); }
absl::Duration Flights::Expire() { return rep_->Expire(); }
void Flights::Shutdown() { rep_->Shutdown(); }
int64_t Flights::num_flights() const { return rep_->num_flights(); }
int64_t Flights::num_waiters() const { return rep_->num_waiters(); }
int64_t Flights::num_joined() const { return rep_->num_joined(); }

Flight::Flight(std::shared_ptr<Flights::Rep> rep, uint64_t id, FlightRequest request)
    : rep_(std::move(rep)), id_(id), request_(std::move(request)) {}

Flight::~Flight() {
  rep_->Fail(id_, MakeError(ErrorReason::kWorkerCrashed, "the compile ended without a result"));
}

void Flight::OnCancel(std::function<void()> cancel) { rep_->OnCancel(id_, std::move(cancel)); }

bool Flight::Propagated(std::vector<v1::Guard> guards, double estimated_seconds,
                        const std::function<void(bool)>& decided) {
  return rep_->Propagated(id_, std::move(guards), estimated_seconds, decided);
}

void Flight::Found(const CacheHit& hit) { rep_->Land(id_, hit, /*last_looked=*/true); }

void Flight::Compiled(const IndexedVariantPtr& variant, ArtifactBytes elf) {
  rep_->Land(id_, CacheHit{variant, std::move(elf), v1::TIER_COMPILED}, /*last_looked=*/false);
}

void Flight::Failed(absl::Status status) { rep_->Fail(id_, status); }

}  // namespace kiln
