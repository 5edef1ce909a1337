#include "tests/bench/count_allocations.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace kiln {
namespace {

AllocationCounts counts;

}  // namespace

AllocationCounts CountedAllocations() { return counts; }
void ResetAllocationPeak() { counts.bytes_peak = counts.bytes_live; }

// What the heap really uses for it, rounding included.
void* Counted(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  ++counts.calls;
  counts.bytes_live += static_cast<int64_t>(malloc_usable_size(memory));
  counts.bytes_peak = std::max(counts.bytes_peak, counts.bytes_live);
  return memory;
}

void Uncounted(void* memory) {
  if (memory != nullptr) counts.bytes_live -= static_cast<int64_t>(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace kiln

void* operator new(size_t size) { return kiln::Counted(std::malloc(size)); }
void* operator new[](size_t size) { return kiln::Counted(std::malloc(size)); }
void* operator new(size_t size, std::align_val_t align) {
  const size_t unit = static_cast<size_t>(align);
  return kiln::Counted(std::aligned_alloc(unit, (size + unit - 1) / unit * unit));
}
void operator delete(void* memory) noexcept { kiln::Uncounted(memory); }
void operator delete[](void* memory) noexcept { kiln::Uncounted(memory); }
void operator delete(void* memory, size_t) noexcept { kiln::Uncounted(memory); }
void operator delete[](void* memory, size_t) noexcept { kiln::Uncounted(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { kiln::Uncounted(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { kiln::Uncounted(memory); }
