// What a server tells about itself: metrics, health, its tables.
#include <string>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "compiler/artifact/signed_variant.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/read_metrics.h"
#include "tests/e2e/service_fixture.h"

namespace kiln {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using ServerReportTest = ServiceTest;

TEST_F(ServerReportTest, MetricsAreTheSameNumbers) {
  ASSERT_TRUE(Compile({{"guards", "s0 <= 64;s1 != 3"}}).ok());
  ASSERT_TRUE(Compile({{"guards", "s0 <= 64;s1 != 3"}}).ok());
  Compile({{"behave", "abort"}});
  const v1::ServerCounters counters = client_->Counters();
  EXPECT_EQ(counters.guards(), 2);
  const std::string page = ReadMetrics(server_->metrics_url());
  for (const std::string& line :
       {absl::StrCat("kiln_compiles_total ", counters.compiles()),
        absl::StrCat("kiln_cache_hits_total{tier=\"memory\"} ", counters.hits_memory()),
        absl::StrCat("kiln_artifact_bytes ", counters.artifact_bytes()),
        absl::StrCat("kiln_guards_total ", counters.guards()), std::string("kiln_flights 0"),
        std::string("kiln_compile_failures_total{reason=\"WORKER_CRASHED\"} 1"),
        std::string("kiln_requests_total{code=\"OK\",rpc=\"Compile\"} 2"),
        std::string("kiln_compile_stage_seconds_total{stage=\"codegen\"} ")}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST_F(ServerReportTest, TheStandardHealthServiceAnswers) {
  std::string response;
  ASSERT_TRUE(client_->CallRaw("/grpc.health.v1.Health/Check", "", &response).ok());
  // status: SERVING
  EXPECT_EQ(response, "\x08\x01");
}

TEST_F(ServerReportTest, ServerInfoHasTheTables) {
  const v1::GetServerInfoResponse info = client_->ServerInfo();
  EXPECT_EQ(info.compiler_build(), "fake-1");
  EXPECT_THAT(info.target_families(), ElementsAre("cpu/x86_64", "cpu/aarch64"));
  EXPECT_EQ(info.limits_size(), static_cast<int>(Limits().size()));
  EXPECT_EQ(info.options_size(), 10);
  EXPECT_THAT(info.capabilities(), Contains("compile-by-digest"));
  EXPECT_EQ(info.public_keys(0).size(), kPublicKeyBytes);
}

}  // namespace
}  // namespace kiln
