// The names and numbers that PyTorch's schema strings use for the default
// values of ScalarType, MemoryFormat and enum-like int arguments.
#ifndef KILN_FAKE_RUNTIME_GRAPH_SCHEMA_DEFAULTS_H_
#define KILN_FAKE_RUNTIME_GRAPH_SCHEMA_DEFAULTS_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "fake_runtime/tensor/device.h"
#include "fake_runtime/tensor/dtype.h"

namespace kiln {

// c10::ScalarType's numbers (c10/core/ScalarType.h), which differ from the
// export schema's.
int C10ScalarTypeId(DType dtype);
std::optional<DType> DTypeFromC10Id(int64_t id);
// "long", "float", "bool": as native_functions.yaml writes them.
std::optional<DType> DTypeFromYamlName(absl::string_view name);

// c10::MemoryFormat's numbers (c10/core/MemoryFormat.h).
int C10MemoryFormatId(MemoryFormat format);
std::optional<MemoryFormat> MemoryFormatFromC10Id(int64_t id);
// "contiguous_format", "preserve_format", ...
std::optional<MemoryFormat> MemoryFormatFromYamlName(absl::string_view name);

// "Mean" of at::Reduction, and its fellows.
std::optional<int64_t> IntFromYamlName(absl::string_view name);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_SCHEMA_DEFAULTS_H_
