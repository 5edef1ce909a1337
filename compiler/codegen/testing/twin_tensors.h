// Inputs for a program and its twin, and the comparison of what they give.
#ifndef KILN_COMPILER_CODEGEN_TESTING_TWIN_TENSORS_H_
#define KILN_COMPILER_CODEGEN_TESTING_TWIN_TENSORS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/loops/testing/interpret_loop_program.h"

namespace kiln {

// n values that suit the dtype, the same for equal seeds: signed fractions below 2,
// integers below 7, truths.
PlainTensor RandomTensor(DType dtype, int64_t n, uint64_t seed);

// "" or the first element that differs by more than `tolerance`, relative to 1 + the
// value that it should have. NaN is NaN.
std::string FirstDifference(const std::vector<PlainTensor>& want, const std::vector<PlainTensor>& got,
                            double tolerance);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TESTING_TWIN_TENSORS_H_
