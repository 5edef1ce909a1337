// The norm of some numbers while they pass by: (sum of |x|^ord)^(1/ord), their
// greatest or least magnitude for infinite orders, how many are not zero for 0.
#ifndef KILN_COMPILER_LOOPS_NORM_SUM_H_
#define KILN_COMPILER_LOOPS_NORM_SUM_H_

#include "compiler/loops/kernel_builder.h"

namespace kiln {

class NormSum {
 public:
  // Declares the accumulator; computes in `dtype`.
  NormSum(KernelBuilder& b, DType dtype, double ord);

  void Update(Val x);
  Val Result();

 private:
  bool is_power() const;

  KernelBuilder& b_;
  DType dtype_;
  double ord_;
  Val accumulator_;
};

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_NORM_SUM_H_
