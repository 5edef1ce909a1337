#include "service/zygote.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "service/send_descriptors.h"
#include "service/zygote_loop.h"

namespace kiln {
namespace {

// A fork takes well under a millisecond; this is for machines that swap.
constexpr absl::Duration kSpawnPatience = absl::Seconds(30);

absl::StatusOr<DescriptorPair> MakeSocketPair(int type) {
  int ends[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) {
    return MakeError(ErrorReason::kOverloaded, absl::StrCat("no socket for a worker: ", std::strerror(errno)));
  }
  return DescriptorPair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// The next number that the zygote sends. nullopt when none comes.
std::optional<int> Hear(const UniqueFd& lifeline, absl::Duration patience) {
  const absl::Duration deadline = Clock::Real()->Monotonic() + patience;
  while (true) {
    const absl::Duration left = deadline - Clock::Real()->Monotonic();
    if (left <= absl::ZeroDuration()) return std::nullopt;
    pollfd polled = {lifeline.get(), POLLIN, 0};
    if (poll(&polled, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1) <= 0) continue;
    int value = 0;
    const ssize_t got = recv(lifeline.get(), &value, sizeof(value), MSG_DONTWAIT);
    if (got == sizeof(value)) return value;
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    return std::nullopt;
  }
}

}  // namespace

std::string DescribeExit(std::optional<int> wait_status) {
  if (!wait_status.has_value()) return "died with its zygote";
  if (WIFSIGNALED(*wait_status)) {
    const int number = WTERMSIG(*wait_status);
    return absl::StrCat("was killed by signal ", number, " (", strsignal(number), ")");
  }
  return absl::StrCat("exited with code ", WEXITSTATUS(*wait_status));
}

std::optional<int> WorkerProcess::AwaitExit(absl::Duration patience) { return Hear(lifeline_, patience); }

absl::StatusOr<std::unique_ptr<Zygote>> Zygote::Start(Functions functions) {
  KILN_ASSIGN_OR_RETURN(DescriptorPair control, MakeSocketPair(SOCK_SEQPACKET));
  const pid_t self = getpid();
  const pid_t nanny = fork();
  if (nanny < 0) {
    return MakeError(ErrorReason::kOverloaded, absl::StrCat("the zygote cannot be forked: ", std::strerror(errno)));
  }
  if (nanny == 0) {
    control[0].Reset();
    // _exit: what the front registered to run at its own end is not ours to run.
    _exit(DieWithParent(self) ? RunNanny(std::move(control[1]), functions) : 1);
  }
  return std::unique_ptr<Zygote>(new Zygote(nanny, std::move(control[0])));
}

Zygote::~Zygote() {
  shutdown(control_.get(), SHUT_RDWR);
  while (waitpid(nanny_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

absl::StatusOr<WorkerProcess> Zygote::Spawn() const {
  KILN_ASSIGN_OR_RETURN(DescriptorPair socket, MakeSocketPair(SOCK_STREAM));
  KILN_ASSIGN_OR_RETURN(DescriptorPair lifeline, MakeSocketPair(SOCK_SEQPACKET));
  DescriptorPair sent = {std::move(socket[1]), std::move(lifeline[1])};
  if (!SendDescriptors(control_.get(), sent)) {
    return MakeError(ErrorReason::kWorkerCrashed, "no zygote is alive to fork a worker; the server must be restarted");
  }
  sent = {};
  const std::optional<int> pid = Hear(lifeline[0], kSpawnPatience);
  if (!pid.has_value()) {
    return MakeError(ErrorReason::kWorkerCrashed, "the zygote died, or could not fork, before the worker ran");
  }
  return WorkerProcess(*pid, std::move(socket[0]), std::move(lifeline[0]));
}

}  // namespace kiln
