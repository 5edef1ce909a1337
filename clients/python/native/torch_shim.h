// PyTorch's stable C functions, found by name in the libtorch that this process
// has loaded. No PyTorch header is read at build time, so one build serves every
// PyTorch that exports them.
#ifndef KILN_CLIENTS_PYTHON_NATIVE_TORCH_SHIM_H_
#define KILN_CLIENTS_PYTHON_NATIVE_TORCH_SHIM_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace kiln {

// An at::Tensor*, owned or borrowed as its user says.
struct TensorOpaque;
using TensorHandle = TensorOpaque*;

struct TorchShim {
#define KILN_TORCH_FUNCTION(needed, returns, name, parameters) returns(*name) parameters = nullptr;
#include "clients/python/native/torch_functions.def"
#undef KILN_TORCH_FUNCTION

  int32_t cpu = 0;      // aoti_torch_device_type_cpu()
  int32_t strided = 0;  // aoti_torch_layout_strided()

  // Any other function that libtorch exports, by name; nullptr if it has none.
  void* Find(const char* name) const;
  // PyTorch's dtype of an export schema id, or -1; and back, or 0.
  int32_t DtypeFromWire(int32_t wire_id) const;
  int32_t WireFromDtype(int32_t dtype) const;
  static int64_t ItemBytes(int32_t wire_id);
  // What the last failed call in this thread said, where PyTorch tells.
  std::string LastError() const;

 private:
  friend absl::Status LoadTorchShim();
  static constexpr int kDtypes = 64;
  void* library_ = nullptr;
  int32_t to_dtype_[kDtypes] = {};
  int32_t to_wire_[kDtypes] = {};
};

// Finds everything, once per process. UNSUPPORTED_TARGET naming a function that
// this PyTorch has not, or that none is loaded. Call with the GIL held.
absl::Status LoadTorchShim();

// After LoadTorchShim said OK.
const TorchShim& Torch();

}  // namespace kiln

#endif  // KILN_CLIENTS_PYTHON_NATIVE_TORCH_SHIM_H_
