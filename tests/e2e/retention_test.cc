// What a server keeps when it cannot keep all: pins of jobs, what leaves, and what is
// compiled anew because it could be better.
#include <unistd.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/service_fixture.h"

namespace kiln {
namespace {

class RetentionTest : public ServerTest {
 protected:
  // Room for some five artifacts of 100,000 bytes.
  RetentionTest() : ServerTest({"--compiler=fake", "--disk_bytes=500000", "--memory_bytes=1"}) {}

  static v1::CompileRequest RequestOf(int i, const std::string& job = "") {
    v1::CompileRequest request = RequestFor(kAdd, kSizes, {{"bytes", absl::StrCat(100000 + i)}, {"ms", "1"}});
    request.mutable_header()->set_job(job);
    return request;
  }
  CompileAnswer Compile(int i, const std::string& job = "") { return client_->Compile(RequestOf(i, job)); }
};

TEST_F(RetentionTest, WhatAJobUsesStaysAndOthersLeave) {
  ASSERT_TRUE(Compile(0, "job-17").ok());
  for (int i = 1; i < 12; ++i) ASSERT_TRUE(Compile(i).ok());
  EXPECT_EQ(Compile(0).tier(), v1::TIER_DISK);
  EXPECT_EQ(Compile(1).tier(), v1::TIER_COMPILED);
  const v1::ServerCounters counters = client_->Counters();
  EXPECT_GT(counters.evicted_bytes(), 500000);
  EXPECT_GT(counters.evicted_compile_seconds(), 0);
  EXPECT_GE(counters.pinned_bytes(), 100000);
  EXPECT_LT(counters.pinned_bytes(), 110000);
  EXPECT_EQ(counters.pins_refused(), 0);
  EXPECT_GT(counters.compile_seconds_spent(), counters.compile_seconds_saved());
  EXPECT_GT(counters.compile_seconds_saved(), 0);
}

TEST_F(RetentionTest, PinsAndUsesOutliveAKilledServer) {
  ASSERT_TRUE(Compile(0, "job-17").ok());
  Restart();
  for (int i = 1; i < 12; ++i) ASSERT_TRUE(Compile(i).ok());
  EXPECT_EQ(Compile(0).tier(), v1::TIER_DISK);
}

TEST_F(RetentionTest, PinsBeyondTheBoundAreRefusedAndAnswered) {
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(Compile(i, "greedy").ok());
  const v1::ServerCounters counters = client_->Counters();
  // A job may hold three eighths.
  EXPECT_GT(counters.pins_refused(), 0);
  EXPECT_LE(counters.pinned_bytes(), 500000 / 4 * 3 / 2);
  EXPECT_LE(counters.artifact_bytes(), 620000);
}

TEST_F(RetentionTest, ALookupPinsToo) {
  const CompileAnswer answer = Compile(0);
  ASSERT_TRUE(answer.ok());
  v1::LookupResponse found;
  ASSERT_TRUE(client_->Lookup(LookupFor(RequestOf(0, "job-17"), answer, {8, 16}), found).ok());
  ASSERT_TRUE(found.found());
  EXPECT_GT(client_->Counters().pinned_bytes(), 0);
}

class BetterIsaTest : public ServerTest {
 protected:
  BetterIsaTest() : ServerTest({"--compiler=fake", "--better_isa"}) {}

  static v1::CompileRequest RequestOn(std::vector<std::string> features) {
    v1::CompileRequest request = RequestFor(kAdd, kSizes);
    request.mutable_host()->mutable_target()->clear_features();
    for (std::string& feature : features) request.mutable_host()->mutable_target()->add_features(std::move(feature));
    return request;
  }
  int64_t AwaitBetter(int64_t count) {
    for (int i = 0; i < 1000 && client_->Counters().better_compiles() < count; ++i) usleep(5000);
    return client_->Counters().better_compiles();
  }
};

TEST_F(BetterIsaTest, AClientThatGotALesserOneHasABetterOneCompiledBehindItsBack) {
  ASSERT_EQ(client_->Compile(RequestOn({"avx", "sse4.2"})).tier(), v1::TIER_COMPILED);
  const v1::CompileRequest better_host = RequestOn({"avx", "avx2", "fma", "sse4.2"});
  // Served at once, with what there is.
  const CompileAnswer lesser = client_->Compile(better_host);
  EXPECT_EQ(lesser.tier(), v1::TIER_MEMORY);
  EXPECT_THAT(lesser.record().preimage().features(), testing::Not(testing::Contains("avx2")));
  EXPECT_EQ(AwaitBetter(1), 1);
  const CompileAnswer better = client_->Compile(better_host);
  EXPECT_EQ(better.tier(), v1::TIER_MEMORY);
  EXPECT_THAT(better.record().preimage().features(), testing::Contains("avx2"));
  EXPECT_EQ(client_->Counters().compiles(), 2);
}

TEST_F(BetterIsaTest, ALookupIsEnough) {
  const CompileAnswer answer = client_->Compile(RequestOn({"avx", "sse4.2"}));
  ASSERT_TRUE(answer.ok());
  v1::LookupResponse found;
  ASSERT_TRUE(client_->Lookup(LookupFor(RequestOn({"avx", "avx2", "sse4.2"}), answer, {8, 16}), found).ok());
  EXPECT_TRUE(found.found());
  EXPECT_EQ(AwaitBetter(1), 1);
}

// What is no use to loops is no reason to compile again.
TEST_F(BetterIsaTest, OtherFeaturesAreNoReason) {
  ASSERT_TRUE(client_->Compile(RequestOn({"avx2", "fma"})).ok());
  EXPECT_EQ(client_->Compile(RequestOn({"avx2", "fma", "aes"})).tier(), v1::TIER_MEMORY);
  EXPECT_EQ(client_->Compile(RequestOn({"avx2", "fma"})).tier(), v1::TIER_MEMORY);
  EXPECT_EQ(client_->Counters().better_compiles(), 0);
  EXPECT_EQ(client_->Counters().compiles(), 1);
}

}  // namespace
}  // namespace kiln
