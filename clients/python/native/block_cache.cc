#include "clients/python/native/block_cache.h"

#include <cstdlib>
#include <iterator>

namespace kiln {

BlockCache& BlockCache::Shared() {
  static BlockCache* cache = new BlockCache;
  return *cache;
}

// Steps of an eighth of the power of two below: at most 12.5 % are wasted, and
// sizes that differ a little share blocks.
uint64_t BlockCache::RoundUp(uint64_t bytes) {
  uint64_t step = kAlignmentBytes;
  while (step * 16 < bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

void* BlockCache::Allocate(uint64_t bytes) {
  if (bytes > UINT64_MAX / 4) return nullptr;
  const uint64_t block_bytes = RoundUp(bytes + kAlignmentBytes);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = free_.find(block_bytes);
    if (found != free_.end()) {
      void* block = found->second.back();
      found->second.pop_back();
      if (found->second.empty()) free_.erase(found);
      kept_bytes_ -= block_bytes;
      return static_cast<char*>(block) + kAlignmentBytes;
    }
  }
  void* block = std::aligned_alloc(kAlignmentBytes, block_bytes);
  if (block == nullptr) return nullptr;
  static_cast<Header*>(block)->block_bytes = block_bytes;
  return static_cast<char*>(block) + kAlignmentBytes;
}

void BlockCache::Free(void* memory) {
  if (memory == nullptr) return;
  void* block = static_cast<char*>(memory) - kAlignmentBytes;
  const uint64_t block_bytes = static_cast<Header*>(block)->block_bytes;
  std::lock_guard<std::mutex> lock(mutex_);
  free_[block_bytes].push_back(block);
  kept_bytes_ += block_bytes;
  while (kept_bytes_ > kMaxKeptBytes) {
    auto largest = std::prev(free_.end());
    std::free(largest->second.back());
    kept_bytes_ -= largest->first;
    largest->second.pop_back();
    if (largest->second.empty()) free_.erase(largest);
  }
}

uint64_t BlockCache::kept_bytes() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return kept_bytes_;
}

}  // namespace kiln
