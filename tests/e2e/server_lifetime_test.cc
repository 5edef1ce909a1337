// How a server ends, and who is left behind: nobody.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/service_fixture.h"

namespace kiln {
namespace {

using ServerLifetimeTest = ServiceTest;

TEST_F(ServerLifetimeTest, SigtermLetsRunningCallsEndAndLeavesNobodyBehind) {
  CompileAnswer answer;
  std::thread asker([&] { answer = Compile({{"ms", "500"}}); });
  ASSERT_EQ(AwaitWorkers(1).size(), 1u);
  const pid_t zygote = server_->ZygotePid();
  ASSERT_GT(zygote, 1);
  EXPECT_EQ(server_->Stop(), 0);
  asker.join();
  EXPECT_TRUE(answer.ok()) << answer.status;
  EXPECT_NE(kill(zygote, 0), 0);
}

TEST_F(ServerLifetimeTest, AHungCompileDoesNotHoldUpTheEnd) {
  Restart({"--workers=1"});
  const std::unique_ptr<Hanging> hanging = StartHanging();
  EXPECT_EQ(server_->Stop(), 0);
  EXPECT_EQ(ReasonOf(hanging->Finish()), "SHUTTING_DOWN");
}

TEST_F(ServerLifetimeTest, KillNineOfTheFrontLeavesNobodyBehind) {
  const std::unique_ptr<Hanging> hanging = StartHanging();
  const std::vector<pid_t> workers = server_->Workers();
  ASSERT_EQ(workers.size(), 1u);
  const pid_t zygote = server_->ZygotePid();
  ASSERT_GT(zygote, 1);
  server_->KillHard();
  EXPECT_FALSE(hanging->Finish().ok());
  for (pid_t pid : {zygote, workers[0]}) {
    for (int i = 0; i < 1000 && kill(pid, 0) == 0; ++i) usleep(5000);
    EXPECT_NE(kill(pid, 0), 0);
  }
}

TEST_F(ServerLifetimeTest, AnIdleServerEnds) {
  Restart({"--idle_ms=200"});
  EXPECT_EQ(server_->Wait(), 0);
}

TEST_F(ServerLifetimeTest, ServesOnAUnixSocketForItsOwnerAlone) {
  const std::string path = folder_.path() + "/kiln.sock";
  Restart({"--listen=unix:" + path});
  EXPECT_EQ(server_->address(), "unix:" + path);
  EXPECT_TRUE(Compile().ok());
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 077, 0u);
}

}  // namespace
}  // namespace kiln
