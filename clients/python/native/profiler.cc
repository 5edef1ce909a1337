#include "clients/python/native/profiler.h"

#include <utility>

namespace kiln {

Profiler& Profiler::Shared() {
  // Never destroyed: artifacts may run while the process ends.
  static Profiler* const profiler = new Profiler;
  return *profiler;
}

void Profiler::Enable(bool keep_events) {
  absl::MutexLock lock(&mutex_);
  is_enabled_ = true;
  keep_events_ = keep_events_ || keep_events;
}

bool Profiler::is_enabled() const {
  absl::MutexLock lock(&mutex_);
  return is_enabled_;
}

int Profiler::AddRow(Row row) {
  absl::MutexLock lock(&mutex_);
  rows_.push_back(std::move(row));
  return static_cast<int>(rows_.size()) - 1;
}

void Profiler::Add(const Event& event, int64_t bytes, int64_t operations) {
  absl::MutexLock lock(&mutex_);
  Row& row = rows_[event.row];
  ++row.calls;
  row.nanoseconds += event.nanoseconds;
  row.bytes += bytes;
  row.operations += operations;
  if (!keep_events_) return;
  if (events_.size() < kMostEvents) {
    events_.push_back(event);
  } else {
    ++dropped_events_;
  }
}

std::vector<Profiler::Row> Profiler::rows() const {
  absl::MutexLock lock(&mutex_);
  return rows_;
}

std::vector<Profiler::Event> Profiler::events() const {
  absl::MutexLock lock(&mutex_);
  return events_;
}

int64_t Profiler::dropped_events() const {
  absl::MutexLock lock(&mutex_);
  return dropped_events_;
}

// Rows stay: artifacts know them by index.
void Profiler::Clear() {
  absl::MutexLock lock(&mutex_);
  for (Row& row : rows_) row.calls = row.nanoseconds = row.bytes = row.operations = 0;
  events_.clear();
  dropped_events_ = 0;
}

}  // namespace kiln
