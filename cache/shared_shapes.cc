#include "cache/shared_shapes.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

using Dim = v1::ProfileShapesResponse::Dim;

// Subjects whose cursors are kept, and dimensions of all of them, at 100 to 1,500 bytes:
// what is forgotten is read from the start again.
constexpr size_t kMaxStates = 1024;
constexpr size_t kMaxDimsOfAll = 65536;
// What one exchange reads at most, and no more dimensions are kept of what a log says.
constexpr int kMaxPages = 32;
constexpr size_t kMaxSaidDims = 16384;
// As many dimensions as one entry says; the rest follow in the next.
constexpr int kMaxDimsPerEntry = 4096;
constexpr int kMaxDivisions = ShapeProfile::kMaxDivisions;
// Of an entry, told or taken, and of names in it: whoever may write to the log has no more
// of this process's memory than that. Longer names stay each replica's own.
constexpr size_t kMaxEntryBytes = 1 << 20;
constexpr size_t kMaxNameBytes = 1024;

bool IsSane(const Dim& dim) {
  return !dim.source().empty() && dim.source().size() <= kMaxNameBytes && dim.dim() >= -1 &&
         dim.dim() < GetLimit(Limit::kRank) && dim.sizes_size() <= ShapeProfile::kMaxThreshold &&
         dim.divisions_size() <= kMaxDivisions;
}

bool IsSane(const SubjectShapes& entry) {
  return entry.name().size() <= kMaxNameBytes && entry.dims_size() <= kMaxDimsPerEntry &&
         std::all_of(entry.dims().begin(), entry.dims().end(), [](const Dim& dim) { return IsSane(dim); });
}

}  // namespace

SharedShapes::SharedShapes(std::unique_ptr<ShapeLog> log, ShapeProfile* profile)
    : log_(std::move(log)), profile_(profile) {}

absl::Status SharedShapes::Exchange(absl::string_view domain, const Digest& subject) {
  const std::string key = absl::StrCat(subject.bytes(), domain);
  State state;
  {
    absl::MutexLock lock(&mutex_);
    if (auto at = states_.find(key); at != states_.end()) {
      state = std::move(at->second);
      num_dims_ -= state.dims.size();
      states_.erase(at);
    }
  }
  absl::Status status = ExchangeFrom(domain, subject, state);
  if (!status.ok()) failed_.fetch_add(1, std::memory_order_relaxed);
  absl::MutexLock lock(&mutex_);
  if (states_.size() >= kMaxStates || num_dims_ + state.dims.size() > kMaxDimsOfAll) {
    states_.clear();
    num_dims_ = 0;
  }
  State& kept = states_[key];
  num_dims_ += state.dims.size() - kept.dims.size();
  kept = std::move(state);
  return status;
}

absl::Status SharedShapes::ExchangeFrom(absl::string_view domain, const Digest& subject, State& state) {
  KILN_ASSIGN_OR_RETURN(const bool read_all, ReadOn(domain, subject, state));
  if (!read_all) return absl::OkStatus();
  const std::optional<SubjectShapes> known = profile_->Find(domain, subject);
  if (!known.has_value()) return absl::OkStatus();
  const SubjectShapes unsaid = Unsaid(*known, state);
  if (unsaid.dims().empty()) return absl::OkStatus();
  // It counts as said when it is read from the log, and not before.
  KILN_RETURN_IF_ERROR(log_->Append(domain, subject, unsaid.SerializeAsString()));
  told_.fetch_add(1, std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::StatusOr<bool> SharedShapes::ReadOn(absl::string_view domain, const Digest& subject, State& state) {
  bool more = true;
  for (int pages = 0; more && pages < kMaxPages; ++pages) {
    KILN_ASSIGN_OR_RETURN(const ShapeLogPage page, log_->Read(domain, subject, state.cursor));
    if (page.lost) {
      // A log that reads as lost from its very start is none.
      if (state.cursor.empty()) return MakeError(ErrorReason::kStorage, "the log of sizes cannot be read");
      state = State();
      continue;
    }
    for (const std::string& entry : page.entries) Take(domain, subject, entry, state);
    state.cursor = page.end;
    more = page.more;
  }
  return !more;
}

void SharedShapes::Take(absl::string_view domain, const Digest& subject, absl::string_view entry, State& state) {
  SubjectShapes shapes;
  if (entry.size() > kMaxEntryBytes || !shapes.ParseFromArray(entry.data(), static_cast<int>(entry.size())) ||
      !IsSane(shapes)) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  taken_.fetch_add(1, std::memory_order_relaxed);
  for (const Dim& dim : shapes.dims()) {
    DimKey key{dim.source(), dim.dim()};
    if (state.dims.size() >= kMaxSaidDims && !state.dims.contains(key)) continue;
    SaidDim& said = state.dims[std::move(key)];
    // Bounded as the profile is, whatever a log goes on to say.
    for (int64_t size : dim.sizes()) {
      if (said.sizes.size() < static_cast<size_t>(ShapeProfile::kMaxThreshold)) said.sizes.insert(size);
    }
    for (int64_t division : dim.divisions()) {
      if (said.divisions.size() < static_cast<size_t>(kMaxDivisions)) said.divisions.insert(division);
    }
  }
  profile_->Merge(domain, subject, shapes);
}

SubjectShapes SharedShapes::Unsaid(const SubjectShapes& known, const State& state) const {
  static const SaidDim& kNothing = *new SaidDim;
  SubjectShapes unsaid;
  if (known.name().size() <= kMaxNameBytes) unsaid.set_name(known.name());
  size_t bytes = unsaid.ByteSizeLong();
  for (const Dim& dim : known.dims()) {
    if (unsaid.dims_size() >= kMaxDimsPerEntry) break;
    if (dim.source().size() > kMaxNameBytes) continue;
    const auto at = state.dims.find(DimKey(dim.source(), dim.dim()));
    // Of dimensions beyond what is kept nobody knows whether they were said.
    if (at == state.dims.end() && state.dims.size() >= kMaxSaidDims) continue;
    const SaidDim& said = at == state.dims.end() ? kNothing : at->second;
    Dim news;
    for (int64_t size : dim.sizes()) {
      const size_t num_said = said.sizes.size() + static_cast<size_t>(news.sizes_size());
      if (num_said < static_cast<size_t>(profile_->threshold()) && !said.sizes.contains(size)) news.add_sizes(size);
    }
    const bool may_divide = said.divisions.size() < static_cast<size_t>(kMaxDivisions);
    for (int64_t division : dim.divisions()) {
      if (may_divide && !said.divisions.contains(division)) news.add_divisions(division);
    }
    if (news.sizes().empty() && news.divisions().empty()) continue;
    news.set_source(dim.source());
    news.set_dim(dim.dim());
    // Tag and length of the dimension in the entry.
    bytes += news.ByteSizeLong() + 8;
    if (bytes > kMaxEntryBytes) break;
    *unsaid.add_dims() = std::move(news);
  }
  return unsaid;
}

SharedShapesCounters SharedShapes::Counters() const {
  return {.taken = taken_.load(std::memory_order_relaxed),
          .told = told_.load(std::memory_order_relaxed),
          .refused = refused_.load(std::memory_order_relaxed),
          .failed = failed_.load(std::memory_order_relaxed)};
}

}  // namespace kiln
