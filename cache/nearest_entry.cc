#include "cache/nearest_entry.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "cache/failed_guards.h"

namespace kiln {
namespace {

constexpr char kSharedDomain[] = "";
// Bounds of one search.
constexpr size_t kMaxVariantsTried = 16;
constexpr size_t kMaxGuardsTried = 64;
constexpr size_t kMaxGraphsLike = 8;

class Search {
 public:
  Search(const GuardIndex& index, const NearestQuestion& question) : index_(index), question_(question) {}

  NearestEntry Run() {
    if (absl::StatusOr<VariantKey> key = KeyOf(question_.key); key.ok()) {
      if (IndexedVariantPtr variant = BestOf(*key)) return {std::move(variant), {}};
    }
    const std::string& domain = question_.key.domain();
    if (IndexedVariantPtr variant = OfSameGraph(domain)) {
      return {variant, DifferingParts(question_.key, variant->record.key())};
    }
    NearestEntry other = {nullptr, {v1::MISS_REASON_UNKNOWN_KEY}};
    other.variant = OfSameGraph(kSharedDomain);
    if (other.variant == nullptr) other.variant = OfGraphLike(domain);
    if (other.variant == nullptr) other.variant = OfGraphLike(kSharedDomain);
    return other;
  }

 private:
  // Of the key's variants that are tried: the fewest guards that fail, then the least
  // that the host lacks, then the index's own order.
  IndexedVariantPtr BestOf(const VariantKey& key) const {
    IndexedVariantPtr best;
    auto best_rank = std::make_tuple(SIZE_MAX, SIZE_MAX);
    for (IndexedVariantPtr& variant : index_.SomeVariantsOf(key, kMaxVariantsTried)) {
      const auto rank =
          std::make_tuple(FailedGuards(variant->record, question_.symbol_values, kMaxGuardsTried).size(),
                          question_.host.WhyNot(variant->record).size());
      if (best != nullptr && rank >= best_rank) continue;
      best_rank = rank;
      best = std::move(variant);
    }
    return best;
  }

  // The wall, once more: whatever led here, an entry of another domain is none.
  IndexedVariantPtr VariantIn(absl::string_view domain, const VariantKey& key) const {
    IndexedVariantPtr variant = BestOf(key);
    return variant != nullptr && variant->record.key().domain() == domain ? variant : nullptr;
  }

  IndexedVariantPtr OfSameGraph(absl::string_view domain) const {
    IndexedVariantPtr best;
    size_t fewest = SIZE_MAX;
    for (const VariantKey& key : index_.neighbours().KeysOfGraph(domain, question_.key.graph())) {
      std::vector<IndexedVariantPtr> any = index_.SomeVariantsOf(key, 1);
      if (any.empty()) continue;
      const v1::KeyComponents& there = any[0]->record.key();
      if (there.domain() != domain || there.graph() != question_.key.graph()) continue;
      const size_t differ = DifferingParts(question_.key, there).size();
      if (differ >= fewest) continue;
      fewest = differ;
      best = VariantIn(domain, key);
    }
    return best;
  }

  IndexedVariantPtr OfGraphLike(absl::string_view domain) const {
    IndexedVariantPtr best;
    size_t fewest = SIZE_MAX;
    std::string best_graph;
    for (const VariantKey& key : index_.neighbours().KeysOfGraphsLike(domain, question_.sketch, kMaxGraphsLike)) {
      IndexedVariantPtr variant = VariantIn(domain, key);
      if (variant == nullptr) continue;
      const v1::KeyComponents& there = variant->record.key();
      // The most alike graph that is there, and of its keys the one that differs least.
      if (best != nullptr && there.graph() != best_graph) break;
      best_graph = there.graph();
      const size_t differ = DifferingParts(question_.key, there).size();
      if (differ >= fewest) continue;
      fewest = differ;
      best = std::move(variant);
    }
    return best;
  }

  const GuardIndex& index_;
  const NearestQuestion& question_;
};

}  // namespace

std::vector<v1::MissReason> DifferingParts(const v1::KeyComponents& a, const v1::KeyComponents& b) {
  std::vector<v1::MissReason> parts;
  if (a.signature() != b.signature()) parts.push_back(v1::MISS_REASON_SIGNATURE);
  if (a.options() != b.options()) parts.push_back(v1::MISS_REASON_OPTIONS);
  if (a.compiler_build() != b.compiler_build()) parts.push_back(v1::MISS_REASON_COMPILER_BUILD);
  if (a.target_family() != b.target_family()) parts.push_back(v1::MISS_REASON_TARGET_FAMILY);
  return parts;
}

NearestEntry FindNearest(const GuardIndex& index, const NearestQuestion& question) {
  return Search(index, question).Run();
}

}  // namespace kiln
