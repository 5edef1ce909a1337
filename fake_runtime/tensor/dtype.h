// Element types and PyTorch's promotion rules. Names are PyTorch's.
#ifndef KILN_FAKE_RUNTIME_TENSOR_DTYPE_H_
#define KILN_FAKE_RUNTIME_TENSOR_DTYPE_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace kiln {

enum class DType : uint8_t {
#define KILN_DTYPE(id, name, text, wire, size, category) id,
#include "fake_runtime/tensor/dtype.def"
#undef KILN_DTYPE
};

// Ordered as promotion orders them.
enum class DTypeCategory : uint8_t { kBool, kIntegral, kFloating, kComplex };

struct DTypeRow {
  DType dtype;
  absl::string_view name;  // "torch.float32"
  absl::string_view text;  // "f32"
  int wire_id;
  int size_bytes;
  DTypeCategory category;
};

absl::Span<const DTypeRow> DTypes();
const DTypeRow& GetDTypeRow(DType dtype);
std::optional<DType> ParseDType(absl::string_view text);  // "f32" or "torch.float32"
std::optional<DType> DTypeFromWireId(int wire_id);

inline int DTypeSizeBytes(DType d) { return GetDTypeRow(d).size_bytes; }
inline absl::string_view DTypeText(DType d) { return GetDTypeRow(d).text; }
inline bool IsFloating(DType d) {
  return GetDTypeRow(d).category == DTypeCategory::kFloating;
}
inline bool IsComplex(DType d) {
  return GetDTypeRow(d).category == DTypeCategory::kComplex;
}
// True for bool too, as torch's isIntegralType(includeBool=true).
inline bool IsIntegralOrBool(DType d) {
  return GetDTypeRow(d).category <= DTypeCategory::kIntegral;
}

// torch.promote_types. nullopt where torch refuses (float8 with others).
std::optional<DType> PromoteTypes(DType a, DType b);

// bfloat16 and float16 compute in float32, complex32 in complex64; others in
// themselves (torch._prims_common.get_computation_dtype).
DType ComputationDType(DType d);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_TENSOR_DTYPE_H_
