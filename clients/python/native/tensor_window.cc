#include "clients/python/native/tensor_window.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"

namespace kiln {
namespace {

absl::Span<const int64_t> Sizes(const KilnTensor& t) { return {t.sizes, static_cast<size_t>(t.rank)}; }

// Strides that select the same elements; those of dimensions of one element do
// not matter.
bool SameStrides(const KilnTensor& a, const int64_t* strides) {
  for (int d = 0; d < a.rank; ++d) {
    if (a.sizes[d] == 0) return true;
  }
  for (int d = 0; d < a.rank; ++d) {
    if (a.sizes[d] > 1 && a.strides[d] != strides[d]) return false;
  }
  return true;
}

// The layout that a result must have. Sizes that the code did not know, -1, are the
// result's own; strides then say for each dimension how many lie within it.
struct WantedLayout {
  WantedLayout(const KilnTensor& wanted, const KilnTensor& got)
      : sizes(wanted.sizes, wanted.sizes + wanted.rank), strides(wanted.strides, wanted.strides + wanted.rank) {
    if (got.rank != wanted.rank || std::all_of(sizes.begin(), sizes.end(), [](int64_t n) { return n >= 0; })) return;
    for (int d = 0; d < wanted.rank; ++d) {
      if (sizes[d] < 0) sizes[d] = got.sizes[d];
    }
    for (int d = 0; d < wanted.rank; ++d) {
      strides[d] = 1;
      for (int inner = 0; inner < wanted.rank; ++inner) {
        if (wanted.strides[inner] < wanted.strides[d]) strides[d] *= sizes[inner];
      }
    }
  }

  absl::InlinedVector<int64_t, 8> sizes;
  absl::InlinedVector<int64_t, 8> strides;
};

bool IsSame(const KilnTensor& window, const KilnTensor& whole) {
  return window.data == whole.data && window.dtype == whole.dtype && window.rank == whole.rank &&
         std::equal(window.sizes, window.sizes + window.rank, whole.sizes) &&
         std::equal(window.strides, window.strides + window.rank, whole.strides);
}

}  // namespace

TensorWindow::TensorWindow(const KilnTensor& window) {
  KilnTensor whole;
  if (window.handle != nullptr && ReadTensor(static_cast<TensorHandle>(window.handle), &whole) &&
      IsSame(window, whole)) {
    handle_ = static_cast<TensorHandle>(window.handle);
    return;
  }
  const TorchShim& torch = Torch();
  owned_ = torch.aoti_torch_create_tensor_from_blob_v2(window.data, window.rank, window.sizes, window.strides, 0,
                                                       torch.DtypeFromWire(window.dtype), torch.cpu, 0, &handle_,
                                                       torch.strided, nullptr, 0) == 0;
  if (!owned_) handle_ = nullptr;
}

TensorWindow::~TensorWindow() {
  if (owned_) Torch().aoti_torch_delete_tensor_object(handle_);
}

TensorWindow::TensorWindow(TensorWindow&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), owned_(std::exchange(other.owned_, false)) {}

bool ReadTensor(TensorHandle handle, KilnTensor* out) {
  const TorchShim& torch = Torch();
  int64_t rank = 0;
  int32_t dtype = 0;
  int64_t* sizes = nullptr;
  int64_t* strides = nullptr;
  // Strides fail for a tensor of another layout, before its data is touched.
  if (torch.aoti_torch_get_dim(handle, &rank) != 0 || torch.aoti_torch_get_dtype(handle, &dtype) != 0 ||
      torch.aoti_torch_get_sizes(handle, &sizes) != 0 || torch.aoti_torch_get_strides(handle, &strides) != 0 ||
      torch.aoti_torch_get_storage_offset(handle, &out->storage_offset) != 0 ||
      torch.aoti_torch_get_data_ptr(handle, &out->data) != 0) {
    return false;
  }
  out->rank = static_cast<int32_t>(rank);
  out->dtype = torch.WireFromDtype(dtype);
  out->sizes = sizes;
  out->strides = strides;
  out->storage = out->data == nullptr ? nullptr
                                      : static_cast<char*>(out->data) -
                                            out->storage_offset * TorchShim::ItemBytes(out->dtype);
  out->handle = handle;
  return out->dtype != 0;
}

std::string AdoptResult(TensorHandle result, KilnTensor* out) {
  const TorchShim& torch = Torch();
  const KilnTensor wanted = *out;
  KilnTensor got = {};
  bool defined = false;
  std::string problem;
  if (result == nullptr || torch.aoti_torch_is_defined(result, &defined) != 0 || !defined) {
    problem = "it gave no tensor where one is needed";
  } else if (!ReadTensor(result, &got)) {
    problem = "its result is not a strided tensor";
  } else if (got.dtype != wanted.dtype) {
    problem = absl::StrCat("its result has dtype ", got.dtype, " but the code was compiled for ", wanted.dtype);
  } else if (const WantedLayout layout(wanted, got); Sizes(got) != absl::MakeConstSpan(layout.sizes)) {
    problem = absl::StrCat("its result has sizes [", absl::StrJoin(Sizes(got), ", "),
                           "] but the code was compiled for [", absl::StrJoin(layout.sizes, ", "), "]");
  } else if (!SameStrides(got, layout.strides.data())) {
    TensorHandle copy = nullptr;
    if (torch.aoti_torch_empty_strided(wanted.rank, layout.sizes.data(), layout.strides.data(),
                                       torch.DtypeFromWire(wanted.dtype), torch.cpu, 0, &copy) != 0) {
      problem = torch.LastError();
    } else if (torch.aoti_torch_copy_(copy, result, 0) != 0 || !ReadTensor(copy, &got)) {
      problem = torch.LastError();
      torch.aoti_torch_delete_tensor_object(copy);
    } else {
      torch.aoti_torch_delete_tensor_object(result);
      result = copy;
    }
  }
  if (problem.empty()) {
    *out = got;
  } else if (result != nullptr) {
    torch.aoti_torch_delete_tensor_object(result);
  }
  return problem;
}

}  // namespace kiln
