// Accesses through index tensors: gathers are pointwise nests with an indirect
// index; scatters are a copy or a fill first (none where the memory may be taken
// over), then a nest of stores in serial order, as two kernels.
#include <algorithm>
#include <optional>
#include <vector>

#include "base/status_macros.h"
#include "compiler/loops/lowering_table.h"

namespace kiln {
namespace {

Expr LoadIndex(KernelBuilder& b, const TensorOperand& index, absl::Span<const Expr> at, Expr bound) {
  return b.Indirect(LoadBroadcast(b, index, at), bound);
}

void EmitFill(LoweringContext& c, const TensorOperand& to, Expr scalar) {
  KernelBuilder b = c.NewKernel();
  FillNest(b, to, scalar);
  c.Emit(std::move(b));
}

// aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, ...): [n, e], [i..] -> [i.., e]
absl::Status Embedding(LoweringContext& c) {
  TensorOperand weight = c.In(0);
  TensorOperand index = c.In(1);
  TensorOperand out = c.Out();
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Expr row = LoadIndex(b, index, absl::MakeConstSpan(i).first(index.sizes.size()), weight.sizes[0]);
  StoreAt(b, out, i, b.Load(weight.buffer, weight.dtype, b.Index(weight, {row, i.back()})));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::embedding_dense_backward(Tensor grad_output, Tensor indices, SymInt num_weights, SymInt padding_idx,
//     bool scale_grad_by_freq)
absl::Status EmbeddingBackward(LoweringContext& c) {
  if (c.args().Bool(4)) return c.Unsupported("scale_grad_by_freq");
  TensorOperand grad = c.In(0);
  TensorOperand index = c.In(1);
  Expr padding = c.args().SymInt(3);
  TensorOperand out = c.Out();
  EmitFill(c, out, Expr(0));
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(index.sizes);
  Val number = LoadBroadcast(b, index, i);
  Expr row = b.Indirect(number, out.sizes[0]);
  Dims at = i;
  at.push_back(b.BeginLoop(out.sizes[1]));
  Val value = LoadBroadcast(b, grad, at);
  if (!padding.IsInt(-1)) {
    Val is_padding = b.Op(ScalarOp::kEq, b.Cast(number, DType::kInt64), b.FromExpr(DType::kInt64, padding));
    value = b.Where(is_padding, b.Constant(value.dtype, 0), value);
  }
  b.StoreAdd(out.buffer, out.dtype, b.Index(out, {row, at.back()}), value);
  b.EndLoop();
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::index_select(Tensor self, int dim, Tensor index)
absl::Status IndexSelect(LoweringContext& c) {
  TensorOperand in = AtLeastVector(c.In(0));
  KILN_ASSIGN_OR_RETURN(int dim, c.args().WrapDim(c.args().Int(1), static_cast<int>(in.sizes.size())));
  TensorOperand index = AtLeastVector(c.In(2));
  TensorOperand out = AtLeastVector(c.Out());
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Dims at = i;
  at[dim] = LoadIndex(b, index, {i[dim]}, in.sizes[dim]);
  StoreAt(b, out, i, b.Load(in.buffer, in.dtype, b.Index(in, at)));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False)
absl::Status Gather(LoweringContext& c) {
  TensorOperand in = AtLeastVector(c.In(0));
  TensorOperand index = AtLeastVector(c.In(2));
  if (in.sizes.size() != index.sizes.size()) return c.Unsupported("gather by an index of another rank");
  KILN_ASSIGN_OR_RETURN(int dim, c.args().WrapDim(c.args().Int(1), static_cast<int>(in.sizes.size())));
  TensorOperand out = AtLeastVector(c.Out());
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Dims at = i;
  at[dim] = b.Indirect(b.Load(index.buffer, index.dtype, b.Index(index, i)), in.sizes[dim]);
  StoreAt(b, out, i, b.Load(in.buffer, in.dtype, b.Index(in, at)));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

Val ScatteredValue(LoweringContext& c, KernelBuilder& b, const TensorOperand& out, absl::Span<const Expr> at) {
  if (!c.args().IsTensor(3)) return b.FromExpr(ComputationDType(out.dtype), c.args().Scalar(3).value);
  const TensorOperand src = AtLeastVector(c.In(3));
  return b.Load(src.buffer, src.dtype, b.Index(src, at));
}

// A scatter that writes one element of each row along `dim` (the gradient of a
// loss that picks one class) is pointwise: the element is the value where its
// place is the index, and what self has elsewhere. So it fuses with what made
// self, often a fill, and with what reads the result.
void ScatterOneOfEachRow(LoweringContext& c, int dim) {
  const TensorOperand in = AtLeastVector(c.In(0));
  const TensorOperand index = AtLeastVector(c.In(2));
  const TensorOperand out = AtLeastVector(c.Out());
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Dims at = i;
  at[dim] = Expr(0);
  const Expr place = b.Indirect(b.Load(index.buffer, index.dtype, b.Index(index, at)), out.sizes[dim]);
  const Val is_here = b.Op(ScalarOp::kEq, b.FromExpr(DType::kInt64, place), b.FromExpr(DType::kInt64, i[dim]));
  const Val before = b.Load(in.buffer, in.dtype, b.Index(in, i));
  StoreAt(b, out, i, b.Where(is_here, ScatteredValue(c, b, out, at), before));
  b.EndNest(i);
  c.Emit(std::move(b));
}

// Whether `index` has one element for each row of `out` along `dim`.
bool IsOneOfEachRow(LoweringContext& c, const TensorOperand& index, const TensorOperand& out, int dim) {
  for (size_t d = 0; d < index.sizes.size(); ++d) {
    const bool fits = static_cast<int>(d) == dim ? index.sizes[d].IsInt(1) : c.env().KnownEqual(index.sizes[d], out.sizes[d]);
    if (!fits) return false;
  }
  return true;
}

// aten::scatter.src(Tensor self, int dim, Tensor index, Tensor src) and its fellows: out[.. index ..] = src or += src.
// Where self does not take part in a sum, what is hit becomes 0 first.
absl::Status ScatterInto(LoweringContext& c, bool add, bool include_self = true) {
  TensorOperand in = c.In(0);
  TensorOperand index = AtLeastVector(c.In(2));
  size_t rank = std::max<size_t>(in.sizes.size(), 1);
  if (rank != index.sizes.size()) return c.Unsupported("scatter by an index of another rank");
  KILN_ASSIGN_OR_RETURN(int dim, c.args().WrapDim(c.args().Int(1), static_cast<int>(rank)));
  if (!add && IsOneOfEachRow(c, index, AtLeastVector(c.Window(c.OutTensor())), dim)) {
    ScatterOneOfEachRow(c, dim);
    return absl::OkStatus();
  }
  TensorOperand out = AtLeastVector(c.OutFrom(0));
  auto nest = [&](bool adds, auto value) {
    KernelBuilder b = c.NewKernel();
    Dims i = b.BeginNest(index.sizes);
    Dims at = i;
    at[dim] = b.Indirect(b.Load(index.buffer, index.dtype, b.Index(index, i)), out.sizes[dim]);
    if (adds) {
      b.StoreAdd(out.buffer, out.dtype, b.Index(out, at), value(b, i));
    } else {
      b.Store(out.buffer, out.dtype, b.Index(out, at), value(b, i));
    }
    b.EndNest(i);
    c.Emit(std::move(b));
  };
  if (!include_self) {
    nest(false, [&](KernelBuilder& b, const Dims&) { return b.Constant(ComputationDType(out.dtype), 0); });
  }
  nest(add, [&](KernelBuilder& b, const Dims& i) { return ScatteredValue(c, b, out, i); });
  return absl::OkStatus();
}
absl::Status Scatter(LoweringContext& c) { return ScatterInto(c, false); }
absl::Status ScatterAdd(LoweringContext& c) { return ScatterInto(c, true); }

// What is loaded and stored at an index that differs along the lanes has no code
// yet, so that products and extremes are the host's.
absl::Status NotASum(LoweringContext& c) { return c.Unsupported("a scatter that is no sum"); }

// aten::scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce), .value_reduce
absl::Status ScatterWithReduce(LoweringContext& c) {
  return c.args().String(4) == "add" ? ScatterInto(c, true) : NotASum(c);
}

// aten::scatter_reduce.two(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, bool include_self=True);
// means are decomposed.
absl::Status ScatterReduce(LoweringContext& c) {
  return c.args().String(4) == "sum" ? ScatterInto(c, true, c.args().Bool(5)) : NotASum(c);
}

// aten::index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1)
absl::Status IndexAdd(LoweringContext& c) {
  TensorOperand index = AtLeastVector(c.In(2));
  TensorOperand source = AtLeastVector(c.In(3));
  size_t rank = std::max<size_t>(c.In(0).sizes.size(), 1);
  if (source.sizes.size() != rank) return c.Unsupported("a source of another rank");
  KILN_ASSIGN_OR_RETURN(int dim, c.args().WrapDim(c.args().Int(1), static_cast<int>(rank)));
  Expr alpha = c.args().Scalar(4).value;
  TensorOperand out = AtLeastVector(c.OutFrom(0));
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(source.sizes);
  Dims at = i;
  at[dim] = LoadIndex(b, index, {i[dim]}, out.sizes[dim]);
  Val value = b.Load(source.buffer, source.dtype, b.Index(source, i));
  if (!alpha.IsInt(1)) value = b.Op(ScalarOp::kMul, value, b.FromExpr(value.dtype, alpha));
  b.StoreAdd(out.buffer, out.dtype, b.Index(out, at), value);
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::index_fill.int_Scalar(Tensor self, int dim, Tensor index, Scalar value), .int_Tensor and
// index_copy(Tensor self, int dim, Tensor index, Tensor source)
absl::Status IndexWrite(LoweringContext& c, bool copies) {
  TensorOperand in = AtLeastVector(c.In(0));
  TensorOperand index = AtLeastVector(c.In(2));
  KILN_ASSIGN_OR_RETURN(int dim, c.args().WrapDim(c.args().Int(1), static_cast<int>(in.sizes.size())));
  if (copies && AtLeastVector(c.In(3)).sizes.size() != in.sizes.size()) return c.Unsupported("a source of another rank");
  TensorOperand out = AtLeastVector(c.OutFrom(0));
  KernelBuilder b = c.NewKernel();
  Dims sizes = out.sizes;
  sizes[dim] = index.sizes[0];
  Dims i = b.BeginNest(sizes);
  Dims at = i;
  at[dim] = LoadIndex(b, index, {i[dim]}, out.sizes[dim]);
  Val value;
  if (c.args().IsTensor(3)) {
    value = LoadBroadcast(b, c.In(3), i);
  } else {
    value = b.FromExpr(ComputationDType(out.dtype), c.args().Scalar(3).value);
  }
  StoreAt(b, out, at, value);
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}
absl::Status IndexFill(LoweringContext& c) { return IndexWrite(c, false); }
absl::Status IndexCopy(LoweringContext& c) { return IndexWrite(c, true); }

// Advanced indexing of `in` by tensors for some of its dimensions. The result's
// dimensions are those before the indexed ones, the indices' common shape, and
// those behind; where the indexed ones are not adjacent the common shape is
// first.
class AdvancedIndex {
 public:
  static absl::StatusOr<AdvancedIndex> Make(LoweringContext& c, const TensorOperand& in, int arg) {
    AdvancedIndex result;
    result.in_ = in;
    for (const FakeTensor* t : c.args().TensorList(arg)) {
      result.indices_.emplace_back();
      if (t == nullptr) continue;
      if (t->dtype == DType::kBool || t->dtype == DType::kUInt8) return c.Unsupported("an index is a mask");
      result.indices_.back() = c.Window(*t);
    }
    result.indices_.resize(in.sizes.size());
    result.FindShape();
    return result;
  }

  const Dims& sizes() const { return sizes_; }

  // The place in the indexed tensor, seen through `window` of its shape, that
  // the result's element at `at` comes from.
  Expr Place(KernelBuilder& b, const TensorOperand& window, absl::Span<const Expr> at) const {
    absl::Span<const Expr> shared = at.subspan(first_, num_shared_);
    Dims place;
    size_t next = 0;
    for (size_t d = 0; d < indices_.size(); ++d) {
      if (indices_[d].has_value()) {
        place.push_back(LoadIndex(b, *indices_[d], shared, window.sizes[d]));
        continue;
      }
      if (next == first_) next += num_shared_;
      place.push_back(at[next++]);
    }
    return b.Index(window, place);
  }

 private:
  void FindShape() {
    Dims shared;
    std::optional<size_t> low, high;
    size_t count = 0;
    for (size_t d = 0; d < indices_.size(); ++d) {
      if (!indices_[d].has_value()) continue;
      if (!low.has_value()) low = d;
      high = d;
      ++count;
      AddShape(indices_[d]->sizes, shared);
    }
    bool adjacent = count > 0 && *high - *low + 1 == count;
    first_ = adjacent ? *low : 0;
    num_shared_ = shared.size();
    for (size_t d = 0; d < indices_.size(); ++d) {
      if (!indices_[d].has_value()) sizes_.push_back(in_.sizes[d]);
    }
    sizes_.insert(sizes_.begin() + first_, shared.begin(), shared.end());
  }

  static void AddShape(const Dims& sizes, Dims& shared) {
    if (sizes.size() > shared.size()) shared.insert(shared.begin(), sizes.size() - shared.size(), Expr(1));
    size_t skip = shared.size() - sizes.size();
    for (size_t d = 0; d < sizes.size(); ++d) {
      if (shared[skip + d].IsInt(1)) shared[skip + d] = sizes[d];
    }
  }

  TensorOperand in_;
  std::vector<std::optional<TensorOperand>> indices_;  // by dimension of `in_`
  Dims sizes_;
  size_t first_ = 0;
  size_t num_shared_ = 0;
};

// aten::index.Tensor(Tensor self, Tensor?[] indices)
absl::Status Index(LoweringContext& c) {
  TensorOperand in = c.In(0);
  KILN_ASSIGN_OR_RETURN(AdvancedIndex index, AdvancedIndex::Make(c, in, 1));
  TensorOperand out = c.Out();
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  StoreAt(b, out, i, b.Load(in.buffer, in.dtype, index.Place(b, in, i)));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False)
absl::Status IndexPut(LoweringContext& c) {
  TensorOperand in = c.In(0);
  KILN_ASSIGN_OR_RETURN(AdvancedIndex index, AdvancedIndex::Make(c, in, 1));
  TensorOperand values = c.In(2);
  TensorOperand out = c.OutFrom(0);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(index.sizes());
  Val value = LoadBroadcast(b, values, i);
  Expr place = index.Place(b, out, i);
  if (c.args().Bool(3)) {
    b.StoreAdd(out.buffer, out.dtype, place, value);
  } else {
    b.Store(out.buffer, out.dtype, place, value);
  }
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

constexpr LoweringRow kRows[] = {
    {"aten._unsafe_index.Tensor", Index},
    {"aten._unsafe_index_put.default", IndexPut},
    {"aten.embedding.default", Embedding},
    {"aten.embedding_dense_backward.default", EmbeddingBackward},
    {"aten.gather.default", Gather},
    {"aten.index.Tensor", Index},
    {"aten.index_add.default", IndexAdd},
    {"aten.index_copy.default", IndexCopy},
    {"aten.index_fill.int_Scalar", IndexFill},
    {"aten.index_fill.int_Tensor", IndexFill},
    {"aten.index_put.default", IndexPut},
    {"aten.index_select.default", IndexSelect},
    {"aten.scatter.reduce", ScatterWithReduce},
    {"aten.scatter.src", Scatter},
    {"aten.scatter.value", Scatter},
    {"aten.scatter.value_reduce", ScatterWithReduce},
    {"aten.scatter_add.default", ScatterAdd},
    {"aten.scatter_reduce.two", ScatterReduce},
};

}  // namespace

absl::Span<const LoweringRow> IndexingLowerings() { return kRows; }

}  // namespace kiln
