// Elementary functions as inline vector code, so that an artifact calls no
// libm. Each takes a float or double Num, scalar or vector.
//
// float: within 2 units in the last place of the exact value, sigmoid within 2.2
// (elementary_test samples the whole line against libm in double, elementary_line.py
// takes all of it). exp, log, tanh, erf and sigmoid are float polynomials, being the
// hot ones; the others go through the double forms. double: within 1e-14 relative;
// pow within 1e-12, since it is exp(y log x) without extended precision. NaN,
// infinities, zeros' signs and denormals are IEEE's and C's.
#ifndef KILN_COMPILER_CODEGEN_ELEMENTARY_H_
#define KILN_COMPILER_CODEGEN_ELEMENTARY_H_

#include "compiler/codegen/num.h"

namespace kiln {

Num Exp(Num x);
Num Log(Num x);
Num Tanh(Num x);
Num Erf(Num x);
Num Sigmoid(Num x);
Num Expm1(Num x);
Num Log1p(Num x);
Num Log2(Num x);
Num Log10(Num x);
Num Sin(Num x);
Num Cos(Num x);
Num Tan(Num x);
Num Sinh(Num x);
Num Cosh(Num x);
Num Asin(Num x);
Num Acos(Num x);
Num Atan(Num x);
Num Atan2(Num y, Num x);
Num Pow(Num x, Num y);
// C's fmod: the remainder of the truncated quotient, exact.
Num Fmod(Num x, Num y);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_ELEMENTARY_H_
