// Compiling and looking up: what is served from where, and who shares one compile.
#include <atomic>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "compiler/artifact/read_manifest.h"
#include "compiler/artifact/signed_variant.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/service_fixture.h"

namespace kiln {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

TEST_F(ServiceTest, CompilesOnceThenServesFromMemory) {
  const CompileAnswer first = Compile();
  ASSERT_TRUE(first.ok()) << first.status;
  EXPECT_EQ(first.tier(), v1::TIER_COMPILED);
  const CompileAnswer second = Compile();
  ASSERT_TRUE(second.ok()) << second.status;
  EXPECT_EQ(second.tier(), v1::TIER_MEMORY);
  EXPECT_EQ(second.result.variant().artifact(), first.result.variant().artifact());
  EXPECT_EQ(client_->Counters().compiles(), 1);
}

TEST_F(ServiceTest, TheRecordSaysEverythingAndIsSigned) {
  v1::CompileRequest request = RequestFor(kAdd, kSizes, {{"guards", "s0 <= 64"}});
  request.mutable_header()->set_domain("tenant");
  const CompileAnswer answer = client_->Compile(request);
  ASSERT_TRUE(answer.ok()) << answer.status;
  TrustedKeys trusted;
  ASSERT_TRUE(trusted.Add(client_->ServerInfo().public_keys(0)).ok());
  absl::StatusOr<v1::VariantRecord> record = trusted.Open(answer.result.variant().signed_());
  ASSERT_TRUE(record.ok()) << record.status();
  const std::string& elf = answer.result.variant().artifact();
  EXPECT_EQ(record->artifact_sha256(), Sha256(elf).bytes());
  EXPECT_EQ(record->artifact_bytes(), static_cast<int64_t>(elf.size()));
  EXPECT_EQ(record->key().graph(), answer.result.graph_digest());
  EXPECT_EQ(record->key().signature(), answer.result.signature_digest());
  EXPECT_EQ(record->key().domain(), "tenant");
  EXPECT_EQ(record->key().target_family(), "cpu/x86_64");
  EXPECT_EQ(record->requester(), "e2e");
  EXPECT_THAT(record->locations(), ElementsAre("model.py:41"));
  EXPECT_THAT(record->symbols(), ElementsAre("s0", "s1"));
  EXPECT_EQ(record->guards(0).condition(), "s0 <= 64");
  EXPECT_EQ(record->guard_signature().size(), Digest::kSizeBytes);
  EXPECT_GT(record->compile_seconds(), 0);
  EXPECT_GT(record->created_unix_seconds(), 0);
  EXPECT_EQ(ReadManifest(elf)->key().SerializeAsString(), record->key().SerializeAsString());
}

TEST_F(ServiceTest, AnotherDomainIsAnotherKey) {
  ASSERT_TRUE(Compile().ok());
  v1::CompileRequest request = RequestFor(kAdd, kSizes);
  request.mutable_header()->set_domain("tenant");
  EXPECT_EQ(client_->Compile(request).tier(), v1::TIER_COMPILED);
}

TEST_F(ServiceTest, SixtyFourThreadsOfManyConnectionsCompileOnce) {
  const v1::CompileRequest request = RequestFor(kAdd, kSizes, {{"ms", "200"}});
  std::atomic<int> compiled = 0, shared = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 64; ++i) {
    threads.emplace_back([&] {
      TestClient client(server_->address());
      const CompileAnswer answer = client.Compile(request);
      EXPECT_TRUE(answer.ok()) << answer.status;
      answer.tier() == v1::TIER_COMPILED ? ++compiled : ++shared;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(compiled, 1);
  EXPECT_EQ(shared, 63);
  const v1::ServerCounters counters = client_->Counters();
  EXPECT_EQ(counters.compiles(), 1);
  EXPECT_EQ(counters.joined() + counters.hits_memory(), 63);
}

TEST_F(ServiceTest, EightProcessesOfEightThreadsCompileOnce) {
  const std::vector<int> compiled = AskFromProcesses(server_->address(), 8, 8, {"ms=300"});
  EXPECT_EQ(std::accumulate(compiled.begin(), compiled.end(), 0), 1) << ::testing::PrintToString(compiled);
  const v1::ServerCounters counters = client_->Counters();
  EXPECT_EQ(counters.compiles(), 1);
  EXPECT_EQ(counters.joined() + counters.hits_memory(), 63);
}

TEST_F(ServiceTest, GuardsPickTheVariant) {
  ASSERT_EQ(Compile({{"guards", "s0 == 8"}}).tier(), v1::TIER_COMPILED);
  EXPECT_EQ(Compile({{"guards", "s0 == 8"}}, {{"s0", 8}, {"s1", 99}}).tier(), v1::TIER_MEMORY);
  const CompileAnswer other = Compile({{"guards", "s0 == 8"}}, {{"s0", 9}, {"s1", 16}});
  // The fake compiler's guard is false for it, and the front does not sign that.
  EXPECT_EQ(other.reason(), "WORKER_PROTOCOL");
  v1::LookupResponse response;
  const CompileAnswer first = Compile({{"guards", "s0 == 8"}});
  ASSERT_TRUE(client_->Lookup(LookupFor(RequestFor(kAdd, kSizes, {{"guards", "s0 == 8"}}), first, {9, 16}), response)
                  .ok());
  EXPECT_FALSE(response.found());
  EXPECT_THAT(response.reasons(), ElementsAre(v1::MISS_REASON_GUARD_FAILED));
}

TEST_F(ServiceTest, OthersJoinByThePropagatedGuards) {
  const Options slow = {{"guards", "s0 <= 64"}, {"ms", "500"}};
  std::thread leader([&] { EXPECT_EQ(Compile(slow).tier(), v1::TIER_COMPILED); });
  AwaitWorkers(1);
  const CompileAnswer joined = Compile(slow, {{"s0", 32}, {"s1", 7}});
  leader.join();
  EXPECT_EQ(joined.tier(), v1::TIER_JOINED) << joined.status;
  EXPECT_EQ(client_->Counters().compiles(), 1);
}

TEST_F(ServiceTest, AJoinerThatFailsALateGuardGetsItsOwnWithoutPerformanceGuards) {
  const Options slow = {{"performance_guard", "s0 == 8"}, {"ms", "500"}};
  std::thread leader([&] { EXPECT_EQ(Compile(slow).tier(), v1::TIER_COMPILED); });
  AwaitWorkers(1);
  const CompileAnswer other = Compile(slow, {{"s0", 32}, {"s1", 7}});
  leader.join();
  ASSERT_TRUE(other.ok()) << other.status;
  EXPECT_EQ(other.tier(), v1::TIER_COMPILED);
  EXPECT_EQ(other.record().guards_size(), 0);
  EXPECT_EQ(client_->Counters().compiles(), 2);
}

TEST_F(ServiceTest, StreamsProgress) {
  const CompileAnswer answer = Compile({{"guards", "s0 <= 64"}});
  std::vector<v1::Progress::Phase> phases;
  for (const v1::Progress& progress : answer.progress) phases.push_back(progress.phase());
  EXPECT_THAT(phases, Contains(v1::Progress::PHASE_QUEUED));
  EXPECT_THAT(phases, Contains(v1::Progress::PHASE_PROPAGATED));
  for (const v1::Progress& progress : answer.progress) {
    if (progress.phase() != v1::Progress::PHASE_PROPAGATED) continue;
    EXPECT_EQ(progress.guards(0).condition(), "s0 <= 64");
  }
}

TEST_F(ServiceTest, CompilesByDigestWhatItHolds) {
  const v1::CompileRequest request = RequestFor(kAdd, kSizes, {{"guards", "s0 <= 64"}});
  const CompileAnswer first = client_->Compile(request);
  v1::CompileRequest by_digest = ByDigest(request, first, {32, 5});
  EXPECT_EQ(client_->Compile(by_digest).tier(), v1::TIER_MEMORY);
  (*by_digest.mutable_options()->mutable_values())["guards"] = "s1 == 5";
  const CompileAnswer other = client_->Compile(by_digest);
  ASSERT_TRUE(other.ok()) << other.status;
  EXPECT_EQ(other.result.graph_digest(), first.result.graph_digest());
  server_->KillHard();
  Restart();
  (*by_digest.mutable_options()->mutable_values())["guards"] = "s1 <= 6";
  EXPECT_EQ(client_->Compile(by_digest).tier(), v1::TIER_COMPILED);
  by_digest.mutable_ref()->set_graph_digest(std::string(32, 'x'));
  EXPECT_EQ(client_->Compile(by_digest).reason(), "GRAPH_NOT_FOUND");
  by_digest = ByDigest(request, first, {32});
  EXPECT_EQ(client_->Compile(by_digest).reason(), "MALFORMED_MESSAGE");
}

TEST_F(ServiceTest, LookupNeverCompilesAndSaysWhy) {
  const v1::CompileRequest request = RequestFor(kAdd, kSizes, {{"guards", "s0 <= 64"}});
  const CompileAnswer compiled = client_->Compile(request);
  v1::LookupRequest lookup = LookupFor(request, compiled, {8, 16});
  v1::LookupResponse response;
  ASSERT_TRUE(client_->Lookup(lookup, response).ok());
  EXPECT_TRUE(response.found());
  EXPECT_TRUE(response.graph_known());
  EXPECT_EQ(response.variant().artifact(), compiled.result.variant().artifact());

  lookup.add_have(compiled.record().artifact_sha256());
  ASSERT_TRUE(client_->Lookup(lookup, response).ok());
  EXPECT_TRUE(response.found());
  EXPECT_EQ(response.variant().artifact(), "");

  (*lookup.mutable_options()->mutable_values())["guards"] = "";
  ASSERT_TRUE(client_->Lookup(lookup, response).ok());
  EXPECT_THAT(response.reasons(), ElementsAre(v1::MISS_REASON_OPTIONS));

  lookup.set_graph_digest("short");
  EXPECT_EQ(ReasonOf(client_->Lookup(lookup, response)), "MALFORMED_MESSAGE");
  lookup.mutable_host()->set_abi_min(7);
  lookup.mutable_host()->set_abi_max(9);
  EXPECT_EQ(ReasonOf(client_->Lookup(lookup, response)), "ABI_MISMATCH");
}

TEST_F(ServiceTest, LargeArtifactsComeInChunksFromAnyOffset) {
  const CompileAnswer answer = Compile({{"bytes", "3000000"}});
  ASSERT_TRUE(answer.ok()) << answer.status;
  EXPECT_EQ(answer.result.variant().artifact(), "");
  const std::string sha256 = answer.record().artifact_sha256();
  std::string whole, rest, none;
  int chunks = 0;
  ASSERT_TRUE(client_->GetArtifact(sha256, 0, whole, &chunks).ok());
  EXPECT_EQ(Sha256(whole).bytes(), sha256);
  EXPECT_EQ(chunks, (static_cast<int>(whole.size()) + (256 << 10) - 1) / (256 << 10));
  ASSERT_TRUE(client_->GetArtifact(sha256, 1000001, rest).ok());
  EXPECT_EQ(rest, whole.substr(1000001));
  EXPECT_TRUE(client_->GetArtifact(sha256, static_cast<int64_t>(whole.size()), none).ok());
  EXPECT_EQ(none, "");
  EXPECT_EQ(client_->GetArtifact(sha256, static_cast<int64_t>(whole.size()) + 1, none).code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(client_->GetArtifact(sha256, -1, none).code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReasonOf(client_->GetArtifact(std::string(32, 'x'), 0, none)), "ARTIFACT_NOT_FOUND");
}

}  // namespace
}  // namespace kiln
