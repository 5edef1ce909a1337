// Runs a LoopProgram on plain memory, one iteration after the other: the naive
// twin of codegen, for tests of lowering and scheduling. float32 results are
// rounded after every operation; float16 and bfloat16 at stores.
//
//   PlainTensor x = PlainTensor::Of(DType::kFloat32, {2, 3}, {1, 2, 3, 4, 5, 6});
//   KILN_ASSIGN_OR_RETURN(std::vector<PlainTensor> out, InterpretLoopProgram(program, {x}, {{"s0", 2}}));
//
// Matrix products (the `into` calls of aten.mm, addmm, bmm, baddbmm) and nonzero are
// run naively; any other extern call is UNSUPPORTED_GRAPH. Every access is checked
// against its buffer.
#ifndef KILN_COMPILER_LOOPS_TESTING_INTERPRET_LOOP_PROGRAM_H_
#define KILN_COMPILER_LOOPS_TESTING_INTERPRET_LOOP_PROGRAM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/loops/loop_ir.h"

namespace kiln {

// One element: `f` of floating dtypes, `i` of the others.
struct PlainNumber {
  double f = 0;
  int64_t i = 0;
};

struct PlainTensor {
  DType dtype = DType::kFloat32;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
  int64_t offset = 0;
  // The storage, shared by tensors that alias.
  std::shared_ptr<std::vector<PlainNumber>> storage;
  // What a symbolic scalar output or a scalar input holds.
  ScalarValue scalar;

  // Contiguous, in row-major order.
  static PlainTensor Of(DType dtype, std::vector<int64_t> sizes, const std::vector<double>& values);
  // Elements in row-major order, whatever the strides.
  std::vector<double> Values() const;
};

// `inputs` has one entry for each graph input; those of scalars are not read.
// Outputs that are None are empty tensors.
absl::StatusOr<std::vector<PlainTensor>> InterpretLoopProgram(const LoopProgram& program,
                                                              const std::vector<PlainTensor>& inputs,
                                                              const std::map<std::string, int64_t>& symbols);

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_TESTING_INTERPRET_LOOP_PROGRAM_H_
