#include "cache/scrubber.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace kiln {
namespace {

// What a row costs that has nothing to read: a seek.
constexpr int64_t kLeastBytes = 4096;

}  // namespace

Scrubber::Scrubber(std::shared_ptr<ArtifactStore> store, Options options)
    : store_(std::move(store)), options_(options) {}

absl::Duration Scrubber::Step() {
  const absl::StatusOr<std::optional<VariantRow>> row = store_->NextVariant(last_);
  if (!row.ok()) return options_.rest_after_fault;
  if (!row->has_value()) {
    last_.reset();
    passes_.fetch_add(1, std::memory_order_relaxed);
    return options_.rest_after_pass;
  }
  const VariantRow& read = **row;
  last_ = RowName(read.key, read.artifact);
  rows_.fetch_add(1, std::memory_order_relaxed);
  auto bytes = static_cast<int64_t>(read.signed_variant.record().size());
  const absl::StatusOr<StoredArtifact> artifact = store_->GetArtifact(read.artifact);
  if (artifact.ok()) {
    bytes += static_cast<int64_t>(artifact->elf->size());
  } else if (GetErrorReason(artifact.status()) == ErrorReason::kStorage) {
    return options_.rest_after_fault;
  } else {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    // If it fails the next pass finds the row again.
    store_->RemoveVariant(read.key, read.artifact).IgnoreError();
  }
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return absl::Seconds(static_cast<double>(std::max(bytes, kLeastBytes)) /
                       static_cast<double>(std::max<int64_t>(1, options_.bytes_per_second)));
}

ScrubCounters Scrubber::Counters() const {
  return {.rows = rows_.load(std::memory_order_relaxed),
          .bytes = bytes_.load(std::memory_order_relaxed),
          .dropped = dropped_.load(std::memory_order_relaxed),
          .passes = passes_.load(std::memory_order_relaxed)};
}

}  // namespace kiln
