// Weights in the layout that a library computes with, kept from call to call: oneDNN's
// own, or for MKL rows where the weight has columns.
//
// A weight is a parameter or a buffer, which a caller may write or replace at any time.
// It is packed once two calls in a row have seen it unchanged, and what is packed is
// used as long as PyTorch says that nothing has happened to it: the same memory, read
// the same way, with the same version counter. A weight that training changes at each
// step is therefore never packed. What escapes the counter escapes this too: writes
// through `.data`, and through memory that numpy shares.
//
// A packed weight is a copy: it takes as much memory as the weight. The weight's own
// memory is held as long, since an address that is given out again says nothing.
#ifndef KILN_CLIENTS_PYTHON_NATIVE_PACKED_WEIGHTS_H_
#define KILN_CLIENTS_PYTHON_NATIVE_PACKED_WEIGHTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/types/span.h"
#include "clients/python/native/torch_shim.h"
#include "compiler/artifact/kiln_abi.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// One of PyTorch's tensors that dies with this.
class OwnedTensor {
 public:
  OwnedTensor() = default;
  explicit OwnedTensor(TensorHandle handle) : handle_(handle) {}
  OwnedTensor(OwnedTensor&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  OwnedTensor& operator=(OwnedTensor&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~OwnedTensor() {
    if (handle_ != nullptr) Torch().aoti_torch_delete_tensor_object(handle_);
  }
  TensorHandle get() const { return handle_; }

 private:
  TensorHandle handle_ = nullptr;
};

// Of one artifact. Thread-safe once made; calls need no GIL.
class PackedWeights {
 public:
  // nullptr where the artifact asks for none, or PyTorch has no operator that packs.
  // Call with the GIL held.
  static std::unique_ptr<PackedWeights> Create(const v1::Manifest& manifest);
  PackedWeights(const PackedWeights&) = delete;
  PackedWeights& operator=(const PackedWeights&) = delete;
  ~PackedWeights();

  struct Use {
    const KilnTensor* weight = nullptr;  // the argument of the call
    std::shared_ptr<const OwnedTensor> packed;
  };
  // For a call of extern op `index` in a call of the artifact with these inputs. No
  // `packed` where the weight is to be used as it is.
  Use For(int index, absl::Span<const KilnValue> args, absl::Span<const KilnValue> inputs);

  // How many are packed now.
  int count() const;

 private:
  class Packer;
  struct Weight;
  PackedWeights() = default;

  // By extern op; nullptr where it takes no packed weight.
  std::vector<std::unique_ptr<Packer>> packers_;
  // By input: whether it is a parameter or a buffer.
  std::vector<bool> is_weight_;
  mutable std::mutex mutex_;
  // By input and extern op.
  std::map<std::pair<int, int>, Weight> weights_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kiln

#endif  // KILN_CLIENTS_PYTHON_NATIVE_PACKED_WEIGHTS_H_
