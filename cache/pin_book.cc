#include "cache/pin_book.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace kiln {

PinBook::PinBook(Options options, const Clock* clock, std::shared_ptr<PinStore> store)
    : options_(options), clock_(clock), store_(std::move(store)) {
  if (store_ != nullptr) Load();
}

void PinBook::Load() {
  std::vector<PinStore::Row> rows;
  // A store that cannot be read has no pins: they save compiles, and nothing else.
  store_->VisitPins([&](PinStore::Row row) { rows.push_back(std::move(row)); }).IgnoreError();
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.until > b.until; });
  const absl::Time now = clock_->Now();
  absl::MutexLock lock(&mutex_);
  for (const PinStore::Row& row : rows) {
    // No lease is longer than one that is given now, whatever a clock once said.
    const absl::Time until = std::min(row.until, now + options_.lease);
    Lease* lease = until > now ? LeaseOf(row.job, row.artifact, row.bytes, until) : nullptr;
    if (lease != nullptr) {
      lease->stored_until = row.until;
    } else {
      store_->RemovePin(row.job, row.artifact).IgnoreError();
    }
  }
}

bool PinBook::HasRoom(absl::string_view job, const Pinned* pinned, int64_t bytes) const {
  if (num_pins_ >= options_.max_pins) return false;
  auto of_job = bytes_of_job_.find(job);
  const int64_t jobs_bytes = of_job == bytes_of_job_.end() ? 0 : of_job->second;
  if (bytes > options_.max_bytes_per_job - jobs_bytes) return false;
  // Another job holds it already: it takes no more room.
  return pinned != nullptr || bytes <= options_.max_bytes - bytes_;
}

PinBook::Lease* PinBook::LeaseOf(absl::string_view job, const Digest& artifact, int64_t bytes, absl::Time until) {
  bytes = std::max<int64_t>(0, bytes);
  auto found = pinned_.find(artifact);
  Pinned* pinned = found == pinned_.end() ? nullptr : &found->second;
  if (pinned != nullptr) bytes = pinned->bytes;
  auto lease = pinned == nullptr ? decltype(pinned->jobs)::iterator() : pinned->jobs.find(job);
  if (pinned == nullptr || lease == pinned->jobs.end()) {
    if (!HasRoom(job, pinned, bytes)) {
      refused_.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
    if (pinned == nullptr) {
      pinned = &pinned_[artifact];
      pinned->bytes = bytes;
      bytes_ += bytes;
    }
    lease = pinned->jobs.try_emplace(std::string(job)).first;
    bytes_of_job_[std::string(job)] += bytes;
    ++num_pins_;
  }
  lease->second.until = std::max(lease->second.until, until);
  pinned->until = std::max(pinned->until, until);
  return &lease->second;
}

bool PinBook::Pin(absl::string_view job, const Digest& artifact, int64_t bytes) {
  const absl::Time now = clock_->Now();
  const absl::Time until = now + options_.lease;
  {
    absl::MutexLock lock(&mutex_);
    Lease* lease = LeaseOf(job, artifact, bytes, until);
    if (lease == nullptr) return false;
    if (store_ == nullptr || lease->stored_until - now > options_.lease / 2) return true;
    lease->stored_until = until;
  }
  // One that is not kept ends with the process.
  store_->PutPin({std::string(job), artifact, bytes, until}).IgnoreError();
  return true;
}

bool PinBook::IsPinned(const Digest& artifact) const {
  absl::MutexLock lock(&mutex_);
  auto found = pinned_.find(artifact);
  return found != pinned_.end() && found->second.until > clock_->Now();
}

bool PinBook::IsPinnedBy(absl::string_view job, const Digest& artifact) const {
  absl::MutexLock lock(&mutex_);
  auto found = pinned_.find(artifact);
  if (found == pinned_.end()) return false;
  auto lease = found->second.jobs.find(job);
  return lease != found->second.jobs.end() && lease->second.until > clock_->Now();
}

void PinBook::Expire() {
  const absl::Time now = clock_->Now();
  std::vector<std::pair<std::string, Digest>> over;
  {
    absl::MutexLock lock(&mutex_);
    for (auto pinned = pinned_.begin(); pinned != pinned_.end();) {
      const int64_t bytes = pinned->second.bytes;
      for (auto lease = pinned->second.jobs.begin(); lease != pinned->second.jobs.end();) {
        if (lease->second.until > now) {
          ++lease;
          continue;
        }
        auto of_job = bytes_of_job_.find(lease->first);
        of_job->second -= bytes;
        if (of_job->second <= 0) bytes_of_job_.erase(of_job);
        --num_pins_;
        over.emplace_back(lease->first, pinned->first);
        pinned->second.jobs.erase(lease++);
      }
      if (pinned->second.jobs.empty()) {
        bytes_ -= bytes;
        pinned_.erase(pinned++);
      } else {
        ++pinned;
      }
    }
  }
  if (store_ == nullptr) return;
  for (const auto& [job, artifact] : over) store_->RemovePin(job, artifact).IgnoreError();
}

PinCounters PinBook::Counters() const {
  absl::MutexLock lock(&mutex_);
  return {.pins = num_pins_,
          .jobs = static_cast<int64_t>(bytes_of_job_.size()),
          .bytes = bytes_,
          .refused = refused_.load(std::memory_order_relaxed)};
}

}  // namespace kiln
