#include "clients/python/native/torch_shim.h"

#include <dlfcn.h>

#include <iterator>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {
namespace {

struct DtypeRow {
  int32_t wire_id;
  int32_t bytes;
  const char* function;
};

constexpr DtypeRow kDtypeRows[] = {
    {1, 1, "aoti_torch_dtype_uint8"},
    {2, 1, "aoti_torch_dtype_int8"},
    {3, 2, "aoti_torch_dtype_int16"},
    {4, 4, "aoti_torch_dtype_int32"},
    {5, 8, "aoti_torch_dtype_int64"},
    {6, 2, "aoti_torch_dtype_float16"},
    {7, 4, "aoti_torch_dtype_float32"},
    {8, 8, "aoti_torch_dtype_float64"},
    {9, 4, "aoti_torch_dtype_complex32"},
    {10, 8, "aoti_torch_dtype_complex64"},
    {11, 16, "aoti_torch_dtype_complex128"},
    {12, 1, "aoti_torch_dtype_bool"},
    {13, 2, "aoti_torch_dtype_bfloat16"},
    {28, 2, "aoti_torch_dtype_uint16"},
    {29, 1, "aoti_torch_dtype_float8_e4m3fn"},
    {30, 1, "aoti_torch_dtype_float8_e5m2"},
    {31, 1, "aoti_torch_dtype_float8_e4m3fnuz"},
    {32, 1, "aoti_torch_dtype_float8_e5m2fnuz"},
    {33, 4, "aoti_torch_dtype_uint32"},
    {34, 8, "aoti_torch_dtype_uint64"},
};

TorchShim& Shim() {
  static TorchShim* shim = new TorchShim;
  return *shim;
}

absl::Status Missing(absl::string_view name) {
  return MakeError(ErrorReason::kUnsupportedTarget, absl::StrCat("this PyTorch does not export ", name));
}

}  // namespace

const TorchShim& Torch() { return Shim(); }

absl::Status LoadTorchShim() {
  TorchShim& shim = Shim();
  if (shim.library_ != nullptr) return absl::OkStatus();
  void* library = dlopen("libtorch_cpu.so", RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return MakeError(ErrorReason::kUnsupportedTarget, "PyTorch is not loaded in this process");
#define KILN_TORCH_FUNCTION(needed, returns, name, parameters)                    \
  shim.name = reinterpret_cast<returns(*) parameters>(dlsym(library, #name)); \
  if (needed && shim.name == nullptr) return Missing(#name);
#include "clients/python/native/torch_functions.def"
#undef KILN_TORCH_FUNCTION
  std::fill(std::begin(shim.to_dtype_), std::end(shim.to_dtype_), -1);
  for (const DtypeRow& row : kDtypeRows) {
    auto function = reinterpret_cast<int32_t (*)()>(dlsym(library, row.function));
    if (function == nullptr) continue;
    const int32_t dtype = function();
    if (dtype < 0 || dtype >= TorchShim::kDtypes) continue;
    shim.to_dtype_[row.wire_id] = dtype;
    shim.to_wire_[dtype] = row.wire_id;
  }
  shim.cpu = shim.aoti_torch_device_type_cpu();
  shim.strided = shim.aoti_torch_layout_strided();
  shim.library_ = library;
  return absl::OkStatus();
}

void* TorchShim::Find(const char* name) const { return dlsym(library_, name); }

int32_t TorchShim::DtypeFromWire(int32_t wire_id) const {
  return wire_id < 0 || wire_id >= kDtypes ? -1 : to_dtype_[wire_id];
}

int32_t TorchShim::WireFromDtype(int32_t dtype) const { return dtype < 0 || dtype >= kDtypes ? 0 : to_wire_[dtype]; }

int64_t TorchShim::ItemBytes(int32_t wire_id) {
  for (const DtypeRow& row : kDtypeRows) {
    if (row.wire_id == wire_id) return row.bytes;
  }
  return 0;
}

std::string TorchShim::LastError() const {
  if (torch_exception_get_what_without_backtrace == nullptr) return "PyTorch refused; its message is on stderr";
  const char* what = torch_exception_get_what_without_backtrace();
  return what == nullptr ? "PyTorch gave no message" : what;
}

}  // namespace kiln
