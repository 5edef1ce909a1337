#include "service/front.h"

#include <memory>

#include "absl/synchronization/notification.h"
#include "base/error.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

// A task that goes on while the front goes asks what queues do, and has others do things.
TEST(FrontTest, TasksThatRunWhileItGoesFindItsQueues) {
  auto front = std::make_unique<Front>(Clock::Real());
  Front& parts = *front;
  for (auto queue : {&Front::imports, &Front::propagations, &Front::compiles, &Front::shared_calls}) {
    parts.*queue = std::make_unique<TaskQueue>(TaskQueue::Options{.name = "tests", .max_queued = 10}, Clock::Real());
  }
  int64_t running = 0;
  absl::Status refused;
  absl::Notification begins;
  parts.compiles->Submit([&](absl::Status) {
    begins.Notify();
    // Its turn does not come before this one ends: it is turned away when the queue ends.
    absl::Notification ends;
    parts.compiles->Submit([&](absl::Status) { ends.Notify(); });
    ends.WaitForNotification();
    running = parts.compiles->num_running();
    parts.imports->Submit([&](absl::Status admission) { refused = admission; });
  });
  begins.WaitForNotification();
  front.reset();
  EXPECT_EQ(running, 1);
  EXPECT_EQ(GetErrorReason(refused), ErrorReason::kShuttingDown);
}

}  // namespace
}  // namespace kiln
