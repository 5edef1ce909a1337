#include "service/task_queue.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "base/error.h"
#include "base/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

// A queue whose only thread is kept busy until Release().
class TaskQueueTest : public testing::Test {
 protected:
  TaskQueueTest() : queue_({"compiles", 1, 2, absl::Seconds(60)}, &clock_) {
    queue_.Submit([this](absl::Status) {
      busy_.Notify();
      release_.WaitForNotification();
    });
    busy_.WaitForNotification();
  }
  ~TaskQueueTest() override {
    if (!release_.HasBeenNotified()) release_.Notify();
  }

  void Submit(const std::string& name, std::shared_ptr<const CancelSignal> cancel = nullptr) {
    queue_.Submit(
        [this, name](absl::Status admission) {
          absl::MutexLock lock(&mutex_);
          const std::optional<ErrorReason> reason = GetErrorReason(admission);
          heard_.push_back(name + ":" + (reason ? std::string(GetErrorReasonRow(*reason).name) : "OK"));
        },
        std::move(cancel));
  }
  std::vector<std::string> Heard() {
    absl::MutexLock lock(&mutex_);
    return heard_;
  }

  FakeClock clock_;
  absl::Notification busy_, release_;
  absl::Mutex mutex_;
  std::vector<std::string> heard_;
  TaskQueue queue_;
};

TEST_F(TaskQueueTest, TurnsAwayWhatDoesNotFit) {
  Submit("a");
  Submit("b");
  Submit("c");
  EXPECT_THAT(Heard(), testing::ElementsAre("c:OVERLOADED"));
  EXPECT_EQ(queue_.num_queued(), 2);
}

TEST_F(TaskQueueTest, NobodyWaitsLongerThanTheLimit) {
  Submit("a");
  clock_.Advance(absl::Seconds(30));
  Submit("b");
  clock_.Advance(absl::Seconds(31));
  queue_.Prune();
  EXPECT_THAT(Heard(), testing::ElementsAre("a:OVERLOADED"));
  EXPECT_EQ(queue_.num_queued(), 1);
}

TEST_F(TaskQueueTest, WhatIsCancelledMakesRoom) {
  auto cancel = std::make_shared<CancelSignal>();
  Submit("a", cancel);
  Submit("b");
  cancel->Cancel();
  queue_.Prune();
  Submit("c");
  EXPECT_THAT(Heard(), testing::ElementsAre("a:REQUEST_CANCELLED"));
}

TEST_F(TaskQueueTest, ShutDownEndsWhatWaitsAndWhatComes) {
  Submit("a");
  queue_.ShutDown();
  Submit("b");
  EXPECT_THAT(Heard(), testing::ElementsAre("a:SHUTTING_DOWN", "b:SHUTTING_DOWN"));
}

TEST_F(TaskQueueTest, RunsInOrderWhenAThreadIsFree) {
  absl::Notification last;
  Submit("a");
  queue_.Submit([&](absl::Status) { last.Notify(); });
  release_.Notify();
  last.WaitForNotification();
  EXPECT_THAT(Heard(), testing::ElementsAre("a:OK"));
}

}  // namespace
}  // namespace kiln
