// The zygote: a small, clean process from which every compile worker is forked.
//
// It is forked before the front has a thread, a listening socket, an open
// database or the signing key, so its children have none of them either. The
// compiler is initialised in it once; a worker is one fork away.
//
//   front ── control ──> nanny ── fork ──> zygote ── fork ──> worker, one a compile
//                                             <── lifeline ──> front
//                                             front <── frames ──> worker
//
// The nanny does nothing but to fork the zygote again when it dies; it can,
// because it has one thread, which the front has not. Requests that wait in the
// control socket are served by the next zygote.
//
// Each worker has a *lifeline*, a socket between the zygote and the front: on it
// the zygote sends the worker's pid when it lives and its wait status when it is
// dead; when the front closes it, or dies, the zygote kills the worker. So no pid
// is ever signalled that could be another process's by now.
//
// Death runs downwards: control closed -> the zygote ends; a parent's death
// kills its children (PR_SET_PDEATHSIG).
#ifndef KILN_SERVICE_ZYGOTE_H_
#define KILN_SERVICE_ZYGOTE_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/unique_fd.h"

namespace kiln {

// A worker as the front sees it. Destroying it kills the worker. Thread-compatible.
class WorkerProcess {
 public:
  WorkerProcess(WorkerProcess&&) = default;
  WorkerProcess& operator=(WorkerProcess&&) = default;

  pid_t pid() const { return pid_; }
  // The front's end of the socket for frames. May be taken once.
  UniqueFd TakeSocket() { return std::move(socket_); }
  // What waitpid() said of it, once it is dead. nullopt if it does not end within
  // `patience`, or if its zygote died with it.
  std::optional<int> AwaitExit(absl::Duration patience);

 private:
  friend class Zygote;
  WorkerProcess(pid_t pid, UniqueFd socket, UniqueFd lifeline)
      : pid_(pid), socket_(std::move(socket)), lifeline_(std::move(lifeline)) {}

  pid_t pid_;
  UniqueFd socket_;
  UniqueFd lifeline_;
};

// "killed by signal 9 (Killed)", "exited with code 3"; for messages.
std::string DescribeExit(std::optional<int> wait_status);

class Zygote {
 public:
  struct Functions {
    // Runs once in each zygote, before it forks anything.
    std::function<void()> initialize;
    // The worker's whole life; the process exits with what it returns.
    std::function<int(UniqueFd socket)> work;
  };

  // Call from the process's main thread while it is the only one.
  static absl::StatusOr<std::unique_ptr<Zygote>> Start(Functions functions);
  // Ends the zygote, and with it every worker.
  ~Zygote();

  // Thread-safe. WORKER_CRASHED if the zygote died under the request: ask again,
  // the next one is already coming up; or if no zygote can be started any more.
  absl::StatusOr<WorkerProcess> Spawn() const;

  // For tests.
  pid_t nanny_pid() const { return nanny_; }

 private:
  Zygote(pid_t nanny, UniqueFd control) : nanny_(nanny), control_(std::move(control)) {}

  // Constant after construction.
  const pid_t nanny_;
  const UniqueFd control_;
};

}  // namespace kiln

#endif  // KILN_SERVICE_ZYGOTE_H_
