// Between the ABI's tensors and PyTorch's handles.
#ifndef KILN_CLIENTS_PYTHON_NATIVE_TENSOR_WINDOW_H_
#define KILN_CLIENTS_PYTHON_NATIVE_TENSOR_WINDOW_H_

#include <cstdint>
#include <string>

#include "clients/python/native/torch_shim.h"
#include "compiler/artifact/kiln_abi.h"

namespace kiln {

// A tensor that PyTorch sees exactly as `window` says: the window's own handle
// where that is the very same tensor, else one made over its memory, which must
// outlive this. Not copyable.
class TensorWindow {
 public:
  explicit TensorWindow(const KilnTensor& window);
  ~TensorWindow();
  TensorWindow(TensorWindow&& other) noexcept;
  TensorWindow(const TensorWindow&) = delete;
  TensorWindow& operator=(const TensorWindow&) = delete;

  // nullptr if PyTorch refused.
  TensorHandle get() const { return handle_; }

 private:
  TensorHandle handle_ = nullptr;
  bool owned_ = false;
};

// Fills `out` from a live tensor; sizes and strides live as long as the tensor.
// False if it is not strided or has no dtype of the wire.
bool ReadTensor(TensorHandle handle, KilnTensor* out);

// Checks an owning op's `result` against what the code was compiled for, copies it
// into the strides asked for where it has others, and fills `out`, which then owns
// it. Takes over `result`. "" or what is wrong.
std::string AdoptResult(TensorHandle result, KilnTensor* out);

}  // namespace kiln

#endif  // KILN_CLIENTS_PYTHON_NATIVE_TENSOR_WINDOW_H_
