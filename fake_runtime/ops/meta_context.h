// What a meta function sees: one node's arguments as fake values, the shape
// environment, and where to put the outputs.
//
//   absl::Status MmMeta(MetaContext& ctx) {        // [m,k] x [k,n] -> [m,n]
//     const FakeTensor& a = ctx.Tensor(0);
//     const FakeTensor& b = ctx.Tensor(1);
//     KILN_RETURN_IF_ERROR(ctx.CheckEqual(a.sizes[1], b.sizes[0], "lhs dim 1", "rhs dim 0"));
//     ctx.Return(ctx.NewTensor(a.dtype, a.device, {a.sizes[0], b.sizes[1]}));
//     return absl::OkStatus();
//   }
//
// Argument accessors take the schema's argument index. Types were checked
// against the schema before, so accessors do not fail; asking for the wrong
// type is our bug.
#ifndef KILN_FAKE_RUNTIME_OPS_META_CONTEXT_H_
#define KILN_FAKE_RUNTIME_OPS_META_CONTEXT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "base/error.h"
#include "fake_runtime/graph/graph.h"
#include "fake_runtime/symbolic/shape_env.h"
#include "fake_runtime/tensor/fake_tensor.h"

namespace kiln {

// A number operand: a literal or a symbolic scalar, with its Python type.
struct FakeScalar {
  ExprType type = ExprType::kInt;
  Expr value;
};

class MetaContext {
 public:
  // `values[v]` is the fake value of ValueId{v}. `next_storage` is the first
  // unused storage id and grows.
  MetaContext(const OpSchema& schema, absl::Span<const Argument> args,
              absl::Span<const FakeValue> values, ShapeEnv* env,
              int* next_storage);

  ShapeEnv& env() { return *env_; }
  ExprPool& pool() { return env_->pool(); }
  const OpSchema& schema() const { return schema_; }

  // --- arguments
  int num_args() const { return static_cast<int>(args_.size()); }
  const Argument& Raw(int i) const { return args_[i]; }
  bool IsNone(int i) const { return args_[i].is_none(); }
  const FakeTensor& Tensor(int i) const;
  const FakeTensor* OptionalTensor(int i) const;            // nullptr for none
  std::vector<const FakeTensor*> TensorList(int i) const;   // nullptr items for none
  bool IsTensor(int i) const;
  // Whether it is, or a list has, a tensor that requires grad.
  bool RequiresGrad(int i) const;
  FakeScalar Scalar(int i) const;
  std::optional<FakeScalar> OptionalScalar(int i) const;
  Expr SymInt(int i) const;                     // int or SymInt
  std::optional<Expr> OptionalSymInt(int i) const;
  Dims SymInts(int i) const;                    // a single value for T[n] gives n of it
  std::optional<Dims> OptionalSymInts(int i) const;
  // `int` arguments, which are literals. Of a SymInt, where the result hangs on the
  // very number, so it is pinned by a guard; status() says if it cannot be.
  int64_t Int(int i) const;
  std::vector<int64_t> Ints(int i) const;
  std::optional<std::vector<int64_t>> OptionalInts(int i) const;
  bool Bool(int i) const;
  double Float(int i) const;
  std::optional<DType> OptionalDType(int i) const;
  std::optional<Device> OptionalDevice(int i) const;
  std::optional<MemoryFormat> OptionalMemoryFormat(int i) const;
  absl::string_view String(int i) const;

  // --- tests on sizes (see ShapeEnv)
  absl::StatusOr<bool> Test(Expr condition, absl::string_view what) {
    return env_->Test(condition, what);
  }
  // SHAPE_MISMATCH "`a_name` is 64 but `b_name` is 32" unless equal.
  absl::Status CheckEqual(Expr a, Expr b, absl::string_view a_name, absl::string_view b_name);
  // `dim` wrapped into [0, rank); INDEX_OUT_OF_RANGE otherwise. Rank 0
  // counts as 1, as in PyTorch.
  absl::StatusOr<int> WrapDim(int64_t dim, int rank) const;
  absl::StatusOr<absl::InlinedVector<int, 5>> WrapDims(absl::Span<const int64_t> dims, int rank) const;
  absl::Status Fail(ErrorReason reason, absl::string_view message) const { return MakeError(reason, message); }

  // The bytes of a storage, none where they hang on symbols, or are an input's that
  // does not say: its storage may be larger than what the input sees of it.
  void SetStorageBytes(absl::Span<const std::optional<Expr>> bytes) { storage_bytes_ = bytes; }
  std::optional<Expr> StorageBytes(StorageId id) const {
    return static_cast<size_t>(id.value) < storage_bytes_.size() ? storage_bytes_[id.value] : std::nullopt;
  }

  // --- results
  // A tensor with a storage of its own, offset 0; contiguous unless strides are
  // given.
  FakeTensor NewTensor(DType dtype, const Device& device, Dims sizes);
  FakeTensor NewTensor(DType dtype, const Device& device, Dims sizes, Dims strides);
  // `base` with other sizes, strides and offset, in the same storage.
  FakeTensor ViewOf(const FakeTensor& base, Dims sizes, Dims strides, Expr offset);
  // In order of the schema's returns.
  void Return(FakeValue value);
  void ReturnList(std::vector<FakeValue> values);

  // An in-place op changed the metadata of its argument `i`, or wrote data to
  // it; `known constant` values of its storage are forgotten by the caller.
  void MarkWritten(int i) { written_.push_back(i); }

  // Not OK if some number that was asked for hangs on data: what the meta function
  // made of it then counts for nothing.
  const absl::Status& status() const { return status_; }

  // For FakeTensorMode: what was returned, one vector per schema return.
  struct Returned {
    bool is_list = false;
    std::vector<FakeValue> values;
  };
  const std::vector<Returned>& returned() const { return returned_; }
  std::vector<Returned>& mutable_returned() { return returned_; }
  const std::vector<int>& written() const { return written_; }
  // Storage ids from `first` on are given out again.
  void ReleaseStorages(int first) { *next_storage_ = first; }
  int next_storage() const { return *next_storage_; }

 private:
  Expr ExprOf(const Argument& arg) const;
  int64_t PinnedInt(int i, const Argument& item) const;

  const OpSchema& schema_;
  absl::Span<const Argument> args_;
  absl::Span<const FakeValue> values_;
  ShapeEnv* env_;
  int* next_storage_;
  absl::Span<const std::optional<Expr>> storage_bytes_;
  std::vector<Returned> returned_;
  std::vector<int> written_;
  mutable absl::Status status_;
};

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_META_CONTEXT_H_
