// Reductions over dimensions of one tensor: a nest over the kept dimensions,
// accumulators, a nest over the reduced ones, and an epilogue on the results.
#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "base/status_macros.h"
#include "compiler/loops/lowering_table.h"
#include "compiler/loops/norm_sum.h"

namespace kiln {
namespace {

// The dimensions that argument `arg` names: none, or an empty list, is all.
absl::StatusOr<std::vector<bool>> ReducedDims(LoweringContext& c, const std::optional<std::vector<int64_t>>& dims) {
  int rank = c.args().Tensor(0).rank();
  if (!dims.has_value() || dims->empty()) return std::vector<bool>(rank, true);
  std::vector<bool> reduced(rank, false);
  KILN_ASSIGN_OR_RETURN(auto wrapped, c.args().WrapDims(*dims, rank));
  for (int dim : wrapped) {
    if (dim < rank) reduced[dim] = true;
  }
  return reduced;
}

std::optional<std::vector<int64_t>> OneDim(LoweringContext& c, int arg) {
  if (c.args().IsNone(arg)) return std::nullopt;
  return std::vector<int64_t>{c.args().Int(arg)};
}

// One reduction kernel while it is built.
class ReductionNest {
 public:
  ReductionNest(LoweringContext& c, std::vector<bool> reduced)
      : c_(c), b_(c.NewKernel()), in_(c.In(0)), reduced_(std::move(reduced)) {
    indices_.resize(in_.sizes.size());
    for (size_t d = 0; d < reduced_.size(); ++d) {
      if (!reduced_[d]) indices_[d] = b_.BeginLoop(in_.sizes[d]);
    }
  }

  KernelBuilder& b() { return b_; }
  LoweringContext& node() { return c_; }

  // Runs `update` on each element along the reduced dimensions.
  void Reduce(const std::function<void(Val element)>& update) {
    for (size_t d = 0; d < reduced_.size(); ++d) {
      if (reduced_[d]) indices_[d] = b_.BeginLoop(in_.sizes[d]);
    }
    update(LoadBroadcast(b_, in_, indices_));
    for (bool reduced : reduced_) {
      if (reduced) b_.EndLoop();
    }
  }

  // Within Reduce: the element's number among those that are reduced together.
  Val Position() {
    ExprPool& pool = c_.pool();
    Expr position;
    for (size_t d = 0; d < reduced_.size(); ++d) {
      if (reduced_[d]) position = pool.Add(pool.Mul(position, in_.sizes[d]), indices_[d]);
    }
    return b_.FromExpr(DType::kInt64, position);
  }

  // How many elements are reduced together.
  Expr Count() {
    Expr count(1);
    for (size_t d = 0; d < reduced_.size(); ++d) {
      if (reduced_[d]) count = c_.pool().Mul(count, in_.sizes[d]);
    }
    return count;
  }

  void Store(int output, Val v) {
    TensorOperand out = c_.Out(output);
    bool keepdim = out.sizes.size() == reduced_.size();
    Dims indices;
    for (size_t d = 0; d < reduced_.size(); ++d) {
      if (!reduced_[d]) {
        indices.push_back(indices_[d]);
      } else if (keepdim) {
        indices.push_back(Expr(0));
      }
    }
    StoreAt(b_, out, indices, v);
  }

  absl::Status Finish() {
    for (bool reduced : reduced_) {
      if (!reduced) b_.EndLoop();
    }
    c_.Emit(std::move(b_));
    return absl::OkStatus();
  }

 private:
  LoweringContext& c_;
  KernelBuilder b_;
  TensorOperand in_;
  std::vector<bool> reduced_;
  Dims indices_;
};

Val Accumulated(ReductionNest& nest, ReduceKind kind, DType dtype) {
  Val accumulator = nest.b().Accumulate(kind, dtype);
  nest.Reduce([&](Val element) { nest.b().Update(accumulator, nest.b().Cast(element, dtype)); });
  return nest.b().Result(accumulator);
}

// The dtype that output 0 is computed in.
DType OutDType(LoweringContext& c) { return ComputationDType(c.OutTensor().dtype); }

absl::Status LowerSimple(LoweringContext& c, ReduceKind kind, const std::optional<std::vector<int64_t>>& dims) {
  KILN_ASSIGN_OR_RETURN(std::vector<bool> reduced, ReducedDims(c, dims));
  ReductionNest nest(c, std::move(reduced));
  nest.Store(0, Accumulated(nest, kind, OutDType(c)));
  return nest.Finish();
}

template <ReduceKind kind>
absl::Status OverAll(LoweringContext& c) {
  return LowerSimple(c, kind, std::nullopt);
}
template <ReduceKind kind>
absl::Status OverDims(LoweringContext& c) {
  return LowerSimple(c, kind, c.args().OptionalInts(1));
}
template <ReduceKind kind>
absl::Status OverDim(LoweringContext& c) {
  return LowerSimple(c, kind, OneDim(c, 1));
}
absl::Status AmaxAmin(LoweringContext& c, ReduceKind kind) { return LowerSimple(c, kind, c.args().Ints(1)); }
absl::Status Amax(LoweringContext& c) { return AmaxAmin(c, ReduceKind::kMax); }
absl::Status Amin(LoweringContext& c) { return AmaxAmin(c, ReduceKind::kMin); }

absl::Status LowerMean(LoweringContext& c, const std::optional<std::vector<int64_t>>& dims) {
  KILN_ASSIGN_OR_RETURN(std::vector<bool> reduced, ReducedDims(c, dims));
  ReductionNest nest(c, std::move(reduced));
  Val sum = Accumulated(nest, ReduceKind::kSum, OutDType(c));
  nest.Store(0, nest.b().Op(ScalarOp::kDiv, sum, nest.b().FromExpr(sum.dtype, nest.Count())));
  return nest.Finish();
}
absl::Status MeanAll(LoweringContext& c) { return LowerMean(c, std::nullopt); }
absl::Status MeanDims(LoweringContext& c) { return LowerMean(c, c.args().OptionalInts(1)); }

// any and all take elements of any dtype as bools.
template <ReduceKind kind>
absl::Status LogicalOver(LoweringContext& c, const std::optional<std::vector<int64_t>>& dims) {
  KILN_ASSIGN_OR_RETURN(std::vector<bool> reduced, ReducedDims(c, dims));
  ReductionNest nest(c, std::move(reduced));
  nest.Store(0, Accumulated(nest, kind, DType::kBool));
  return nest.Finish();
}
template <ReduceKind kind>
absl::Status LogicalAll(LoweringContext& c) {
  return LogicalOver<kind>(c, std::nullopt);
}
template <ReduceKind kind>
absl::Status LogicalDim(LoweringContext& c) {
  return LogicalOver<kind>(c, OneDim(c, 1));
}
template <ReduceKind kind>
absl::Status LogicalDims(LoweringContext& c) {
  return LogicalOver<kind>(c, c.args().OptionalInts(1));
}

// argmax/argmin and max.dim/min.dim: `value` and `index` say which output is
// what, -1 for neither.
absl::Status LowerArg(LoweringContext& c, ReduceKind kind, int value, int index) {
  KILN_ASSIGN_OR_RETURN(std::vector<bool> reduced, ReducedDims(c, OneDim(c, 1)));
  ReductionNest nest(c, std::move(reduced));
  KernelBuilder& b = nest.b();
  Val accumulator = b.Accumulate(kind, ComputationDType(c.args().Tensor(0).dtype));
  nest.Reduce([&](Val element) { b.Update(accumulator, element, nest.Position()); });
  if (value >= 0 && c.IsUsed(value)) nest.Store(value, b.Result(accumulator, 0));
  if (index >= 0 && c.IsUsed(index)) nest.Store(index, b.Result(accumulator, 1));
  return nest.Finish();
}
absl::Status Argmax(LoweringContext& c) { return LowerArg(c, ReduceKind::kArgMax, -1, 0); }
absl::Status Argmin(LoweringContext& c) { return LowerArg(c, ReduceKind::kArgMin, -1, 0); }
absl::Status MaxDim(LoweringContext& c) { return LowerArg(c, ReduceKind::kArgMax, 0, 1); }
absl::Status MinDim(LoweringContext& c) { return LowerArg(c, ReduceKind::kArgMin, 0, 1); }

// aten::var.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) and
// var_mean, std: M2 / max(0, count - correction), `mean` is the output of the mean.
absl::Status LowerVariance(LoweringContext& c, bool root, int mean) {
  KILN_ASSIGN_OR_RETURN(std::vector<bool> reduced, ReducedDims(c, c.args().OptionalInts(1)));
  ReductionNest nest(c, std::move(reduced));
  KernelBuilder& b = nest.b();
  DType dtype = OutDType(c);
  Val accumulator = b.Accumulate(ReduceKind::kWelford, dtype);
  nest.Reduce([&](Val element) { b.Update(accumulator, b.Cast(element, dtype)); });
  Val count = b.FromExpr(dtype, nest.Count());
  Val correction = c.args().IsNone(2) ? b.Constant(dtype, 1) : b.FromExpr(dtype, c.args().Scalar(2).value);
  Val divisor = b.Op(ScalarOp::kMaximum, b.Op(ScalarOp::kSub, count, correction), b.Constant(dtype, 0));
  Val variance = b.Op(ScalarOp::kDiv, b.Result(accumulator, 1), divisor);
  nest.Store(0, root ? b.Op(ScalarOp::kSqrt, variance) : variance);
  if (mean >= 0 && c.IsUsed(mean)) {
    Val value = b.Result(accumulator, 0);
    if (!c.env().KnownTrue(c.pool().Gt(nest.Count(), Expr(0)))) {
      Val is_empty = b.Op(ScalarOp::kEq, count, b.Constant(dtype, 0));
      value = b.Where(is_empty, b.Constant(dtype, std::numeric_limits<double>::quiet_NaN()), value);
    }
    nest.Store(mean, value);
  }
  return nest.Finish();
}
absl::Status Var(LoweringContext& c) { return LowerVariance(c, false, -1); }
absl::Status VarMean(LoweringContext& c) { return LowerVariance(c, false, 1); }
absl::Status Std(LoweringContext& c) { return LowerVariance(c, true, -1); }
absl::Status StdMean(LoweringContext& c) { return LowerVariance(c, true, 1); }

absl::Status LowerCountNonzero(LoweringContext& c, const std::optional<std::vector<int64_t>>& dims) {
  KILN_ASSIGN_OR_RETURN(std::vector<bool> reduced, ReducedDims(c, dims));
  ReductionNest nest(c, std::move(reduced));
  KernelBuilder& b = nest.b();
  Val accumulator = b.Accumulate(ReduceKind::kSum, DType::kInt64);
  nest.Reduce([&](Val element) { b.Update(accumulator, b.Cast(b.Cast(element, DType::kBool), DType::kInt64)); });
  nest.Store(0, b.Result(accumulator));
  return nest.Finish();
}
absl::Status CountNonzero(LoweringContext& c) { return LowerCountNonzero(c, OneDim(c, 1)); }
absl::Status CountNonzeroDims(LoweringContext& c) { return LowerCountNonzero(c, c.args().Ints(1)); }

// aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None)
absl::Status VectorNorm(LoweringContext& c) {
  Expr order = c.args().Scalar(1).value;
  std::optional<double> ord = order.AsFloat();
  if (std::optional<int64_t> i = order.AsInt(); i.has_value()) ord = static_cast<double>(*i);
  if (!ord.has_value()) return c.Unsupported("the order of the norm is no constant");
  KILN_ASSIGN_OR_RETURN(std::vector<bool> reduced, ReducedDims(c, c.args().OptionalInts(2)));
  ReductionNest nest(c, std::move(reduced));
  KernelBuilder& b = nest.b();
  NormSum norm(b, OutDType(c), *ord);
  nest.Reduce([&](Val element) { norm.Update(element); });
  nest.Store(0, norm.Result());
  return nest.Finish();
}

// aten::isin.Tensor_Tensor(Tensor elements, Tensor test_elements, *, bool assume_unique=False, bool invert=False)
absl::Status IsIn(LoweringContext& c) {
  TensorOperand elements = c.In(0);
  TensorOperand tests = c.In(1);
  DType dtype = ComputationDType(PromoteOperands(c));
  bool invert = c.args().Bool(3);
  TensorOperand out = c.Out();
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Val found = b.Accumulate(ReduceKind::kAny, DType::kBool);
  Val element = b.Cast(LoadBroadcast(b, elements, i), dtype);
  Dims t = b.BeginNest(tests.sizes);
  b.Update(found, b.Op(ScalarOp::kEq, element, b.Cast(LoadBroadcast(b, tests, t), dtype)));
  b.EndNest(t);
  Val result = b.Result(found);
  StoreAt(b, out, i, invert ? b.Op(ScalarOp::kNot, result) : result);
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

constexpr LoweringRow kRows[] = {
    {"aten.all.default", LogicalAll<ReduceKind::kAll>},
    {"aten.all.dim", LogicalDim<ReduceKind::kAll>},
    {"aten.all.dims", LogicalDims<ReduceKind::kAll>},
    {"aten.amax.default", Amax},
    {"aten.amin.default", Amin},
    {"aten.any.default", LogicalAll<ReduceKind::kAny>},
    {"aten.any.dim", LogicalDim<ReduceKind::kAny>},
    {"aten.any.dims", LogicalDims<ReduceKind::kAny>},
    {"aten.argmax.default", Argmax},
    {"aten.argmin.default", Argmin},
    {"aten.count_nonzero.default", CountNonzero},
    {"aten.count_nonzero.dim_IntList", CountNonzeroDims},
    {"aten.isin.Tensor_Tensor", IsIn},
    {"aten.linalg_vector_norm.default", VectorNorm},
    {"aten.max.default", OverAll<ReduceKind::kMax>},
    {"aten.max.dim", MaxDim},
    {"aten.mean.default", MeanAll},
    {"aten.mean.dim", MeanDims},
    {"aten.min.default", OverAll<ReduceKind::kMin>},
    {"aten.min.dim", MinDim},
    {"aten.prod.default", OverAll<ReduceKind::kProd>},
    {"aten.prod.dim_int", OverDim<ReduceKind::kProd>},
    {"aten.std.correction", Std},
    {"aten.std_mean.correction", StdMean},
    {"aten.sum.default", OverAll<ReduceKind::kSum>},
    {"aten.sum.dim_IntList", OverDims<ReduceKind::kSum>},
    {"aten.var.correction", Var},
    {"aten.var_mean.correction", VarMean},
};

}  // namespace

absl::Span<const LoweringRow> ReductionLowerings() { return kRows; }

}  // namespace kiln
