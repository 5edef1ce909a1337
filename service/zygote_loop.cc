#include "service/zygote_loop.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "service/send_descriptors.h"

namespace kiln {
namespace {

// A zygote that dies younger than this did not come up.
constexpr absl::Duration kInfancy = absl::Seconds(1);
constexpr int kMaxInfantDeaths = 5;

// The terminal's Ctrl-C reaches every process of the group, but when to stop is
// the front's to say.
void LeaveStoppingToTheFront() {
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
}

void RestoreSignals() {
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD}) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

class ZygoteLoop {
 public:
  ZygoteLoop(UniqueFd control, const Zygote::Functions& functions)
      : control_(std::move(control)), functions_(functions) {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, nullptr);
    deaths_ = UniqueFd(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  int Run() {
    while (true) {
      std::vector<pollfd> polled = {{control_.get(), POLLIN, 0}, {deaths_.get(), POLLIN, 0}};
      // No event but hang-up is asked for: the front never writes to a lifeline.
      for (const Worker& worker : workers_) polled.push_back({worker.lifeline.get(), POLLRDHUP, 0});
      if (poll(polled.data(), polled.size(), -1) < 0) {
        if (errno == EINTR) continue;
        return 1;
      }
      for (size_t i = 2; i < polled.size(); ++i) {
        if (polled[i].revents != 0) kill(workers_[i - 2].pid, SIGKILL);
      }
      if (polled[1].revents != 0) BuryTheDead();
      if (polled[0].revents == 0) continue;
      std::optional<DescriptorPair> descriptors = ReceiveDescriptors(control_.get());
      if (!descriptors.has_value()) return 0;
      const std::optional<int> worker_exit = Fork(std::move((*descriptors)[0]), std::move((*descriptors)[1]));
      if (worker_exit.has_value()) return *worker_exit;
    }
  }

 private:
  struct Worker {
    pid_t pid;
    UniqueFd lifeline;
  };

  // nullopt in the zygote; in the worker, when its work is done, its exit code.
  std::optional<int> Fork(UniqueFd socket, UniqueFd lifeline) {
    const pid_t self = getpid();
    const pid_t pid = fork();
    if (pid < 0) return std::nullopt;  // both ends close, which the front sees
    if (pid > 0) {
      Tell(lifeline, pid);
      workers_.push_back({pid, std::move(lifeline)});
      return std::nullopt;
    }
    workers_.clear();
    lifeline.Reset();
    deaths_.Reset();
    control_.Reset();
    RestoreSignals();
    if (!DieWithParent(self)) return 1;
    return functions_.work(std::move(socket));
  }

  void BuryTheDead() {
    signalfd_siginfo ignored;
    while (read(deaths_.get(), &ignored, sizeof(ignored)) > 0) {
    }
    int status = 0;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      for (size_t i = 0; i < workers_.size(); ++i) {
        if (workers_[i].pid != pid) continue;
        Tell(workers_[i].lifeline, status);
        workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(i));
        break;
      }
    }
  }

  static void Tell(const UniqueFd& lifeline, int value) {
    // A front that has hung up does not want to know.
    [[maybe_unused]] ssize_t sent = send(lifeline.get(), &value, sizeof(value), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  UniqueFd control_;
  const Zygote::Functions& functions_;
  UniqueFd deaths_;
  std::vector<Worker> workers_;
};

}  // namespace

bool DieWithParent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  return getppid() == parent;
}

int RunZygote(UniqueFd control, const Zygote::Functions& functions) {
  LeaveStoppingToTheFront();
  if (functions.initialize) functions.initialize();
  return ZygoteLoop(std::move(control), functions).Run();
}

int RunNanny(UniqueFd control, const Zygote::Functions& functions) {
  LeaveStoppingToTheFront();
  const pid_t self = getpid();
  for (int infant_deaths = 0; infant_deaths < kMaxInfantDeaths;) {
    const absl::Duration born = Clock::Real()->Monotonic();
    const pid_t zygote = fork();
    if (zygote == 0) return DieWithParent(self) ? RunZygote(std::move(control), functions) : 1;
    int status = 0;
    while (zygote > 0 && waitpid(zygote, &status, 0) < 0 && errno == EINTR) {
    }
    if (zygote > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    std::fprintf(stderr, "kiln: the zygote %s; starting another\n", DescribeExit(status).c_str());
    infant_deaths = Clock::Real()->Monotonic() - born < kInfancy ? infant_deaths + 1 : 0;
    usleep(static_cast<useconds_t>(infant_deaths) * 50 * 1000);
  }
  std::fprintf(stderr, "kiln: no zygote stays alive; compiles fail until the server is restarted\n");
  return 1;
}

}  // namespace kiln
