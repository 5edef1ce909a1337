#include "service/zygote.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "base/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/frame_socket.h"

namespace kiln {
namespace {

constexpr int64_t kMaxFrameBytes = 1 << 20;

FrameWait Within(absl::Duration patience) { return {.deadline = Clock::Real()->Monotonic() + patience}; }

// Answers each frame with itself, does what a few words say, ends with the front.
int EchoUntilClosed(UniqueFd fd) {
  FrameSocket socket(std::move(fd), kMaxFrameBytes);
  while (true) {
    absl::StatusOr<std::string> frame = socket.Read({});
    if (!frame.ok()) return 0;
    if (*frame == "exit 3") return 3;
    if (*frame == "abort") abort();
    if (*frame == "kill zygote") kill(getppid(), SIGKILL);
    if (!socket.Write(*frame, {}).ok()) return 1;
  }
}

std::unique_ptr<Zygote> StartEchoZygote() {
  return *Zygote::Start({.initialize = nullptr, .work = EchoUntilClosed});
}

std::string Ask(FrameSocket& socket, const std::string& question) {
  absl::Status written = socket.Write(question, Within(absl::Seconds(10)));
  if (!written.ok()) return written.ToString();
  absl::StatusOr<std::string> answer = socket.Read(Within(absl::Seconds(10)));
  return answer.ok() ? *answer : std::string(answer.status().message());
}

// True once no process `pid` is left.
bool Gone(pid_t pid) {
  for (int i = 0; i < 1000 && kill(pid, 0) == 0; ++i) usleep(10 * 1000);
  return kill(pid, 0) != 0;
}

TEST(ZygoteTest, EachWorkerIsAProcessThatAnswers) {
  std::unique_ptr<Zygote> zygote = StartEchoZygote();
  WorkerProcess a = *zygote->Spawn();
  WorkerProcess b = *zygote->Spawn();
  FrameSocket to_a(a.TakeSocket(), kMaxFrameBytes);
  FrameSocket to_b(b.TakeSocket(), kMaxFrameBytes);
  EXPECT_EQ(Ask(to_b, "b"), "b");
  EXPECT_EQ(Ask(to_a, std::string(900000, 'x')).size(), 900000u);
  EXPECT_NE(a.pid(), b.pid());
  EXPECT_NE(a.pid(), getpid());
}

TEST(ZygoteTest, TellsHowAWorkerEnded) {
  std::unique_ptr<Zygote> zygote = StartEchoZygote();
  const std::vector<std::pair<std::string, std::string>> ends = {{"exit 3", "exited with code 3"},
                                                                 {"abort", "was killed by signal 6"}};
  for (const auto& [question, end] : ends) {
    WorkerProcess worker = *zygote->Spawn();
    FrameSocket socket(worker.TakeSocket(), kMaxFrameBytes);
    EXPECT_THAT(Ask(socket, question), testing::HasSubstr("closed its socket"));
    EXPECT_THAT(DescribeExit(worker.AwaitExit(absl::Seconds(10))), testing::HasSubstr(end));
  }
}

TEST(ZygoteTest, DroppingAWorkerKillsIt) {
  std::unique_ptr<Zygote> zygote = StartEchoZygote();
  pid_t pid;
  UniqueFd socket;  // kept open, so that it is not the socket's end that ends it
  {
    WorkerProcess worker = *zygote->Spawn();
    socket = worker.TakeSocket();
    pid = worker.pid();
  }
  EXPECT_TRUE(Gone(pid));
}

TEST(ZygoteTest, AnotherZygoteFollowsADeadOne) {
  std::unique_ptr<Zygote> zygote = StartEchoZygote();
  WorkerProcess bystander = *zygote->Spawn();
  WorkerProcess murderer = *zygote->Spawn();
  FrameSocket socket(murderer.TakeSocket(), kMaxFrameBytes);
  Ask(socket, "kill zygote");
  EXPECT_EQ(DescribeExit(bystander.AwaitExit(absl::Seconds(10))), "died with its zygote");
  EXPECT_TRUE(Gone(bystander.pid()));
  WorkerProcess next = *zygote->Spawn();
  FrameSocket to_next(next.TakeSocket(), kMaxFrameBytes);
  EXPECT_EQ(Ask(to_next, "still there"), "still there");
}

TEST(ZygoteTest, WorkersEndWithTheZygote) {
  std::unique_ptr<Zygote> zygote = StartEchoZygote();
  WorkerProcess worker = *zygote->Spawn();
  const pid_t nanny = zygote->nanny_pid();
  zygote.reset();
  EXPECT_TRUE(Gone(nanny));
  EXPECT_TRUE(Gone(worker.pid()));
}

TEST(ZygoteTest, SaysSoWhenNoZygoteComesUp) {
  std::unique_ptr<Zygote> zygote = *Zygote::Start({.initialize = [] { abort(); }, .work = EchoUntilClosed});
  absl::StatusOr<WorkerProcess> worker = zygote->Spawn();
  while (!worker.ok() && !absl::StrContains(worker.status().message(), "restarted")) worker = zygote->Spawn();
  EXPECT_THAT(worker.status().message(), testing::HasSubstr("the server must be restarted"));
}

}  // namespace
}  // namespace kiln
