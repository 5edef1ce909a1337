#include "cache/key_neighbours.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"

namespace kiln {
namespace {

constexpr size_t kWordsPerBand = 2;
constexpr size_t kSketchWords = kWordsPerBand * KeyNeighbours::kBands;

int Likeness(absl::Span<const uint32_t> a, absl::Span<const uint32_t> b) {
  int equal = 0;
  for (size_t w = 0; w < std::min(a.size(), b.size()); ++w) equal += a[w] == b[w];
  return equal;
}

template <typename Keys>
std::vector<VariantKey> NewestFirst(const Keys& keys) {
  return {keys.rbegin(), keys.rend()};
}

}  // namespace

KeyNeighbours::GraphId KeyNeighbours::IdOf(absl::string_view domain, absl::string_view graph) {
  return absl::HashOf(domain, graph);
}

std::vector<uint64_t> KeyNeighbours::BucketsOf(absl::string_view domain, absl::Span<const uint32_t> sketch) {
  std::vector<uint64_t> buckets;
  if (sketch.size() != kSketchWords) return buckets;
  for (int band = 0; band < kBands; ++band) {
    const size_t first = kWordsPerBand * static_cast<size_t>(band);
    buckets.push_back(absl::HashOf(domain, band, sketch[first], sketch[first + 1]));
  }
  return buckets;
}

void KeyNeighbours::Remember(const VariantKey& key, size_t max, Keys& keys) {
  if (std::find(keys.begin(), keys.end(), key) != keys.end()) return;
  if (keys.size() >= max) keys.erase(keys.begin());
  keys.push_back(key);
}

void KeyNeighbours::Add(const IndexedVariant& variant) {
  const v1::KeyComponents& components = variant.record.key();
  const auto& words = variant.record.preimage().sketch();
  const GraphId graph = IdOf(components.domain(), components.graph());
  absl::MutexLock lock(&mutex_);
  auto [artifact, is_new_artifact] = by_artifact_.try_emplace(variant.artifact);
  Remember(variant.key, kMaxKeysPerArtifact, artifact->second);
  if (is_new_artifact) {
    artifacts_.push_back(variant.artifact);
    if (artifacts_.size() > 2 * max_graphs_) {
      by_artifact_.erase(artifacts_.front());
      artifacts_.pop_front();
    }
  }
  auto known = by_graph_.find(graph);
  if (known == by_graph_.end()) {
    std::vector<uint32_t> sketch(words.begin(), words.end());
    std::vector<uint64_t> buckets = BucketsOf(components.domain(), sketch);
    AddGraph({graph, std::move(sketch), std::move(buckets)});
    known = by_graph_.try_emplace(graph).first;
  }
  Remember(variant.key, kMaxKeysPerGraph, known->second);
}

void KeyNeighbours::AddGraph(Slot slot) {
  const auto number = static_cast<SlotNumber>(next_slot_);
  next_slot_ = (next_slot_ + 1) % max_graphs_;
  if (number < slots_.size()) {
    ForgetGraph(number);
  } else {
    slots_.emplace_back();
  }
  for (uint64_t bucket : slot.buckets) {
    absl::InlinedVector<SlotNumber, 2>& numbers = buckets_[bucket];
    if (numbers.size() >= kBucketSize) numbers.erase(numbers.begin());
    numbers.push_back(number);
  }
  slots_[number] = std::move(slot);
}

void KeyNeighbours::ForgetGraph(SlotNumber number) {
  by_graph_.erase(slots_[number].graph);
  for (uint64_t bucket : slots_[number].buckets) {
    auto at = buckets_.find(bucket);
    if (at == buckets_.end()) continue;
    auto old = std::find(at->second.begin(), at->second.end(), number);
    if (old != at->second.end()) at->second.erase(old);
    if (at->second.empty()) buckets_.erase(at);
  }
}

std::vector<VariantKey> KeyNeighbours::KeysOfGraph(absl::string_view domain, absl::string_view graph) const {
  absl::MutexLock lock(&mutex_);
  auto known = by_graph_.find(IdOf(domain, graph));
  return known == by_graph_.end() ? std::vector<VariantKey>() : NewestFirst(known->second);
}

std::vector<VariantKey> KeyNeighbours::KeysOfArtifact(const Digest& artifact) const {
  absl::MutexLock lock(&mutex_);
  auto known = by_artifact_.find(artifact);
  return known == by_artifact_.end() ? std::vector<VariantKey>() : NewestFirst(known->second);
}

std::vector<VariantKey> KeyNeighbours::KeysOfGraphsLike(absl::string_view domain, absl::Span<const uint32_t> sketch,
                                                        size_t max_graphs) const {
  struct Candidate {
    int likeness;
    SlotNumber slot;
  };
  absl::MutexLock lock(&mutex_);
  std::vector<Candidate> candidates;
  absl::flat_hash_set<SlotNumber> seen;
  for (uint64_t bucket : BucketsOf(domain, sketch)) {
    auto at = buckets_.find(bucket);
    if (at == buckets_.end()) continue;
    for (SlotNumber slot : at->second) {
      if (seen.insert(slot).second) candidates.push_back({Likeness(sketch, slots_[slot].sketch), slot});
    }
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.likeness != b.likeness ? a.likeness > b.likeness : a.slot > b.slot;
  });
  if (candidates.size() > max_graphs) candidates.resize(max_graphs);
  std::vector<VariantKey> keys;
  for (const Candidate& candidate : candidates) {
    auto known = by_graph_.find(slots_[candidate.slot].graph);
    if (known == by_graph_.end()) continue;
    keys.insert(keys.end(), known->second.rbegin(), known->second.rend());
  }
  return keys;
}

}  // namespace kiln
