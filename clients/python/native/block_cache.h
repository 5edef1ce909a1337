// Memory for temporaries: freed blocks are kept for the next call, since a step
// asks for the same sizes again and fresh pages cost more than the work on them.
#ifndef KILN_CLIENTS_PYTHON_NATIVE_BLOCK_CACHE_H_
#define KILN_CLIENTS_PYTHON_NATIVE_BLOCK_CACHE_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace kiln {

// Thread-safe.
class BlockCache {
 public:
  // Blocks kept beyond this are given back to the system, largest first.
  static constexpr uint64_t kMaxKeptBytes = uint64_t{1} << 30;
  static constexpr uint64_t kAlignmentBytes = 64;

  // The process's own. Lives for ever.
  static BlockCache& Shared();

  // nullptr when the system has no more.
  void* Allocate(uint64_t bytes);
  void Free(void* block);
  uint64_t kept_bytes() const;

 private:
  // In front of each block, so that Free knows its size.
  struct Header {
    uint64_t block_bytes;
  };
  static uint64_t RoundUp(uint64_t bytes);

  mutable std::mutex mutex_;
  std::map<uint64_t, std::vector<void*>> free_;  // by block_bytes; guarded by mutex_
  uint64_t kept_bytes_ = 0;                      // guarded by mutex_
};

}  // namespace kiln

#endif  // KILN_CLIENTS_PYTHON_NATIVE_BLOCK_CACHE_H_
