#include "service/given_rows.h"

namespace kiln {

bool GivenRows::Resume(const VariantKey& key, bool from_start) {
  if (size_ > most_) {
    records_.clear();
    size_ = 0;
  }
  if (!from_start) return records_.contains(key);
  auto [at, is_new] = records_.try_emplace(key);
  size_ += is_new ? 1 : 0;
  size_ -= at->second.size();
  at->second.clear();
  return true;
}

bool GivenRows::Add(const VariantKey& key, const Digest& record) {
  const bool is_new = records_[key].insert(record).second;
  size_ += is_new ? 1 : 0;
  return is_new;
}

}  // namespace kiln
