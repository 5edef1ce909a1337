// Memory for tests that ends where the process may not look: a vector access that
// reaches one element too far is a fault, not a silent read.
#ifndef KILN_COMPILER_CODEGEN_TESTING_GUARDED_BYTES_H_
#define KILN_COMPILER_CODEGEN_TESTING_GUARDED_BYTES_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace kiln {

// The bytes' end is aligned to a page, their start to nothing.
class GuardedBytes {
 public:
  GuardedBytes() = default;
  GuardedBytes(size_t size, char fill) : GuardedBytes(size) { std::memset(data_, fill, size); }
  explicit GuardedBytes(std::string_view bytes) : GuardedBytes(bytes.size()) {
    std::memcpy(data_, bytes.data(), bytes.size());
  }
  GuardedBytes(GuardedBytes&& other) noexcept
      : map_(std::exchange(other.map_, nullptr)), map_size_(other.map_size_), data_(other.data_) {}
  GuardedBytes& operator=(GuardedBytes&& other) noexcept {
    std::swap(map_, other.map_);
    std::swap(map_size_, other.map_size_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~GuardedBytes() {
    if (map_ != nullptr) munmap(map_, map_size_);
  }

  char* data() const { return data_; }

 private:
  explicit GuardedBytes(size_t size) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t usable = (size + page - 1) / page * page;
    map_size_ = usable + page;
    map_ = static_cast<char*>(mmap(nullptr, map_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (map_ == MAP_FAILED || mprotect(map_ + usable, page, PROT_NONE) != 0) std::abort();
    data_ = map_ + usable - size;
  }

  char* map_ = nullptr;
  size_t map_size_ = 0;
  char* data_ = nullptr;
};

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TESTING_GUARDED_BYTES_H_
