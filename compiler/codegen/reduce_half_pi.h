// Any angle as a multiple of pi/2 and a rest, for sines, cosines and tangents.
#ifndef KILN_COMPILER_CODEGEN_REDUCE_HALF_PI_H_
#define KILN_COMPILER_CODEGEN_REDUCE_HALF_PI_H_

#include "compiler/codegen/num.h"

namespace kiln {

// x = n pi/2 + r.
struct Quadrant {
  Num n;  // an integer, right modulo 4
  Num r;  // in [-pi/4, pi/4], up to rounding; NaN for infinities and NaN
};

// Of every double. Up to 2^45 (2^20 where the target has no fused multiply-add)
// multiples of pi/2 are subtracted in parts; of a vector that has a larger lane
// each lane is multiplied by the bits of 2/pi that matter at its exponent (Payne
// and Hanek, "Radian reduction for trigonometric functions", 1983).
Quadrant ReduceByHalfPi(Num x);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_REDUCE_HALF_PI_H_
