// One server: how many compiles a herd makes, and failures that are remembered.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/read_metrics.h"
#include "tests/e2e/service_fixture.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

class CompileOnceTest : public ServiceTest {
 protected:
  // Lets `workers` go on that have stopped, once there are so many and `requests`
  // wait for them; false after two minutes.
  bool ContinueWhen(int64_t requests, size_t workers) {
    for (int i = 0; i < 12000; ++i, usleep(10000)) {
      if (ReadMetric(server_->metrics_url(), "kiln_flight_waiters") < requests) continue;
      const std::vector<pid_t> stopped = server_->StoppedWorkers();
      if (stopped.size() < workers) continue;
      for (pid_t pid : stopped) kill(pid, SIGCONT);
      return true;
    }
    return false;
  }
};

TEST_F(CompileOnceTest, AThousandClientsOneCompile) {
  std::vector<int> compiled;
  std::thread askers([&] { compiled = AskFromProcesses(server_->address(), 8, 125, {"behave=stop"}); });
  EXPECT_TRUE(ContinueWhen(1000, 1)) << ReadMetric(server_->metrics_url(), "kiln_flight_waiters");
  askers.join();
  EXPECT_EQ(std::accumulate(compiled.begin(), compiled.end(), 0), 1) << ::testing::PrintToString(compiled);
  const v1::ServerCounters counters = client_->Counters();
  EXPECT_EQ(counters.compiles(), 1);
  EXPECT_EQ(counters.joined(), 999);
}

TEST_F(CompileOnceTest, EightGuardSetsEightCompiles) {
  constexpr int kSets = 8, kClientsEach = 16;
  Restart({"--workers=8"});
  std::atomic<int> compiled = 0, failed = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < kSets * kClientsEach; ++i) {
    clients.emplace_back([&, size = 2 + i % kSets] {
      const CompileAnswer answer = TestClient(server_->address())
                                       .Compile(RequestFor(kAdd, {{"s0", size}, {"s1", 16}},
                                                           {{"pin", "s0"}, {"behave", "stop"}}),
                                                absl::Seconds(240));
      if (!answer.ok()) {
        ++failed;
        return;
      }
      if (answer.tier() == v1::TIER_COMPILED) ++compiled;
      EXPECT_EQ(answer.record().guards(0).condition(), "s0 == " + std::to_string(size));
    });
  }
  EXPECT_TRUE(ContinueWhen(kSets * kClientsEach, kSets));
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(compiled, kSets);
  EXPECT_EQ(client_->Counters().compiles(), kSets);
  EXPECT_EQ(client_->Counters().keys(), 1);
}

TEST_F(CompileOnceTest, AGraphThatCannotBeCompiledIsTriedOnce) {
  EXPECT_EQ(Compile({{"behave", "refuse"}}).reason(), "UNKNOWN_OP");
  const CompileAnswer again = Compile({{"behave", "refuse"}});
  EXPECT_EQ(again.reason(), "UNKNOWN_OP");
  // With its age, and where it is in the user's code.
  EXPECT_THAT(std::string(again.status.message()), HasSubstr(" at model.py:41: refused (remembered: it failed "));
  v1::ServerCounters counters = client_->Counters();
  EXPECT_EQ(counters.compile_failures(), 1);
  EXPECT_EQ(counters.remembered().failures(), 1);
  EXPECT_EQ(counters.remembered().answered(), 1);
  EXPECT_EQ(ReadMetric(server_->metrics_url(), "kiln_remembered_failures{what=\"failure\"}"), 1);

  v1::CompileRequest request = RequestFor(kAdd, kSizes, {{"behave", "refuse"}});
  request.mutable_header()->set_no_remembered_failures(true);
  EXPECT_EQ(client_->Compile(request).status.message(), "node 0 (no.such.op) at model.py:41: refused");
  EXPECT_EQ(client_->Counters().compile_failures(), 2);
  EXPECT_TRUE(Compile().ok());
}

TEST_F(CompileOnceTest, AGraphThatKillsItsWorkerTwiceIsQuarantined) {
  const Options kills = {{"behave", "abort"}};
  EXPECT_EQ(Compile(kills).reason(), "WORKER_CRASHED");
  EXPECT_EQ(Compile(kills, {{"s0", 9}, {"s1", 16}}).reason(), "WORKER_CRASHED");
  EXPECT_EQ(Compile(kills, {{"s0", 10}, {"s1", 16}}).reason(), "GRAPH_QUARANTINED");
  const v1::ServerCounters counters = client_->Counters();
  EXPECT_EQ(counters.worker_crashes(), 2);
  EXPECT_EQ(counters.remembered().quarantined(), 1);
  EXPECT_TRUE(Compile().ok());
  v1::CompileRequest request = RequestFor(kAdd, kSizes, kills);
  request.mutable_header()->set_no_remembered_failures(true);
  EXPECT_EQ(client_->Compile(request).reason(), "WORKER_CRASHED");
}

}  // namespace
}  // namespace kiln
