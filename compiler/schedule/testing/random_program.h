// Small random programs in lowered form, for tests that compare a program
// before and after scheduling.
#ifndef KILN_COMPILER_SCHEDULE_TESTING_RANDOM_PROGRAM_H_
#define KILN_COMPILER_SCHEDULE_TESTING_RANDOM_PROGRAM_H_

#include <cstdint>
#include <string>

namespace kiln::schedule {

// The text of a program over symbols s0 and s1 with float32 inputs b0 .. b3 and
// an int64 input b4, whose elements index anything. The same seed gives the
// same text.
std::string RandomProgramText(uint64_t seed, int num_nodes);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_TESTING_RANDOM_PROGRAM_H_
