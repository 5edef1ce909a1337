#include "cache/redis/circuit_breaker.h"

#include "base/testing/fake_clock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

class CircuitBreakerTest : public testing::Test {
 protected:
  void Open() {
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(breaker_.Allow());
      breaker_.Fail();
    }
  }
  // Longer than any jitter of `wait`.
  void Pass(absl::Duration wait) { clock_.Advance(wait * 1.25); }

  FakeClock clock_;
  CircuitBreaker breaker_{{.failures_to_open = 3, .first_wait = absl::Seconds(1), .max_wait = absl::Seconds(4)},
                          &clock_};
};

TEST_F(CircuitBreakerTest, OpensAfterFailuresInARow) {
  for (int i = 0; i < 2; ++i) breaker_.Fail();
  breaker_.Succeed();
  for (int i = 0; i < 2; ++i) breaker_.Fail();
  EXPECT_TRUE(breaker_.Allow());
  EXPECT_EQ(breaker_.state(), BreakerState::kClosed);
  breaker_.Fail();
  EXPECT_FALSE(breaker_.Allow());
  EXPECT_EQ(breaker_.state(), BreakerState::kOpen);
  EXPECT_EQ(breaker_.num_opened(), 1);
}

TEST_F(CircuitBreakerTest, LetsOneTryWhenItsTimeIsUp) {
  Open();
  clock_.Advance(absl::Seconds(1) * 0.7);
  EXPECT_FALSE(breaker_.Allow());
  Pass(absl::Seconds(1));
  EXPECT_EQ(breaker_.state(), BreakerState::kHalfOpen);
  EXPECT_TRUE(breaker_.Allow());
  EXPECT_FALSE(breaker_.Allow());
  EXPECT_EQ(breaker_.state(), BreakerState::kHalfOpen);
  breaker_.Succeed();
  EXPECT_EQ(breaker_.state(), BreakerState::kClosed);
  EXPECT_TRUE(breaker_.Allow());
  EXPECT_TRUE(breaker_.Allow());
}

TEST_F(CircuitBreakerTest, AFailedTryDoublesTheTimeUpToItsBound) {
  Open();
  for (int seconds : {1, 2, 4, 4}) {
    clock_.Advance(absl::Seconds(seconds) * 0.7);
    EXPECT_FALSE(breaker_.Allow()) << seconds;
    Pass(absl::Seconds(seconds));
    ASSERT_TRUE(breaker_.Allow()) << seconds;
    breaker_.Fail();
  }
  // One opening, however often it was tried.
  EXPECT_EQ(breaker_.num_opened(), 1);
}

TEST_F(CircuitBreakerTest, WhoNeverSaysHowItWentKeepsNobodyOutForLong) {
  Open();
  Pass(absl::Seconds(1));
  ASSERT_TRUE(breaker_.Allow());
  clock_.Advance(absl::Seconds(4));
  EXPECT_TRUE(breaker_.Allow());
}

TEST_F(CircuitBreakerTest, CallsThatBeganBeforeItOpenedChangeNothing) {
  Open();
  for (int i = 0; i < 10; ++i) breaker_.Fail();
  Pass(absl::Seconds(1));
  EXPECT_TRUE(breaker_.Allow());
}

}  // namespace
}  // namespace kiln
