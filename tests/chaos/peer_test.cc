// Servers that ask each other: what one has compiled another does not, and whatever a
// peer does, nothing fails and nothing wrong is served.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/digest.h"
#include "cache/testing/temp_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kiln/v1/peer_service.pb.h"
#include "tests/chaos/fault_proxy.h"
#include "tests/e2e/read_metrics.h"
#include "tests/e2e/server_process.h"
#include "tests/e2e/service_fixture.h"

namespace kiln {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

class PeerTest : public testing::Test {
 protected:
  std::unique_ptr<ServerProcess> Start(const std::string& name, const std::string& peers,
                                       const std::string& key = "key") {
    std::vector<std::string> flags = {"--compiler=fake", absl::StrCat("--key=", folder_.path(), "/", key)};
    if (!peers.empty()) flags.push_back(absl::StrCat("--peers=", peers));
    return ServerProcess::Start(absl::StrCat(folder_.path(), "/", name), flags);
  }
  static CompileAnswer Compile(const ServerProcess& server, const Options& options = {}) {
    return TestClient(server.address()).Compile(RequestFor(kAdd, kSizes, options));
  }
  static int64_t Compiles(const ServerProcess& server) { return TestClient(server.address()).Counters().compiles(); }

  TempFolder folder_;
};

TEST_F(PeerTest, WhatAPeerHasIsNotCompiled) {
  std::unique_ptr<ServerProcess> a = Start("a", "");
  const CompileAnswer compiled = Compile(*a);
  ASSERT_EQ(compiled.tier(), v1::TIER_COMPILED) << compiled.status;
  const std::unique_ptr<ServerProcess> b = Start("b", a->address());
  const CompileAnswer found = Compile(*b);
  EXPECT_EQ(found.tier(), v1::TIER_SHARED) << found.status;
  EXPECT_EQ(found.record().artifact_sha256(), compiled.record().artifact_sha256());
  // What was found is kept.
  a->KillHard();
  EXPECT_THAT(Compile(*b).tier(), AnyOf(v1::TIER_MEMORY, v1::TIER_DISK));
  const std::unique_ptr<ServerProcess> c = Start("c", absl::StrCat(a->address(), ",", b->address()));
  EXPECT_EQ(Compile(*c).tier(), v1::TIER_SHARED);
  EXPECT_EQ(Compiles(*b) + Compiles(*c), 0);
}

TEST_F(PeerTest, VariantsThatComeLaterAreFoundToo) {
  const std::unique_ptr<ServerProcess> a = Start("a", "");
  const std::unique_ptr<ServerProcess> b = Start("b", a->address());
  for (int64_t size = 2; size < 8; ++size) {
    const v1::CompileRequest request = RequestFor(kAdd, {{"s0", size}, {"s1", 16}}, {{"pin", "s0"}});
    const CompileAnswer compiled = TestClient(a->address()).Compile(request);
    EXPECT_EQ(compiled.tier(), v1::TIER_COMPILED);
    TestClient client(b->address());
    v1::LookupResponse response;
    // A key's rows are asked for again after a tenth of a second at the earliest.
    while (!response.found()) {
      const absl::Status status = client.Lookup(LookupFor(request, compiled, {size, 16}), response);
      ASSERT_TRUE(status.ok()) << status;
    }
  }
  EXPECT_EQ(Compiles(*b), 0);
}

TEST_F(PeerTest, NobodyAsksInTurn) {
  const std::unique_ptr<ServerProcess> a = Start("a", "");
  ASSERT_TRUE(Compile(*a).ok());
  const std::unique_ptr<ServerProcess> b = Start("b", a->address());
  const std::unique_ptr<ServerProcess> c = Start("c", b->address());
  EXPECT_EQ(Compile(*c).tier(), v1::TIER_COMPILED);
  EXPECT_EQ(ReadMetric(a->metrics_url(), "kiln_requests_total{code=\"OK\",rpc=\"ListRows\"}"), 0);
}

TEST_F(PeerTest, WhatStrangersHaveSignedIsRefused) {
  const std::unique_ptr<ServerProcess> stranger = Start("a", "", "another_key");
  ASSERT_TRUE(Compile(*stranger).ok());
  const std::unique_ptr<ServerProcess> b = Start("b", stranger->address());
  EXPECT_EQ(Compile(*b).tier(), v1::TIER_COMPILED);
  EXPECT_EQ(ReadMetric(b->metrics_url(), "kiln_shared_tier_untrusted_total{what=\"row\"}"), 1);
}

TEST_F(PeerTest, WhateverAPeerDoesNothingFails) {
  const std::unique_ptr<ServerProcess> a = Start("a", "");
  const std::vector<std::string> host_and_port = absl::StrSplit(a->address(), ':');
  FaultProxy proxy(std::stoi(host_and_port.back()), /*seed=*/7);
  proxy.SetDelay(absl::Milliseconds(20));
  const std::unique_ptr<ServerProcess> b = Start("b", absl::StrCat("127.0.0.1:", proxy.port()));
  int graph = 0;
  for (Fault fault : kAllFaults) {
    proxy.Set(fault, "-LOADING");
    for (int i = 0; i < 6; ++i) {
      const Options options = {{"bytes", absl::StrCat(100000 * (i % 3) + ++graph)}};
      const CompileAnswer there = Compile(*a, options);
      ASSERT_TRUE(there.ok()) << there.status;
      const CompileAnswer here = Compile(*b, options);
      ASSERT_TRUE(here.ok()) << "fault " << static_cast<int>(fault) << ": " << here.status;
      const std::string sha256 = here.record().artifact_sha256();
      std::string elf;
      ASSERT_TRUE(TestClient(b->address()).GetArtifact(sha256, 0, elf).ok());
      EXPECT_EQ(Sha256(elf).bytes(), sha256);
    }
  }
  EXPECT_GT(proxy.num_faults(), 0);
}

TEST_F(PeerTest, MalformedQuestionsAreRefused) {
  const std::unique_ptr<ServerProcess> a = Start("a", "");
  TestClient client(a->address());
  v1::ListRowsRequest request;
  request.set_key("short");
  EXPECT_EQ(ReasonOf(client.CallRaw("/kiln.v1.PeerService/ListRows", request.SerializeAsString())),
            "MALFORMED_MESSAGE");
  EXPECT_EQ(ReasonOf(client.CallRaw("/kiln.v1.PeerService/ListRows", "\xff\xff")), "MALFORMED_MESSAGE");
  v1::GetArtifactRequest artifact;
  artifact.set_sha256(std::string(32, 'x'));
  EXPECT_EQ(ReasonOf(client.CallRaw("/kiln.v1.PeerService/FetchArtifact", artifact.SerializeAsString())),
            "ARTIFACT_NOT_FOUND");
}

TEST_F(PeerTest, RedisOrPeers) {
  const EndedServer ended =
      RunServerToItsEnd(folder_.path() + "/a", {"--redis=redis://127.0.0.1:1", "--peers=127.0.0.1:2"});
  EXPECT_NE(ended.exit_code, 0);
  EXPECT_THAT(ended.stderr_text, HasSubstr("not both"));
}

}  // namespace
}  // namespace kiln
