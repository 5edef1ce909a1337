// Tensors of tests, short: F32({2, 3}, Ramp(6)).
#ifndef KILN_COMPILER_LOOPS_TESTING_TENSOR_LITERALS_H_
#define KILN_COMPILER_LOOPS_TESTING_TENSOR_LITERALS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "compiler/loops/testing/interpret_loop_program.h"

namespace kiln {

inline PlainTensor F32(std::vector<int64_t> sizes, const std::vector<double>& values) {
  return PlainTensor::Of(DType::kFloat32, std::move(sizes), values);
}

inline PlainTensor I64(std::vector<int64_t> sizes, const std::vector<double>& values) {
  return PlainTensor::Of(DType::kInt64, std::move(sizes), values);
}

// start, start + step, ...: n of them.
inline std::vector<double> Ramp(int64_t n, double start = 0, double step = 1) {
  std::vector<double> values;
  for (int64_t i = 0; i < n; ++i) values.push_back(start + step * static_cast<double>(i));
  return values;
}

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_TESTING_TENSOR_LITERALS_H_
