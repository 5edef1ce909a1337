#include "cache/walk_variants.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace kiln {
namespace {

// A page costs one pass over all keys, so that a walk of 100,000 is 100 passes.
constexpr size_t kKeysPerPage = 1024;

std::vector<IndexedVariantPtr> ByArtifact(const GuardIndex& index, const VariantKey& key) {
  std::vector<IndexedVariantPtr> variants = index.VariantsOf(key);
  std::sort(variants.begin(), variants.end(),
            [](const IndexedVariantPtr& a, const IndexedVariantPtr& b) { return a->artifact < b->artifact; });
  return variants;
}

}  // namespace

void WalkVariants(const GuardIndex& index, const VariantName* after,
                  const std::function<bool(const IndexedVariantPtr&)>& visit) {
  if (after != nullptr) {
    for (const IndexedVariantPtr& variant : ByArtifact(index, after->key)) {
      if (after->artifact < variant->artifact && !visit(variant)) return;
    }
  }
  std::optional<VariantKey> last;
  if (after != nullptr) last = after->key;
  while (true) {
    const std::vector<VariantKey> keys = index.KeysAfter(last.has_value() ? &*last : nullptr, kKeysPerPage);
    for (const VariantKey& key : keys) {
      for (const IndexedVariantPtr& variant : ByArtifact(index, key)) {
        if (!visit(variant)) return;
      }
    }
    if (keys.size() < kKeysPerPage) return;
    last = keys.back();
  }
}

}  // namespace kiln
