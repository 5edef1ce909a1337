// Which rows of each key were given before, within a bound: when it is reached all are
// forgotten, and whoever reads on has to begin anew.
//
//   if (!given.Resume(key, /*from_start=*/after.empty())) return Lost();
//   if (given.Add(key, Sha256(row.record()))) Give(row);
#ifndef KILN_SERVICE_GIVEN_ROWS_H_
#define KILN_SERVICE_GIVEN_ROWS_H_

#include <cstddef>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "base/digest.h"
#include "cache/variant_key.h"

namespace kiln {

// Thread-compatible.
class GivenRows {
 public:
  // `most`: keys and rows together, but for those of the last reading.
  explicit GivenRows(size_t most) : most_(most) {}

  // Begins a reading of the key's rows. False: it is to go on, and what was given is
  // not known any more.
  bool Resume(const VariantKey& key, bool from_start);
  // True the first time. The key's reading has begun.
  bool Add(const VariantKey& key, const Digest& record);

  size_t size() const { return size_; }

 private:
  const size_t most_;
  absl::flat_hash_map<VariantKey, absl::flat_hash_set<Digest>> records_;
  size_t size_ = 0;
};

}  // namespace kiln

#endif  // KILN_SERVICE_GIVEN_ROWS_H_
