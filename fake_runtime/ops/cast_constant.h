// Values of constants as elements of a dtype.
#ifndef KILN_FAKE_RUNTIME_OPS_CAST_CONSTANT_H_
#define KILN_FAKE_RUNTIME_OPS_CAST_CONSTANT_H_

#include <optional>

#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/tensor/dtype.h"

namespace kiln {

// The value of an expression without symbols, else nullopt.
std::optional<ScalarValue> LiteralValue(Expr e);

// `value` as an element of `dtype` holds it: rounded, cut or wrapped as a cast
// does. nullopt for a dtype whose values are not modelled (complex, float8,
// uint64) and for a float that does not fit an integer.
std::optional<ScalarValue> CastConstant(const ScalarValue& value, DType dtype);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_CAST_CONSTANT_H_
