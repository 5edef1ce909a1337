// Symbolic scalar arithmetic, and questions about metadata. One row per overload, sorted by name; schemas and tags are PyTorch's
// (tests/conformance compares them).
#include "fake_runtime/ops/symbolic_meta.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

constexpr OpDef kRows[] = {
    {"aten::_assert_async(Tensor self) -> ()", kTagEffect, AssertAsyncMeta},
    {"aten::_assert_async.msg(Tensor self, str assert_msg) -> ()", kTagEffect, AssertAsyncMeta},
    {"aten::_assert_scalar(Scalar self, str assert_msg) -> ()", kTagEffect, AssertScalarMeta},
    {"aten::sym_constrain_range(Scalar size, *, int? min=None, int? max=None) -> ()",
     kTagEffect | kTagSymbolic, ConstrainRangeMeta},
    {"aten::sym_constrain_range_for_size(Scalar size, *, int? min=None, int? max=None) -> ()",
     kTagEffect | kTagSymbolic, ConstrainSizeRangeMeta},
    {"aten::sym_is_contiguous(Tensor self, MemoryFormat memory_format=0) -> SymBool",
     kTagCore | kTagSymbolic, SymIsContiguousMeta},
    {"aten::sym_numel(Tensor self) -> SymInt", kTagCore | kTagSymbolic, SymNumelMeta},
    {"aten::sym_size.int(Tensor self, int dim) -> SymInt", kTagCore | kTagSymbolic, SymSizeMeta},
    {"aten::sym_storage_offset(Tensor self) -> SymInt", kTagCore | kTagSymbolic, SymStorageOffsetMeta},
    {"aten::sym_stride.int(Tensor self, int dim) -> SymInt", kTagCore | kTagSymbolic, SymStrideMeta},
    {"sym::abs(Scalar a) -> Scalar", kTagSymbolic, SymAbsMeta},
    {"sym::acos(Scalar a) -> SymFloat", kTagSymbolic, SymFunctionMeta},
    {"sym::add(Scalar a, Scalar b) -> Scalar", kTagSymbolic, SymAddMeta},
    {"sym::and(Scalar a, Scalar b) -> Scalar", kTagSymbolic, SymAndMeta},
    {"sym::asin(Scalar a) -> SymFloat", kTagSymbolic, SymFunctionMeta},
    {"sym::asinh(Scalar a) -> SymFloat", kTagSymbolic, SymFunctionMeta},
    {"sym::atan(Scalar a) -> SymFloat", kTagSymbolic, SymFunctionMeta},
    {"sym::ceil(Scalar a) -> SymInt", kTagSymbolic, SymCeilMeta},
    {"sym::cos(Scalar a) -> SymFloat", kTagSymbolic, SymFunctionMeta},
    {"sym::cosh(Scalar a) -> SymFloat", kTagSymbolic, SymFunctionMeta},
    {"sym::eq(Scalar a, Scalar b) -> SymBool", kTagSymbolic, SymEqMeta},
    {"sym::exp(Scalar a) -> SymFloat", kTagSymbolic, SymFunctionMeta},
    {"sym::float(Scalar a) -> SymFloat", kTagSymbolic, SymFloatMeta},
    {"sym::floor(Scalar a) -> SymInt", kTagSymbolic, SymFloorMeta},
    {"sym::floordiv(Scalar a, Scalar b) -> Scalar", kTagSymbolic, SymFloorDivMeta},
    {"sym::ge(Scalar a, Scalar b) -> SymBool", kTagSymbolic, SymGeMeta},
    {"sym::gt(Scalar a, Scalar b) -> SymBool", kTagSymbolic, SymGtMeta},
    {"sym::int(Scalar a) -> SymInt", kTagSymbolic, SymIntMeta},
    {"sym::is_integer(Scalar a) -> SymBool", kTagSymbolic, SymIsIntegerMeta},
    {"sym::ite(Scalar condition, Scalar a, Scalar b) -> Scalar", kTagSymbolic, SymIteMeta},
    {"sym::le(Scalar a, Scalar b) -> SymBool", kTagSymbolic, SymLeMeta},
    {"sym::log(Scalar a) -> SymFloat", kTagSymbolic, SymFunctionMeta},
    {"sym::log2(Scalar a) -> SymFloat", kTagSymbolic, SymFunctionMeta},
    {"sym::lshift(Scalar a, Scalar b) -> SymInt", kTagSymbolic, SymLShiftMeta},
    {"sym::lt(Scalar a, Scalar b) -> SymBool", kTagSymbolic, SymLtMeta},
    {"sym::max(Scalar a, Scalar b) -> Scalar", kTagSymbolic, SymMaxMeta},
    {"sym::min(Scalar a, Scalar b) -> Scalar", kTagSymbolic, SymMinMeta},
    {"sym::mod(Scalar a, Scalar b) -> Scalar", kTagSymbolic, SymModMeta},
    {"sym::mul(Scalar a, Scalar b) -> Scalar", kTagSymbolic, SymMulMeta},
    {"sym::ne(Scalar a, Scalar b) -> SymBool", kTagSymbolic, SymNeMeta},
    {"sym::neg(Scalar a) -> Scalar", kTagSymbolic, SymNegMeta},
    {"sym::not(Scalar a) -> SymBool", kTagSymbolic, SymNotMeta},
    {"sym::or(Scalar a, Scalar b) -> Scalar", kTagSymbolic, SymOrMeta},
    {"sym::pos(Scalar a) -> Scalar", kTagSymbolic, SymPosMeta},
    {"sym::pow(Scalar a, Scalar b) -> Scalar", kTagSymbolic, SymPowMeta},
    {"sym::round(Scalar a, int? ndigits=None) -> Scalar", kTagSymbolic, SymRoundMeta},
    {"sym::rshift(Scalar a, Scalar b) -> SymInt", kTagSymbolic, SymRShiftMeta},
    {"sym::sin(Scalar a) -> SymFloat", kTagSymbolic, SymFunctionMeta},
    {"sym::sinh(Scalar a) -> SymFloat", kTagSymbolic, SymFunctionMeta},
    {"sym::sqrt(Scalar a) -> SymFloat", kTagSymbolic, SymSqrtMeta},
    {"sym::sub(Scalar a, Scalar b) -> Scalar", kTagSymbolic, SymSubMeta},
    {"sym::tan(Scalar a) -> SymFloat", kTagSymbolic, SymFunctionMeta},
    {"sym::tanh(Scalar a) -> SymFloat", kTagSymbolic, SymFunctionMeta},
    {"sym::truediv(Scalar a, Scalar b) -> SymFloat", kTagSymbolic, SymTrueDivMeta},
    {"sym::trunc(Scalar a) -> SymInt", kTagSymbolic, SymIntMeta},
    {"sym::xor(Scalar a, Scalar b) -> Scalar", kTagSymbolic, SymXorMeta},
};

}  // namespace

absl::Span<const OpDef> SymbolicOps() { return kRows; }

}  // namespace kiln
