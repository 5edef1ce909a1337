#include "cache/remembered_failures.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {
namespace {

// Of the failure's own words; the rest of an error's message is ours.
constexpr size_t kMaxMessageBytes = 3500;

std::string Seconds(absl::Duration duration) {
  return absl::StrCat(std::max<int64_t>(0, absl::ToInt64Seconds(absl::Ceil(duration, absl::Seconds(1)))), "s");
}

std::string Words(const absl::Status& failure) { return std::string(failure.message().substr(0, kMaxMessageBytes)); }

}  // namespace

absl::Status RememberedFailures::Recall(const FlightRequest& request) {
  const absl::Duration now = clock_->Monotonic();
  const Digest identity = FlightIdentity(request);
  absl::MutexLock lock(&mutex_);
  if (const Entry* killer = FindLocked(by_key_, request.key.digest); killer != nullptr && now < killer->until) {
    ++answered_;
    return MakeError(ErrorReason::kGraphQuarantined,
                     absl::StrCat("this graph has killed ", killer->times, " workers, the last one ",
                                  Seconds(now - killer->last), " ago, and is not compiled for another ",
                                  Seconds(killer->until - now), "; the last time: ", Words(killer->failure)));
  }
  const Entry* entry = FindLocked(by_identity_, identity);
  if (entry == nullptr || now >= entry->until) return absl::OkStatus();
  ++answered_;
  return MakeError(*GetErrorReason(entry->failure),
                   absl::StrCat(Words(entry->failure), " (remembered: it failed ", Seconds(now - entry->last),
                                " ago, ", entry->times, entry->times == 1 ? " time" : " times",
                                " in all, and is tried again in ", Seconds(entry->until - now), ")"));
}

void RememberedFailures::NoteFailure(const FlightRequest& request, const absl::Status& failure) {
  const std::optional<ErrorReason> reason = GetErrorReason(failure);
  if (!reason.has_value()) return;
  const Digest identity = FlightIdentity(request);
  absl::MutexLock lock(&mutex_);
  if (GetErrorReasonRow(*reason).cause == ErrorCause::kGraph) NoteGraphFailureLocked(identity, failure);
  if (*reason == ErrorReason::kWorkerCrashed) NoteKillLocked(request.key.digest, failure);
}

void RememberedFailures::NoteGraphFailureLocked(const Digest& identity, const absl::Status& failure) {
  const absl::Duration now = clock_->Monotonic();
  FindLocked(by_identity_, identity);
  Entry& entry = TouchLocked(by_identity_, identity);
  entry.failure = failure;
  entry.last = now;
  // Doubled each time; the exponent is bounded before the power is taken.
  const absl::Duration delay = memory_.first * std::exp2(std::min(entry.times, 30));
  entry.until = now + std::min(delay, memory_.longest);
  entry.forgotten = entry.until + memory_.longest;
  ++entry.times;
}

void RememberedFailures::NoteKillLocked(const Digest& key, const absl::Status& failure) {
  const absl::Duration now = clock_->Monotonic();
  FindLocked(by_key_, key);
  Entry& entry = TouchLocked(by_key_, key);
  entry.failure = failure;
  entry.last = now;
  ++entry.times;
  const double more = static_cast<unsigned char>(key.bytes()[0]) / 256.0 / 4;
  const absl::Duration end = now + memory_.quarantine * (1 + more);
  if (entry.times >= memory_.kills) entry.until = end;
  entry.forgotten = end;
}

void RememberedFailures::NoteSuccess(const FlightRequest& request) {
  const Digest identity = FlightIdentity(request);
  absl::MutexLock lock(&mutex_);
  EraseLocked(by_identity_, identity);
  EraseLocked(by_key_, request.key.digest);
}

RememberedFailures::Entry& RememberedFailures::TouchLocked(Table& table, const Digest& name) {
  const auto found = table.by_name.find(name);
  if (found != table.by_name.end()) {
    table.entries.splice(table.entries.begin(), table.entries, found->second);
    return table.entries.front();
  }
  if (table.entries.size() >= memory_.max_entries) EraseLocked(table, Digest(table.entries.back().name));
  table.entries.push_front({.name = name});
  table.by_name[name] = table.entries.begin();
  return table.entries.front();
}

void RememberedFailures::EraseLocked(Table& table, const Digest& name) {
  const auto found = table.by_name.find(name);
  if (found == table.by_name.end()) return;
  table.entries.erase(found->second);
  table.by_name.erase(found);
}

const RememberedFailures::Entry* RememberedFailures::FindLocked(Table& table, const Digest& name) {
  const auto found = table.by_name.find(name);
  if (found == table.by_name.end()) return nullptr;
  if (clock_->Monotonic() < found->second->forgotten) return &*found->second;
  EraseLocked(table, name);
  return nullptr;
}

int64_t RememberedFailures::CountLocked(const Table& table) const {
  const absl::Duration now = clock_->Monotonic();
  return std::count_if(table.entries.begin(), table.entries.end(), [&](const Entry& e) { return now < e.until; });
}

FailureCounters RememberedFailures::Counters() const {
  absl::MutexLock lock(&mutex_);
  return {CountLocked(by_identity_), CountLocked(by_key_), answered_};
}

}  // namespace kiln
