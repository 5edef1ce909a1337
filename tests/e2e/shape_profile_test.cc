// A fleet of jobs that write their sizes as numbers: the server tells which vary.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/service_fixture.h"
#include "tests/e2e/shape_jobs.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

class ShapeProfileTest : public ServerTest {
 protected:
  absl::Status RunJob(int64_t length, const std::string& domain = "") {
    return RunShapeJob(server_->address(), length, domain);
  }
  std::vector<std::string> Varying(const std::string& domain = "") {
    return VaryingSizes(server_->address(), domain);
  }
};

TEST_F(ShapeProfileTest, AThousandJobsOfOneLengthEachMakeTwoVariants) {
  for (int64_t length = 2; length < 1002; ++length) ASSERT_TRUE(RunJob(length).ok()) << length;
  // The first with its number, and the symbolic one.
  EXPECT_EQ(client_->Counters().compiles(), 2);
  EXPECT_THAT(Varying(), ElementsAre("input 0:0"));
}

TEST_F(ShapeProfileTest, DomainsLearnNothingFromOneAnother) {
  ASSERT_TRUE(RunJob(8, "red").ok());
  ASSERT_TRUE(RunJob(9, "blue").ok());
  EXPECT_THAT(Varying("red"), ElementsAre());
  EXPECT_THAT(Varying("blue"), ElementsAre());
}

TEST_F(ShapeProfileTest, TheProfileOutlivesTheServer) {
  ASSERT_TRUE(RunJob(8).ok());
  ASSERT_TRUE(RunJob(9).ok());
  ASSERT_EQ(server_->Stop(), 0);
  Restart();
  EXPECT_THAT(Varying(), ElementsAre("input 0:0"));
}

TEST_F(ShapeProfileTest, BadRequestsSayWhatIsWrong) {
  struct Case {
    v1::ProfileShapesRequest request;
    std::string reason;
  };
  v1::ProfileShapesRequest good;
  good.set_subject(std::string(32, 's'));
  good.add_observations()->set_source("x");
  good.mutable_observations(0)->add_sizes(8);
  std::vector<Case> cases(6, {good, "MALFORMED_MESSAGE"});
  cases[0].request.set_subject("short");
  cases[1].request.clear_subject();
  cases[2].request.mutable_observations(0)->clear_source();
  cases[3].request.mutable_observations(0)->set_is_scalar(true);
  cases[3].request.mutable_observations(0)->add_sizes(9);
  cases[4].request.mutable_observations(0)->add_valid();
  cases[4].request.mutable_observations(0)->add_valid();
  cases[5].reason = "LIMIT_EXCEEDED";
  for (int i = 0; i < 5000; ++i) *cases[5].request.add_observations() = good.observations(0);
  for (const Case& c : cases) {
    EXPECT_EQ(ReasonOf(client_->CallRaw("ProfileShapes", c.request.SerializeAsString())), c.reason);
  }
  EXPECT_EQ(ReasonOf(client_->CallRaw("ProfileShapes", good.SerializeAsString())), "OK");
}

}  // namespace
}  // namespace kiln
