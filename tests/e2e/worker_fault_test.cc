// Workers that die, lie, hang or are no longer wanted.
#include <signal.h>

#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/service_fixture.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

using WorkerFaultTest = ServiceTest;

TEST_F(WorkerFaultTest, AKilledWorkerFailsItsFlightAndTheNextWorks) {
  const std::unique_ptr<Hanging> hanging = StartHanging();
  const std::vector<pid_t> workers = server_->Workers();
  ASSERT_EQ(workers.size(), 1u);
  kill(workers[0], SIGKILL);
  const absl::Status status = hanging->Finish();
  EXPECT_EQ(ReasonOf(status), "WORKER_CRASHED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("killed by signal 9"));
  EXPECT_TRUE(Compile().ok());
  EXPECT_EQ(client_->Counters().worker_crashes(), 1);
}

TEST_F(WorkerFaultTest, AKilledZygoteIsReplaced) {
  const std::unique_ptr<Hanging> hanging = StartHanging();
  const pid_t before = server_->ZygotePid();
  ASSERT_GT(before, 1);
  kill(before, SIGKILL);
  EXPECT_EQ(ReasonOf(hanging->Finish()), "WORKER_CRASHED");
  const CompileAnswer next = Compile();
  EXPECT_TRUE(next.ok()) << next.status;
  EXPECT_NE(server_->ZygotePid(), before);
}

TEST_F(WorkerFaultTest, WorkersThatDieOrTakeTooMuchAreTypedErrors) {
  for (const char* behave : {"abort", "early_abort", "eat_memory"}) {
    const CompileAnswer answer = Compile({{"behave", behave}});
    EXPECT_EQ(answer.reason(), "WORKER_CRASHED") << behave << answer.status;
  }
  EXPECT_EQ(Compile({{"behave", "refuse"}}).reason(), "UNKNOWN_OP");
  EXPECT_TRUE(Compile().ok());
}

TEST_F(WorkerFaultTest, WhatAWorkerLiesAboutIsNotSigned) {
  const Options with_guard = {{"guards", "s0 <= 64"}};
  for (const char* behave :
       {"other_key", "other_build", "other_guards", "false_guard", "other_symbols", "needs_avx9", "other_kernel_times", "junk"}) {
    Options options = with_guard;
    options["behave"] = behave;
    const CompileAnswer answer = Compile(options);
    EXPECT_EQ(answer.reason(), "WORKER_PROTOCOL") << behave << answer.status;
  }
  EXPECT_EQ(client_->Counters().variants(), 0);
}

TEST_F(WorkerFaultTest, AnArtifactThatRunsCodeWhenLoadedIsNotSigned) {
  const CompileAnswer answer = Compile({{"behave", "constructor"}});
  EXPECT_EQ(answer.reason(), "WORKER_PROTOCOL") << answer.status;
  EXPECT_THAT(std::string(answer.status.message()), HasSubstr("DT_INIT (a constructor)"));
  EXPECT_EQ(client_->Counters().variants(), 0);
}

TEST_F(WorkerFaultTest, ADeadlineIsHonouredAndTheWorkStops) {
  const absl::Time begin = absl::Now();
  const CompileAnswer answer =
      client_->Compile(RequestFor(kAdd, kSizes, {{"behave", "hang"}}), absl::Milliseconds(300));
  EXPECT_EQ(answer.status.code(), absl::StatusCode::kDeadlineExceeded) << answer.status;
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
  EXPECT_TRUE(AwaitWorkers(0).empty());
}

TEST_F(WorkerFaultTest, AShortDeadlineDoesNotStopTheCompileForOthers) {
  const v1::CompileRequest request = RequestFor(kAdd, kSizes, {{"ms", "600"}});
  std::thread hasty([&] {
    TestClient client(server_->address());
    EXPECT_EQ(client.Compile(request, absl::Milliseconds(200)).status.code(), absl::StatusCode::kDeadlineExceeded);
  });
  AwaitWorkers(1);
  EXPECT_EQ(client_->Compile(request).tier(), v1::TIER_JOINED);
  hasty.join();
  EXPECT_EQ(client_->Counters().compiles(), 1);
}

TEST_F(WorkerFaultTest, WhenTheLastWaiterGoesTheWorkerDies) {
  const std::unique_ptr<Hanging> hanging = StartHanging();
  ASSERT_EQ(server_->Workers().size(), 1u);
  hanging->context.TryCancel();
  EXPECT_EQ(hanging->Finish().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(AwaitWorkers(0).empty());
  EXPECT_EQ(client_->Counters().compile_failures(), 1);
}

}  // namespace
}  // namespace kiln
