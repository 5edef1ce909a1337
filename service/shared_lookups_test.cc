#include "service/shared_lookups.h"

#include <atomic>
#include <memory>

#include "absl/synchronization/notification.h"
#include "base/testing/fake_clock.h"
#include "cache/memory_store.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/memory_shared_tier.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using When = SharedIndex::When;

class SharedLookupsTest : public testing::Test {
 protected:
  // Keeps the queue's only thread until `resume_`.
  void Occupy() {
    queue_->Submit([this](absl::Status) { resume_.WaitForNotification(); });
  }
  // Waits until the queue has done all that it was given so far.
  void Finish() {
    absl::Notification done;
    queue_->Submit([&done](absl::Status) { done.Notify(); });
    done.WaitForNotification();
  }

  FakeClock clock_;
  const SigningKey key_ = SigningKey::Generate();
  const VariantKey log_ = MakeKey("g");
  const std::shared_ptr<MemorySharedTier> tier_ = std::make_shared<MemorySharedTier>();
  const std::unique_ptr<VariantCache> cache_ = *VariantCache::Open(
      std::make_unique<MemoryStore>(1 << 20), std::make_shared<DropLog>(),
      std::make_unique<SharedIndex>(tier_, Trusting(key_), SharedIndexOptions(), &clock_));
  absl::Notification resume_;
  std::unique_ptr<TaskQueue> queue_ =
      std::make_unique<TaskQueue>(TaskQueue::Options{.name = "tests", .threads = 1, .max_queued = 100}, &clock_);
  SharedLookups lookups_{cache_.get(), queue_.get()};
};

TEST_F(SharedLookupsTest, AHerdIsOneReading) {
  Occupy();
  std::atomic<int> called{0};
  for (int i = 0; i < 1000; ++i) lookups_.AfterSync("", log_, When::kNow, [&] { ++called; });
  EXPECT_EQ(lookups_.num_waiting(), 1000);
  EXPECT_EQ(called, 0);
  resume_.Notify();
  Finish();
  EXPECT_EQ(called, 1000);
  EXPECT_EQ(tier_->reads, 1);
  EXPECT_EQ(lookups_.num_waiting(), 0);
}

TEST_F(SharedLookupsTest, WhoComesAfterAReadingBeganGetsAnother) {
  std::atomic<int> called{0};
  // From inside the first one's turn.
  lookups_.AfterSync("", log_, When::kNow, [&] {
    ++called;
    lookups_.AfterSync("", log_, When::kNow, [&] { ++called; });
  });
  Finish();
  Finish();
  EXPECT_EQ(called, 2);
  EXPECT_EQ(tier_->reads, 2);
}

TEST_F(SharedLookupsTest, WhoMustKnowMakesTheReadingOne) {
  ASSERT_TRUE(cache_->Sync("", log_, When::kNow).ok());
  Occupy();
  lookups_.AfterSync("", log_, When::kIfDue, [] {});
  lookups_.AfterSync("", log_, When::kNow, [] {});
  resume_.Notify();
  Finish();
  EXPECT_EQ(tier_->reads, 2);
}

TEST_F(SharedLookupsTest, AFullQueueAnswersAtOnceWithoutAReading) {
  Occupy();
  while (queue_->num_running() == 0) {
  }
  for (int i = 0; i < 100; ++i) lookups_.AfterSync("", MakeKey(std::to_string(i)), When::kNow, [] {});
  bool called = false;
  lookups_.AfterSync("", log_, When::kNow, [&] { called = true; });
  EXPECT_TRUE(called);
  resume_.Notify();
  queue_.reset();
  EXPECT_EQ(lookups_.num_waiting(), 0);
}

TEST_F(SharedLookupsTest, AShutDownQueueAnswersAtOnce) {
  queue_->ShutDown();
  bool called = false;
  lookups_.AfterSync("", log_, When::kNow, [&] { called = true; });
  EXPECT_TRUE(called);
  EXPECT_EQ(tier_->reads, 0);
}

TEST_F(SharedLookupsTest, AHitCausesOneRefreshWhenOneIsDue) {
  for (int i = 0; i < 100; ++i) lookups_.RefreshIfStale("", log_);
  Finish();
  for (int i = 0; i < 100; ++i) lookups_.RefreshIfStale("", log_);
  Finish();
  // The first that was read was from the start; those queued meanwhile found it done.
  EXPECT_EQ(tier_->reads, 1);
  clock_.Advance(absl::Minutes(10));
  lookups_.RefreshIfStale("", log_);
  Finish();
  EXPECT_EQ(tier_->reads, 2);
}

}  // namespace
}  // namespace kiln
