// A tensor without data: unfired clay, all shape and no substance.
//
// A plain value. Sizes, strides and offset are expressions in elements; two
// fake tensors alias when their storage ids are equal. The field's meaning is
// PyTorch's FakeTensor (torch/_subclasses/fake_tensor.py).
#ifndef KILN_FAKE_RUNTIME_TENSOR_FAKE_TENSOR_H_
#define KILN_FAKE_RUNTIME_TENSOR_FAKE_TENSOR_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/shape_env.h"
#include "fake_runtime/tensor/device.h"
#include "fake_runtime/tensor/dtype.h"

namespace kiln {

// Dimensions of a tensor: sizes or strides. Five inline covers most tensors.
using Dims = absl::InlinedVector<Expr, 5>;

// Which storage a tensor looks into. Numbered from 0 within one propagation.
struct StorageId {
  int value = -1;
  friend bool operator==(StorageId, StorageId) = default;
  template <typename H>
  friend H AbslHashValue(H h, StorageId id) {
    return H::combine(std::move(h), id.value);
  }
};

struct FakeTensor {
  DType dtype = DType::kFloat32;
  Device device;
  Layout layout = Layout::kStrided;
  Dims sizes;
  Dims strides;        // in elements
  Expr storage_offset; // in elements
  StorageId storage;
  bool requires_grad = false;
  bool conj_bit = false;
  bool neg_bit = false;
  // The value of a one-element CPU constant that is known (scalar_tensor,
  // lift_fresh_copy of a scalar). Cleared by writes.
  std::optional<ScalarValue> constant;

  int rank() const { return static_cast<int>(sizes.size()); }
  // "f32[s0, 128] strides=[128, 1] offset=0 cpu"
  std::string ToString() const;
};

// Product of sizes. Poison when it overflows.
Expr Numel(ExprPool& pool, absl::Span<const Expr> sizes);

// The bytes of a storage from its start to the last element of `t`, 0 where `t`
// has no element; nullopt where that hangs on symbols or overflows.
std::optional<int64_t> BytesReached(const FakeTensor& t);
// The same in symbols, of a tensor that has an element. Poison when it overflows.
Expr SymbolicBytesReached(ExprPool& pool, const FakeTensor& t);

// Row-major strides as torch.empty(sizes) has them: stride of the last dim is
// 1, each earlier is the next size's max(1, size) times the next stride.
// (PyTorch: make_contiguous_strides_for.)
Dims ContiguousStrides(ShapeEnv& env, absl::Span<const Expr> sizes);
// NHWC / NDHWC strides for rank 4 / 5.
Dims ChannelsLastStrides(ShapeEnv& env, absl::Span<const Expr> sizes);

// Whether they are as many, and each is the other's equal for every value that the
// facts allow; never reads a hint.
bool KnownSameDims(ShapeEnv& env, absl::Span<const Expr> a, absl::Span<const Expr> b);

// Whether the layout holds for every value that the facts allow; never reads a
// hint. (PyTorch: is_contiguous_or_false and friends.)
bool KnownContiguous(ShapeEnv& env, const FakeTensor& t);
bool KnownChannelsLast(ShapeEnv& env, const FakeTensor& t);  // rank 4 or 5
bool KnownNonOverlappingAndDense(ShapeEnv& env, const FakeTensor& t);

// As above, but may read hints and record guards.
absl::StatusOr<bool> TestContiguous(ShapeEnv& env, const FakeTensor& t);
absl::StatusOr<bool> TestChannelsLast(ShapeEnv& env, const FakeTensor& t);
absl::StatusOr<bool> TestNonOverlappingAndDense(ShapeEnv& env, const FakeTensor& t);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_TENSOR_FAKE_TENSOR_H_
