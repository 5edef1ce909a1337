#include "cache/shape_profile.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

using Dim = v1::ProfileShapesResponse::Dim;

constexpr size_t kMaxSubjects = 20000;
constexpr int kMaxDims = 16384;
constexpr int kMaxSizes = ShapeProfile::kMaxThreshold;
constexpr int kMaxDivisions = ShapeProfile::kMaxDivisions;

// The dimension of a scalar.
constexpr int32_t kScalar = -1;

// Adds `value` to a sorted list of distinct values, if there is room. True: it is new.
bool AddSorted(int64_t value, int most, google::protobuf::RepeatedField<int64_t>& values) {
  auto at = std::lower_bound(values.begin(), values.end(), value);
  if (at != values.end() && *at == value) return false;
  if (values.size() >= most) return false;
  const auto index = at - values.begin();
  values.Add(value);
  std::rotate(values.begin() + index, values.end() - 1, values.end());
  return true;
}

bool IsSortedSet(const google::protobuf::RepeatedField<int64_t>& values, int most) {
  return values.size() <= most && std::is_sorted(values.begin(), values.end()) &&
         std::adjacent_find(values.begin(), values.end()) == values.end();
}

// What a store gives back may be another's, or damaged: the bounds are those of what was
// put there.
bool IsSane(const SubjectShapes& shapes) {
  return shapes.dims_size() <= kMaxDims && std::all_of(shapes.dims().begin(), shapes.dims().end(), [](const Dim& dim) {
           return IsSortedSet(dim.sizes(), kMaxSizes) && IsSortedSet(dim.divisions(), kMaxDivisions);
         });
}

bool AddDivisions(const v1::SizeRange& valid, Dim& dim) {
  bool is_new = false;
  // Sizes are not negative: a trace that holds from 0 on is not divided there.
  if (valid.has_min() && valid.min() > 0) {
    is_new = AddSorted(valid.min(), kMaxDivisions, *dim.mutable_divisions());
  }
  if (valid.has_max() && valid.max() < std::numeric_limits<int64_t>::max()) {
    is_new |= AddSorted(valid.max() + 1, kMaxDivisions, *dim.mutable_divisions());
  }
  return is_new;
}

std::string KeyOfSubject(absl::string_view domain, const Digest& subject) {
  return absl::StrCat(subject.bytes(), domain);
}

absl::string_view DomainOf(absl::string_view key) { return key.substr(Digest::kSizeBytes); }

}  // namespace

ShapeProfile::ShapeProfile(std::shared_ptr<ProfileStore> store, int threshold)
    : store_(std::move(store)), threshold_(threshold) {}

absl::StatusOr<std::unique_ptr<ShapeProfile>> ShapeProfile::Open(std::shared_ptr<ProfileStore> store, int threshold) {
  std::unique_ptr<ShapeProfile> profile(new ShapeProfile(std::move(store), threshold));
  if (profile->store_ == nullptr) return profile;
  KILN_RETURN_IF_ERROR(profile->store_->VisitProfiles(
      [&](absl::string_view key, absl::string_view value) { profile->Load(std::string(key), value); }));
  return profile;
}

void ShapeProfile::Load(const Key& key, absl::string_view value) {
  absl::MutexLock lock(&mutex_);
  SubjectShapes shapes;
  if (key.size() < Digest::kSizeBytes || !shapes.ParseFromArray(value.data(), static_cast<int>(value.size())) ||
      !IsSane(shapes)) {
    evicted_.push_back(key);
    return;
  }
  shapes.set_subject(key.substr(0, Digest::kSizeBytes));
  Entry& entry = EntryOf(key);
  entry.shapes = std::move(shapes);
  for (int i = 0; i < entry.shapes.dims_size(); ++i) {
    // The threshold may be another one by now.
    Dim& dim = *entry.shapes.mutable_dims(i);
    dim.set_varies(dim.sizes_size() >= threshold_);
    entry.dims.try_emplace({dim.source(), dim.dim()}, i);
  }
}

ShapeProfile::Entry& ShapeProfile::EntryOf(const Key& key) {
  auto [it, is_new] = entries_.try_emplace(key);
  Entry& entry = it->second;
  if (!is_new) {
    order_.splice(order_.begin(), order_, entry.place);
    return entry;
  }
  order_.push_front(key);
  entry.place = order_.begin();
  entry.shapes.set_subject(key.substr(0, Digest::kSizeBytes));
  if (entries_.size() > kMaxSubjects) {
    evicted_.push_back(order_.back());
    entries_.erase(order_.back());
    order_.pop_back();
  }
  return entries_.find(key)->second;
}

Dim* ShapeProfile::DimOf(Entry& entry, absl::string_view source, int32_t dim) {
  auto [it, is_new] = entry.dims.try_emplace({std::string(source), dim}, entry.shapes.dims_size());
  if (!is_new) return entry.shapes.mutable_dims(it->second);
  if (entry.shapes.dims_size() >= kMaxDims) {
    entry.dims.erase(it);
    return nullptr;
  }
  Dim& added = *entry.shapes.add_dims();
  added.set_source(std::string(source));
  added.set_dim(dim);
  return &added;
}

void ShapeProfile::LearnSize(Dim& dim, int64_t size) const {
  const bool is_first = dim.sizes().empty();
  dim.set_min(is_first ? size : std::min(dim.min(), size));
  dim.set_max(is_first ? size : std::max(dim.max(), size));
  AddSorted(size, kMaxSizes, *dim.mutable_sizes());
  dim.set_varies(dim.sizes_size() >= threshold_);
}

void ShapeProfile::NoteSize(Entry& entry, absl::string_view source, int32_t dim, int64_t size,
                            const v1::SizeRange* valid) {
  Dim* noted = DimOf(entry, source, dim);
  if (noted == nullptr) return;
  noted->set_observed(noted->observed() + 1);
  LearnSize(*noted, size);
  if (valid != nullptr) AddDivisions(*valid, *noted);
  entry.is_dirty = true;
}

void ShapeProfile::Merge(absl::string_view domain, const Digest& subject, const SubjectShapes& learnt) {
  if (learnt.dims().empty()) return;
  absl::MutexLock lock(&mutex_);
  Entry& entry = EntryOf(KeyOfSubject(domain, subject));
  if (entry.shapes.name().empty()) entry.shapes.set_name(learnt.name());
  for (const Dim& from : learnt.dims()) {
    Dim* to = DimOf(entry, from.source(), from.dim());
    if (to == nullptr) continue;
    for (int64_t size : from.sizes()) LearnSize(*to, size);
    for (int64_t division : from.divisions()) AddSorted(division, kMaxDivisions, *to->mutable_divisions());
  }
  entry.is_dirty = true;
}

void ShapeProfile::Observe(absl::string_view domain, const Digest& subject, absl::string_view name,
                           const ShapeObservations& observations) {
  if (observations.empty()) return;
  absl::MutexLock lock(&mutex_);
  Entry& entry = EntryOf(KeyOfSubject(domain, subject));
  if (!name.empty()) entry.shapes.set_name(std::string(name));
  for (const v1::ShapeObservation& observation : observations) {
    for (int i = 0; i < observation.sizes_size(); ++i) {
      const v1::SizeRange* valid = i < observation.valid_size() ? &observation.valid(i) : nullptr;
      NoteSize(entry, observation.source(), observation.is_scalar() ? kScalar : i, observation.sizes(i), valid);
    }
  }
}

std::optional<SubjectShapes> ShapeProfile::Find(absl::string_view domain, const Digest& subject) const {
  absl::MutexLock lock(&mutex_);
  auto it = entries_.find(KeyOfSubject(domain, subject));
  if (it == entries_.end()) return std::nullopt;
  return it->second.shapes;
}

std::vector<SubjectShapes> ShapeProfile::List(absl::string_view domain, absl::string_view after, int most) const {
  absl::MutexLock lock(&mutex_);
  std::vector<const Entry*> found;
  for (const auto& [key, entry] : entries_) {
    if (DomainOf(key) == domain && entry.shapes.subject() > after) found.push_back(&entry);
  }
  auto by_subject = [](const Entry* a, const Entry* b) { return a->shapes.subject() < b->shapes.subject(); };
  const size_t count = std::min(found.size(), static_cast<size_t>(most));
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count), found.end(), by_subject);
  std::vector<SubjectShapes> subjects;
  for (size_t i = 0; i < count; ++i) subjects.push_back(found[i]->shapes);
  return subjects;
}

absl::Status ShapeProfile::Flush() {
  if (store_ == nullptr) return absl::OkStatus();
  std::vector<std::pair<Key, std::string>> dirty;
  std::vector<Key> evicted;
  {
    absl::MutexLock lock(&mutex_);
    for (auto& [key, entry] : entries_) {
      if (entry.is_dirty) dirty.emplace_back(key, entry.shapes.SerializeAsString());
      entry.is_dirty = false;
    }
    evicted.swap(evicted_);
  }
  absl::Status first;
  // Removed first, since one that was evicted may have come back.
  for (const Key& key : evicted) first.Update(store_->RemoveProfile(key));
  for (const auto& [key, value] : dirty) {
    absl::Status put = store_->PutProfile(key, value);
    if (put.ok()) continue;
    first.Update(put);
    absl::MutexLock lock(&mutex_);
    if (auto it = entries_.find(key); it != entries_.end()) it->second.is_dirty = true;
  }
  return first;
}

int64_t ShapeProfile::num_subjects() const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int64_t>(entries_.size());
}

}  // namespace kiln
