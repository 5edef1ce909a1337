// How many rows there are, and of how many keys. Thread-compatible.
#ifndef KILN_CACHE_ROW_COUNTS_H_
#define KILN_CACHE_ROW_COUNTS_H_

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "cache/variant_key.h"

namespace kiln {

class RowCounts {
 public:
  void Add(const VariantKey& key) {
    ++rows_;
    ++by_key_[key];
  }
  // One that was added.
  void Remove(const VariantKey& key) {
    --rows_;
    auto found = by_key_.find(key);
    if (--found->second == 0) by_key_.erase(found);
  }
  int64_t rows() const { return rows_; }
  int64_t keys() const { return static_cast<int64_t>(by_key_.size()); }

 private:
  int64_t rows_ = 0;
  absl::flat_hash_map<VariantKey, int64_t> by_key_;
};

}  // namespace kiln

#endif  // KILN_CACHE_ROW_COUNTS_H_
