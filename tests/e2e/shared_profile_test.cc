// Two replicas and a real redis-server: which sizes vary is known to both, as soon as
// it is known from what both were asked.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/testing/redis_process.h"
#include "cache/testing/temp_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/read_metrics.h"
#include "tests/e2e/server_process.h"
#include "tests/e2e/shape_jobs.h"
#include "tests/e2e/test_client.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

constexpr int kThreshold = 4;

class SharedProfileTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(redis_, nullptr);
    for (int i = 0; i < 2; ++i) {
      replicas_.push_back(ServerProcess::Start(
          absl::StrCat(folder_.path(), "/", i),
          {absl::StrCat("--key=", folder_.path(), "/key"), absl::StrCat("--redis=", redis_->url()),
           absl::StrCat("--shape_threshold=", kThreshold)}));
      ASSERT_NE(replicas_.back(), nullptr);
    }
  }
  const std::string& Address(int64_t at) const { return replicas_[static_cast<size_t>(at)]->address(); }
  int64_t Compiles() const {
    return TestClient(Address(0)).Counters().compiles() + TestClient(Address(1)).Counters().compiles();
  }
  int64_t Sum(const std::string& what) const {
    const std::string metric = absl::StrCat("kiln_shared_shapes_total{what=\"", what, "\"}");
    return ReadMetric(replicas_[0]->metrics_url(), metric) + ReadMetric(replicas_[1]->metrics_url(), metric);
  }

  TempFolder folder_;
  std::unique_ptr<RedisProcess> redis_ = RedisProcess::Start();
  std::vector<std::unique_ptr<ServerProcess>> replicas_;
};

TEST_F(SharedProfileTest, JobsOfBothReplicasCountTogether) {
  for (int64_t length = 2; length < 42; ++length) {
    ASSERT_TRUE(RunShapeJob(Address(length % 2), length).ok()) << length;
  }
  EXPECT_EQ(Sum("failed"), 0);
  // Three with their number, the fourth symbolic; and that serves all others.
  EXPECT_EQ(Compiles(), kThreshold);
  EXPECT_THAT(VaryingSizes(Address(0)), ElementsAre("input 0:0"));
  EXPECT_THAT(VaryingSizes(Address(1)), ElementsAre("input 0:0"));
  // After the threshold nothing more is said.
  EXPECT_EQ(Sum("told"), kThreshold);
}

TEST_F(SharedProfileTest, WithoutRedisEachGoesOnByItself) {
  ASSERT_TRUE(RunShapeJob(Address(0), 2).ok());
  redis_->KillHard();
  for (int64_t length = 3; length < 2 + kThreshold; ++length) {
    ASSERT_TRUE(RunShapeJob(Address(0), length).ok()) << length;
  }
  EXPECT_THAT(VaryingSizes(Address(0)), ElementsAre("input 0:0"));
  ASSERT_TRUE(RunShapeJob(Address(1), 2).ok());
  EXPECT_THAT(VaryingSizes(Address(1)), ElementsAre());
  EXPECT_GT(Sum("failed"), 0);
}

}  // namespace
}  // namespace kiln
