#include "fake_runtime/graph/schema_defaults.h"

namespace kiln {
namespace {

struct ScalarTypeRow {
  DType dtype;
  int c10_id;
  absl::string_view yaml_name;
};
constexpr ScalarTypeRow kScalarTypes[] = {
    {DType::kUInt8, 0, "uint8"},
    {DType::kInt8, 1, "int8"},
    {DType::kInt16, 2, "short"},
    {DType::kInt32, 3, "int"},
    {DType::kInt64, 4, "long"},
    {DType::kFloat16, 5, "half"},
    {DType::kFloat32, 6, "float"},
    {DType::kFloat64, 7, "double"},
    {DType::kComplex32, 8, "complex32"},
    {DType::kComplex64, 9, "complex64"},
    {DType::kComplex128, 10, "complex128"},
    {DType::kBool, 11, "bool"},
    {DType::kBFloat16, 15, "bfloat16"},
    {DType::kFloat8E5M2, 23, "float8_e5m2"},
    {DType::kFloat8E4M3FN, 24, "float8_e4m3fn"},
    {DType::kFloat8E5M2FNUZ, 25, "float8_e5m2fnuz"},
    {DType::kFloat8E4M3FNUZ, 26, "float8_e4m3fnuz"},
    {DType::kUInt16, 27, "uint16"},
    {DType::kUInt32, 28, "uint32"},
    {DType::kUInt64, 29, "uint64"},
};

struct MemoryFormatRow {
  MemoryFormat format;
  int c10_id;
  absl::string_view yaml_name;
};
constexpr MemoryFormatRow kMemoryFormats[] = {
    {MemoryFormat::kContiguous, 0, "contiguous_format"},
    {MemoryFormat::kPreserve, 1, "preserve_format"},
    {MemoryFormat::kChannelsLast, 2, "channels_last"},
    {MemoryFormat::kChannelsLast3d, 3, "channels_last_3d"},
};

struct NamedInt {
  absl::string_view name;
  int64_t value;
};
constexpr NamedInt kNamedInts[] = {{"None_", 0}, {"Mean", 1}, {"Sum", 2}};

}  // namespace

int C10ScalarTypeId(DType dtype) {
  for (const ScalarTypeRow& row : kScalarTypes) {
    if (row.dtype == dtype) return row.c10_id;
  }
  return -1;
}

std::optional<DType> DTypeFromC10Id(int64_t id) {
  for (const ScalarTypeRow& row : kScalarTypes) {
    if (row.c10_id == id) return row.dtype;
  }
  return std::nullopt;
}

std::optional<DType> DTypeFromYamlName(absl::string_view name) {
  for (const ScalarTypeRow& row : kScalarTypes) {
    if (row.yaml_name == name) return row.dtype;
  }
  return std::nullopt;
}

int C10MemoryFormatId(MemoryFormat format) {
  for (const MemoryFormatRow& row : kMemoryFormats) {
    if (row.format == format) return row.c10_id;
  }
  return -1;
}

std::optional<MemoryFormat> MemoryFormatFromC10Id(int64_t id) {
  for (const MemoryFormatRow& row : kMemoryFormats) {
    if (row.c10_id == id) return row.format;
  }
  return std::nullopt;
}

std::optional<MemoryFormat> MemoryFormatFromYamlName(absl::string_view name) {
  for (const MemoryFormatRow& row : kMemoryFormats) {
    if (row.yaml_name == name) return row.format;
  }
  return std::nullopt;
}

std::optional<int64_t> IntFromYamlName(absl::string_view name) {
  for (const NamedInt& row : kNamedInts) {
    if (row.name == name) return row.value;
  }
  return std::nullopt;
}

}  // namespace kiln
