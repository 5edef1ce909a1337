// Scalar operations of the loop IR on plain numbers.
#ifndef KILN_COMPILER_LOOPS_TESTING_PLAIN_ARITHMETIC_H_
#define KILN_COMPILER_LOOPS_TESTING_PLAIN_ARITHMETIC_H_

#include "absl/types/span.h"
#include "compiler/loops/testing/interpret_loop_program.h"

namespace kiln {

// `n` as a value of `dtype`: rounded, or wrapped to its width.
PlainNumber RoundTo(DType dtype, PlainNumber n);
PlainNumber CastNumber(DType from, DType to, PlainNumber n);
PlainNumber NumberOf(DType dtype, const ScalarValue& value);
// `operand` is the dtype of the operands (of the last one, for `where`).
PlainNumber ApplyScalarOp(ScalarOp op, DType result, DType operand, absl::Span<const PlainNumber> args);

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_TESTING_PLAIN_ARITHMETIC_H_
