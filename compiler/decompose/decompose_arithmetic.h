// Short names of the operators that formulas are written with.
#ifndef KILN_COMPILER_DECOMPOSE_DECOMPOSE_ARITHMETIC_H_
#define KILN_COMPILER_DECOMPOSE_DECOMPOSE_ARITHMETIC_H_

#include "compiler/decompose/decompose_context.h"

namespace kiln {

// Tensors with tensors or numbers, broadcast and promoted as their operators do.
inline ValueId Add(DecomposeContext& d, ValueId a, CallArg b) { return d.Call("aten.add.Tensor", {a, b}); }
inline ValueId Sub(DecomposeContext& d, ValueId a, CallArg b) { return d.Call("aten.sub.Tensor", {a, b}); }
inline ValueId Mul(DecomposeContext& d, ValueId a, CallArg b) { return d.Call("aten.mul.Tensor", {a, b}); }

// 1/sqrt(variance + eps)
inline ValueId Rsqrt(DecomposeContext& d, ValueId variance, double eps) {
  return d.Call("aten.rsqrt.default", {Add(d, variance, eps)});
}

// Item `i` of an output_mask, which is argument `mask_arg`.
inline bool IsWanted(DecomposeContext& d, int mask_arg, int i) {
  return *(*d.Arg(mask_arg).get_if<ArgumentList>())[i].get_if<bool>();
}

}  // namespace kiln

#endif  // KILN_COMPILER_DECOMPOSE_DECOMPOSE_ARITHMETIC_H_
