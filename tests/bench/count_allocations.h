// What the heap gave since the program began: operators new and delete of the
// program that links count_allocations.cc are counted. Not thread-safe.
#ifndef KILN_TESTS_BENCH_COUNT_ALLOCATIONS_H_
#define KILN_TESTS_BENCH_COUNT_ALLOCATIONS_H_

#include <cstdint>

namespace kiln {

struct AllocationCounts {
  int64_t calls = 0;
  int64_t bytes_live = 0;
  int64_t bytes_peak = 0;
};

AllocationCounts CountedAllocations();
// The peak starts anew from what is live.
void ResetAllocationPeak();

}  // namespace kiln

#endif  // KILN_TESTS_BENCH_COUNT_ALLOCATIONS_H_
