// The windows of pooling operators. Pooling runs over the last dimensions of its
// input, its axes; along each, output cell `o` sees the places
// o*stride - padding + k*dilation for k < kernel, but for those outside.
//
// Windows have as many places everywhere, and those outside are masked, so that
// a pooling is a plain reduction: it vectorises along cells and fuses.
#ifndef KILN_COMPILER_LOOPS_POOL_AXES_H_
#define KILN_COMPILER_LOOPS_POOL_AXES_H_

#include <optional>
#include <vector>

#include "compiler/loops/lowering_context.h"

namespace kiln {

struct PoolAxis {
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t dilation = 1;

  // How many windows may hold one place.
  int64_t num_windows() const { return (kernel - 1) * dilation / stride + 1; }
};

// Arguments kernel_size, stride and padding, which stand in this order from
// `kernel_arg` on, and dilation where there is one (-1: none). A single number
// stands for every axis; without strides, windows stand side by side.
std::vector<PoolAxis> PoolAxesOf(LoweringContext& c, int num_axes, int kernel_arg, int dilation_arg);

// Places along a dimension that may lie outside of it.
class MaskedPlaces {
 public:
  explicit MaskedPlaces(KernelBuilder& b) : b_(b) {}

  // `place` moved into [0, size); remembers the test unless `place` is known to
  // lie inside.
  Expr Place(Expr place, Expr size, bool may_be_below, bool may_be_above);
  // One more test that must hold.
  void Require(Val condition);
  // `v`, or `otherwise` if some place was outside.
  Val Masked(Val v, Val otherwise) const { return inside_.has_value() ? b_.Where(*inside_, v, otherwise) : v; }

 private:
  KernelBuilder& b_;
  std::optional<Val> inside_;
};

// The number of the place `at` of the dimensions from `first` on, in row-major order.
Expr FlatPlace(ExprPool& pool, const Dims& sizes, const Dims& at, size_t first);

// a < b as a bool value.
Val LessThan(KernelBuilder& b, Expr a, Expr limit);

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_POOL_AXES_H_
