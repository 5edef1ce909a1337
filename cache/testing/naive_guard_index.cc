#include "cache/testing/naive_guard_index.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "cache/guard_set.h"

namespace kiln {

void NaiveGuardIndex::Add(IndexedVariantPtr variant) {
  Remove(variant->key, variant->artifact);
  variants_.push_back(std::move(variant));
}

void NaiveGuardIndex::Remove(const VariantKey& key, const Digest& artifact) {
  std::erase_if(variants_, [&](const IndexedVariantPtr& v) { return v->key == key && v->artifact == artifact; });
}

IndexAnswer NaiveGuardIndex::Lookup(const VariantKey& key, absl::Span<const int64_t> values,
                                    const HostClass& host) const {
  using Order = std::tuple<bool, size_t, int, int, int64_t, Digest>;
  std::vector<std::pair<Order, IndexedVariantPtr>> fits;
  std::set<v1::MissReason> reasons;
  bool known = false;
  for (const IndexedVariantPtr& variant : variants_) {
    if (variant->key != key) continue;
    known = true;
    ExprPool pool;
    GuardSet guards = *GuardSet::Parse(variant->record, &pool);
    if (!guards.Holds(values)) continue;
    std::vector<v1::MissReason> lacks = host.WhyNot(variant->record);
    reasons.insert(lacks.begin(), lacks.end());
    if (!lacks.empty()) continue;
    fits.push_back({Order{!guards.has_performance_guard(), guards.pins().size(), guards.num_residuals(),
                          -variant->record.isa_features_size(), -variant->record.created_unix_seconds(),
                          variant->artifact},
                    variant});
  }
  if (!fits.empty()) return {std::min_element(fits.begin(), fits.end())->second, {}};
  if (!known) return {nullptr, {v1::MISS_REASON_UNKNOWN_KEY}};
  if (reasons.empty()) return {nullptr, {v1::MISS_REASON_GUARD_FAILED}};
  return {nullptr, {reasons.begin(), reasons.end()}};
}

}  // namespace kiln
