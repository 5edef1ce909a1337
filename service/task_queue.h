// Admission: a bounded queue in front of a few threads. Whoever is not admitted,
// or waits too long, is told so at once instead of waiting for ever.
//
//   queue.Submit([=](absl::Status admission) { if (!admission.ok()) ...; ... }, cancel);
#ifndef KILN_SERVICE_TASK_QUEUE_H_
#define KILN_SERVICE_TASK_QUEUE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "service/cancel_signal.h"

namespace kiln {

// Thread-safe.
class TaskQueue {
 public:
  struct Options {
    // For messages: "compiles".
    std::string name;
    int threads = 1;
    int64_t max_queued = 1;
    absl::Duration max_wait = absl::InfiniteDuration();
  };
  // Called exactly once. OK: on a thread of the queue's, which it may keep for as
  // long as it needs. OVERLOADED, REQUEST_CANCELLED or SHUTTING_DOWN: on any
  // thread, with no lock held; it must be brief.
  using Task = std::function<void(absl::Status admission)>;

  TaskQueue(Options options, const Clock* clock);
  ~TaskQueue() { Join(); }

  // A task whose `cancel` (may be null) is set leaves the queue at the next Prune().
  void Submit(Task task, std::shared_ptr<const CancelSignal> cancel = nullptr);

  // Turns away what has been cancelled or has waited too long. Whoever owns a
  // timer calls it.
  void Prune();

  // Turns away what waits and what comes. Returns at once.
  void ShutDown();
  // Shuts down, and waits for the tasks that run. Once, or by the owner's thread alone.
  void Join();

  int64_t num_queued() const;
  int64_t num_running() const;
  int num_threads() const { return options_.threads; }

 private:
  struct Entry {
    Task task;
    std::shared_ptr<const CancelSignal> cancel;
    absl::Duration since;
  };

  void RunTasks();
  absl::Status Admit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Why this entry must go; OK if it may stay.
  absl::Status WhyPrune(const Entry& entry) const;

  // Constant after construction.
  const Options options_;
  const Clock* const clock_;

  mutable absl::Mutex mutex_;
  std::deque<Entry> waiting_ ABSL_GUARDED_BY(mutex_);
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t running_ ABSL_GUARDED_BY(mutex_) = 0;

  std::vector<std::thread> threads_;
};

}  // namespace kiln

#endif  // KILN_SERVICE_TASK_QUEUE_H_
