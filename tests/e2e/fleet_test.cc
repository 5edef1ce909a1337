// Three real replicas and a real redis-server: how many compiles a fleet makes when
// many ask at once, when its leader is killed, and when Redis is.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/testing/redis_process.h"
#include "cache/testing/temp_folder.h"
#include "clients/cpp/client.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/op_table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/read_metrics.h"
#include "tests/e2e/server_process.h"
#include "tests/e2e/service_fixture.h"

namespace kiln {
namespace {

constexpr int kReplicas = 3;

// A compiler that stops itself, and says that it will take a minute: nobody is to
// think it late while a test gathers its clients.
const OptionValues kStops = {{"behave", "stop"}, {"estimate_ms", "60000"}};

class FleetTest : public ::testing::Test {
 protected:
  explicit FleetTest(const std::vector<std::string>& more_flags = {}) : redis_(RedisProcess::Start()) {
    std::vector<std::string> flags = {"--compiler=fake", "--workers=8", "--lease_ms=1500",
                                      absl::StrCat("--key=", folder_.path(), "/key"),
                                      absl::StrCat("--redis=", redis_->url())};
    flags.insert(flags.end(), more_flags.begin(), more_flags.end());
    for (int i = 0; i < kReplicas; ++i) {
      replicas_.push_back(ServerProcess::Start(absl::StrCat(folder_.path(), "/data", i), flags));
    }
  }
  void SetUp() override {
    for (const auto& replica : replicas_) {
      ASSERT_NE(replica, nullptr);
      absl::StrAppend(&addresses_, replica->address(), ",");
    }
  }
  ~FleetTest() override { JoinClients(); }

  bool IsAlive(int at) const { return replicas_[at]->pid() > 0; }

  // A client in a thread of its own, whose first address is that of replica `at`.
  void StartClient(int at, int64_t size, const OptionValues& options) {
    clients_.emplace_back([=, this, addresses = RotatedAddresses(addresses_, at)] {
      ExprPool pool;
      absl::StatusOr<Graph> graph = ParseGraph(kAdd, &pool, FindOpSchema);
      const absl::Status bound = BindSymbols(*graph, {{"s0", size}, {"s1", 16}});
      absl::StatusOr<std::unique_ptr<Client>> client =
          Client::Connect({.address = addresses, .connect_timeout = absl::Seconds(60)});
      if (!bound.ok() || !client.ok()) {
        ++failed_;
        return;
      }
      absl::StatusOr<CompiledVariant> compiled = (*client)->Compile(*graph, options, ThisHost(1));
      EXPECT_TRUE(compiled.ok()) << compiled.status();
      if (!compiled.ok()) ++failed_;
    });
  }
  void JoinClients() {
    for (std::thread& client : clients_) client.join();
    clients_.clear();
  }

  int64_t Sum(const std::string& metric) const {
    int64_t sum = 0;
    for (int i = 0; i < kReplicas; ++i) {
      if (IsAlive(i)) sum += std::max<int64_t>(0, ReadMetric(replicas_[i]->metrics_url(), metric));
    }
    return sum;
  }
  int64_t Compiles() const { return Sum("kiln_compiles_total"); }
  int64_t LeaseEvents(const std::string& event) const {
    return Sum(absl::StrCat("kiln_lease_events_total{event=\"", event, "\"}"));
  }

  template <typename Condition>
  static bool Await(Condition condition) {
    for (int i = 0; i < 12000; ++i, usleep(10000)) {
      if (condition()) return true;
    }
    return false;
  }
  // Until so many requests wait, and the one worker that is at it has stopped.
  bool AwaitHerd(int64_t requests) {
    return Await([&] { return Sum("kiln_flight_waiters") >= requests && Leader() >= 0; });
  }
  // The replica whose worker has stopped, or -1.
  int Leader() const {
    for (int i = 0; i < kReplicas; ++i) {
      if (IsAlive(i) && !replicas_[i]->StoppedWorkers().empty()) return i;
    }
    return -1;
  }
  size_t Workers() const {
    size_t sum = 0;
    for (int i = 0; i < kReplicas; ++i) sum += IsAlive(i) ? replicas_[i]->Workers().size() : 0;
    return sum;
  }
  void Continue() {
    for (const auto& replica : replicas_) {
      for (pid_t pid : replica->pid() > 0 ? replica->StoppedWorkers() : std::vector<pid_t>()) kill(pid, SIGCONT);
    }
  }

  TempFolder folder_;
  std::unique_ptr<RedisProcess> redis_;
  std::vector<std::unique_ptr<ServerProcess>> replicas_;
  std::string addresses_;
  std::vector<std::thread> clients_;
  std::atomic<int> failed_ = 0;
};

TEST_F(FleetTest, ThreeReplicasThreeHundredClientsOneCompile) {
  for (int i = 0; i < 300; ++i) StartClient(i, 8, kStops);
  EXPECT_TRUE(AwaitHerd(300)) << Sum("kiln_flight_waiters");
  EXPECT_EQ(Workers(), 1u);
  Continue();
  JoinClients();
  EXPECT_EQ(failed_, 0);
  EXPECT_EQ(Compiles(), 1);
  EXPECT_EQ(LeaseEvents("waited"), 2);
  EXPECT_EQ(LeaseEvents("hedged") + LeaseEvents("lost") + LeaseEvents("unavailable"), 0);
}

TEST_F(FleetTest, AKilledLeaderIsTakenOverAndNobodyFails) {
  for (int i = 0; i < 300; ++i) StartClient(i, 8, kStops);
  EXPECT_TRUE(AwaitHerd(300)) << Sum("kiln_flight_waiters");
  const int leader = Leader();
  ASSERT_GE(leader, 0);
  replicas_[leader]->KillHard();
  // Its clients ask the others, and one of those takes over.
  EXPECT_TRUE(AwaitHerd(300)) << Sum("kiln_flight_waiters");
  EXPECT_EQ(Workers(), 1u);
  Continue();
  JoinClients();
  EXPECT_EQ(failed_, 0);
  EXPECT_EQ(Compiles(), 1);
  EXPECT_EQ(LeaseEvents("taken_over"), 1);
}

TEST_F(FleetTest, OtherSizesWaitForTheRightLeader) {
  for (int i = 0; i < 30; ++i) StartClient(i, 2 + i, kStops);
  EXPECT_TRUE(AwaitHerd(30)) << Sum("kiln_flight_waiters");
  EXPECT_EQ(Workers(), 1u);
  Continue();
  JoinClients();
  EXPECT_EQ(failed_, 0);
  EXPECT_EQ(Compiles(), 1);
}

TEST_F(FleetTest, EightGuardSetsEightCompiles) {
  OptionValues options = kStops;
  options["pin"] = "s0";
  for (int i = 0; i < 72; ++i) StartClient(i, 2 + i % 8, options);
  EXPECT_TRUE(Await([&] {
    size_t stopped = 0;
    for (const auto& replica : replicas_) stopped += replica->StoppedWorkers().size();
    return stopped == 8 && Sum("kiln_flight_waiters") == 72;
  }));
  Continue();
  JoinClients();
  EXPECT_EQ(failed_, 0);
  EXPECT_EQ(Compiles(), 8);
}

TEST_F(FleetTest, WhenTheLastWaiterLeavesTheLeaseIsFree) {
  grpc::ClientContext context;
  TestClient first(replicas_[0]->address());
  const v1::CompileRequest request = RequestFor(kAdd, kSizes, {kStops.begin(), kStops.end()});
  auto reader = first.stub().Compile(&context, request);
  EXPECT_TRUE(Await([&] { return Leader() == 0; }));
  StartClient(1, 8, kStops);
  context.TryCancel();
  // Stopped workers die too; what is taken over is another's compile.
  EXPECT_TRUE(Await([&] { return replicas_[0]->Workers().empty(); }));
  v1::CompileResponse message;
  while (reader->Read(&message)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(Await([&] { return Leader() == 1; }));
  Continue();
  JoinClients();
  EXPECT_EQ(failed_, 0);
  EXPECT_EQ(Compiles(), 1);
}

class BetterFleetTest : public FleetTest {
 protected:
  BetterFleetTest() : FleetTest({"--better_isa"}) {}

  CompileAnswer CompileOn(int at, const std::vector<std::string>& features) {
    v1::CompileRequest request = RequestFor(kAdd, kSizes, {{"behave", "uses_all"}});
    request.mutable_host()->mutable_target()->mutable_features()->Assign(features.begin(), features.end());
    return TestClient(replicas_[at]->address()).Compile(request);
  }
};

// What is published already is no reason not to publish what is better.
TEST_F(BetterFleetTest, ABetterVariantIsPublishedBesideTheLesserOne) {
  EXPECT_EQ(CompileOn(0, {"avx", "sse4.2"}).tier(), v1::TIER_COMPILED);
  const std::vector<std::string> better_host = {"avx", "avx2", "sse4.2"};
  EXPECT_EQ(CompileOn(1, better_host).tier(), v1::TIER_SHARED);
  EXPECT_TRUE(Await([&] { return Sum("kiln_better_compiles_total") == 1; }));
  EXPECT_EQ(Sum("kiln_duplicate_compiles_total"), 0);
  EXPECT_EQ(Compiles(), 2);
  const CompileAnswer better = CompileOn(2, better_host);
  EXPECT_EQ(better.tier(), v1::TIER_SHARED);
  EXPECT_THAT(better.record().isa_features(), ::testing::Contains("avx2"));
}

TEST_F(FleetTest, WithoutRedisEverybodyCompilesAtOnce) {
  for (int i = 0; i < 30; ++i) StartClient(i, 8, kStops);
  EXPECT_TRUE(AwaitHerd(30)) << Sum("kiln_flight_waiters");
  redis_->KillHard();
  EXPECT_TRUE(Await([&] { return Workers() == kReplicas; }));
  EXPECT_TRUE(Await([&] {
    Continue();
    return Workers() == 0;
  }));
  JoinClients();
  EXPECT_EQ(failed_, 0);
  EXPECT_EQ(Compiles(), kReplicas);
}

}  // namespace
}  // namespace kiln
