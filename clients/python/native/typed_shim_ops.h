// The operators that PyTorch serves through a typed C function: one row each.
#ifndef KILN_CLIENTS_PYTHON_NATIVE_TYPED_SHIM_OPS_H_
#define KILN_CLIENTS_PYTHON_NATIVE_TYPED_SHIM_OPS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "clients/python/native/typed_shim_call.h"

namespace kiln {

struct TypedShimRow {
  absl::string_view op;  // "aten.addmm.out"
  const char* function;  // "aoti_torch_cpu_addmm_out"
  bool into;
  TypedCall call;
};

// Sorted by op.
absl::Span<const TypedShimRow> TypedShimOps();
// nullptr if there is no row.
const TypedShimRow* FindTypedShimOp(absl::string_view op);

}  // namespace kiln

#endif  // KILN_CLIENTS_PYTHON_NATIVE_TYPED_SHIM_OPS_H_
