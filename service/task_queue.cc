#include "service/task_queue.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {

TaskQueue::TaskQueue(Options options, const Clock* clock) : options_(std::move(options)), clock_(clock) {
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { RunTasks(); });
}

void TaskQueue::Join() {
  ShutDown();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

absl::Status TaskQueue::Admit() {
  if (shut_down_) {
    return MakeError(ErrorReason::kShuttingDown, absl::StrCat("this server takes no more ", options_.name));
  }
  const auto queued = static_cast<int64_t>(waiting_.size());
  if (queued < options_.max_queued) return absl::OkStatus();
  return MakeError(ErrorReason::kOverloaded, absl::StrCat(queued, " ", options_.name, " wait already, and ",
                                                          options_.max_queued, " may"));
}

void TaskQueue::Submit(Task task, std::shared_ptr<const CancelSignal> cancel) {
  absl::Status admission;
  {
    absl::MutexLock lock(&mutex_);
    admission = Admit();
    if (admission.ok()) {
      waiting_.push_back({std::move(task), std::move(cancel), clock_->Monotonic()});
      return;
    }
  }
  task(std::move(admission));
}

absl::Status TaskQueue::WhyPrune(const Entry& entry) const {
  if (entry.cancel != nullptr && entry.cancel->cancelled()) {
    return MakeError(ErrorReason::kRequestCancelled, "nobody waits for the answer any more");
  }
  if (clock_->Monotonic() - entry.since <= options_.max_wait) return absl::OkStatus();
  return MakeError(ErrorReason::kOverloaded, absl::StrCat("all ", options_.threads, " threads for ", options_.name,
                                                          " have been busy for ",
                                                          absl::FormatDuration(options_.max_wait)));
}

void TaskQueue::Prune() {
  std::vector<std::pair<Task, absl::Status>> pruned;
  {
    absl::MutexLock lock(&mutex_);
    std::deque<Entry> kept;
    for (Entry& entry : waiting_) {
      absl::Status why = WhyPrune(entry);
      if (why.ok()) {
        kept.push_back(std::move(entry));
      } else {
        pruned.emplace_back(std::move(entry.task), std::move(why));
      }
    }
    waiting_ = std::move(kept);
  }
  for (auto& [task, why] : pruned) task(std::move(why));
}

void TaskQueue::ShutDown() {
  std::deque<Entry> turned_away;
  {
    absl::MutexLock lock(&mutex_);
    shut_down_ = true;
    turned_away.swap(waiting_);
  }
  for (Entry& entry : turned_away) {
    entry.task(MakeError(ErrorReason::kShuttingDown, "the server shut down before it was this request's turn"));
  }
}

void TaskQueue::RunTasks() {
  while (true) {
    Entry entry;
    {
      absl::MutexLock lock(&mutex_);
      const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return shut_down_ || !waiting_.empty(); };
      mutex_.Await(absl::Condition(&ready));
      if (waiting_.empty()) return;
      entry = std::move(waiting_.front());
      waiting_.pop_front();
      ++running_;
    }
    entry.task(WhyPrune(entry));
    // What the task holds is let go before the thread counts as free.
    entry = {};
    absl::MutexLock lock(&mutex_);
    --running_;
  }
}

int64_t TaskQueue::num_queued() const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int64_t>(waiting_.size());
}

int64_t TaskQueue::num_running() const {
  absl::MutexLock lock(&mutex_);
  return running_;
}

}  // namespace kiln
