#include "compiler/stage_clock.h"

#include "absl/time/clock.h"

namespace kiln {

StageClock::StageClock() : last_(absl::Now()) {}

void StageClock::Finish(absl::string_view stage) {
  const absl::Time now = absl::Now();
  v1::StageTime time;
  time.set_stage(std::string(stage));
  time.set_milliseconds(absl::ToDoubleMilliseconds(now - last_));
  times_.push_back(std::move(time));
  last_ = now;
}

void StageClock::Skip() { last_ = absl::Now(); }

}  // namespace kiln
