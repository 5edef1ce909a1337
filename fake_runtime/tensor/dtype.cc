#include "fake_runtime/tensor/dtype.h"

#include <algorithm>
#include <iterator>

namespace kiln {
namespace {

constexpr DTypeRow kRows[] = {
#define KILN_DTYPE(id, name, text, wire, size, category) \
  {DType::id, name, text, wire, size, DTypeCategory::category},
#include "fake_runtime/tensor/dtype.def"
#undef KILN_DTYPE
};

// torch.promote_types has no rule for float8 with others, nor for the wide
// unsigned integers with anything but real floats.
bool IsFloat8(DType d) {
  return d == DType::kFloat8E4M3FN || d == DType::kFloat8E5M2 || d == DType::kFloat8E4M3FNUZ ||
         d == DType::kFloat8E5M2FNUZ;
}
bool IsWideUnsigned(DType d) {
  return d == DType::kUInt16 || d == DType::kUInt32 || d == DType::kUInt64;
}

DType PromoteIntegral(DType a, DType b) {
  if (DTypeSizeBytes(a) != DTypeSizeBytes(b)) return DTypeSizeBytes(a) > DTypeSizeBytes(b) ? a : b;
  // uint8 and int8: the first signed type that holds both.
  return DType::kInt16;
}

DType PromoteFloating(DType a, DType b) {
  if (DTypeSizeBytes(a) != DTypeSizeBytes(b)) return DTypeSizeBytes(a) > DTypeSizeBytes(b) ? a : b;
  // float16 and bfloat16.
  return DType::kFloat32;
}

// The complex type whose parts are `d`. No complex bfloat16 exists.
DType ComplexOf(DType d) {
  switch (d) {
    case DType::kFloat16: return DType::kComplex32;
    case DType::kFloat64: return DType::kComplex128;
    default: return DType::kComplex64;
  }
}

DType PromoteToComplex(DType complex, DType other) {
  if (IsIntegralOrBool(other)) return complex;
  DType as_complex = IsComplex(other) ? other : ComplexOf(other);
  return DTypeSizeBytes(as_complex) > DTypeSizeBytes(complex) ? as_complex : complex;
}

}  // namespace

absl::Span<const DTypeRow> DTypes() { return kRows; }

const DTypeRow& GetDTypeRow(DType dtype) { return kRows[static_cast<size_t>(dtype)]; }

std::optional<DType> ParseDType(absl::string_view text) {
  for (const DTypeRow& row : kRows) {
    if (row.text == text || row.name == text) return row.dtype;
  }
  return std::nullopt;
}

std::optional<DType> DTypeFromWireId(int wire_id) {
  for (const DTypeRow& row : kRows) {
    if (row.wire_id == wire_id) return row.dtype;
  }
  return std::nullopt;
}

std::optional<DType> PromoteTypes(DType a, DType b) {
  if (a == b) return a;
  if (IsFloat8(a) || IsFloat8(b)) return std::nullopt;
  if (GetDTypeRow(a).category < GetDTypeRow(b).category) std::swap(a, b);
  if (IsWideUnsigned(a) || IsWideUnsigned(b)) {
    if (!IsFloating(a)) return std::nullopt;
    return a;
  }
  // `a` is of the higher category now.
  if (IsComplex(a)) return PromoteToComplex(a, b);
  if (GetDTypeRow(a).category != GetDTypeRow(b).category) return a;
  return IsFloating(a) ? PromoteFloating(a, b) : PromoteIntegral(a, b);
}

DType ComputationDType(DType d) {
  if (d == DType::kFloat16 || d == DType::kBFloat16) return DType::kFloat32;
  return d == DType::kComplex32 ? DType::kComplex64 : d;
}

}  // namespace kiln
