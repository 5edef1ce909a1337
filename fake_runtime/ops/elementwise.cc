#include "fake_runtime/ops/elementwise.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/broadcast.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

using Perm = absl::InlinedVector<int, 5>;
using OperandStrides = absl::InlinedVector<Dims, 3>;

// Sorts dimensions so that the innermost comes first, by insertion with a
// comparison that may be undecided (TensorIterator::reorder_dimensions).
// `compare(a, b)` is 1 when a must come after b, -1 when before, 0 when unknown.
template <typename Compare>
absl::StatusOr<Perm> SortDims(int rank, Compare compare) {
  Perm perm(rank);
  for (int i = 0; i < rank; ++i) perm[i] = rank - 1 - i;
  for (int i = 1; i < rank; ++i) {
    int dim1 = i;
    for (int dim0 = i - 1; dim0 >= 0; --dim0) {
      KILN_ASSIGN_OR_RETURN(int order, compare(perm[dim0], perm[dim1]));
      if (order < 0) break;
      if (order == 0) continue;
      std::swap(perm[dim0], perm[dim1]);
      dim1 = dim0;
    }
  }
  return perm;
}

bool IsNatural(const Perm& perm) {
  for (size_t i = 0; i < perm.size(); ++i) {
    if (perm[i] != static_cast<int>(perm.size() - 1 - i)) return false;
  }
  return true;
}

// TensorIterator's comparison: the first operand that has an opinion decides.
absl::StatusOr<Perm> ConstantPerm(absl::Span<const Expr> sizes, const OperandStrides& strides) {
  return SortDims(static_cast<int>(sizes.size()), [&](int a, int b) -> absl::StatusOr<int> {
    for (const Dims& s : strides) {
      int64_t sa = *s[a].AsInt(), sb = *s[b].AsInt();
      if (sa == 0 || sb == 0) continue;
      if (sa != sb) return sa < sb ? -1 : 1;
      if (*sizes[a].AsInt() > *sizes[b].AsInt()) return 1;
    }
    return 0;
  });
}

// guard_or_false(a >= b) or a is a multiple of b, for a, b >= 0.
absl::StatusOr<bool> AtLeast(MetaContext& ctx, Expr a, Expr b) {
  if (a == b) return true;
  KILN_ASSIGN_OR_RETURN(bool b_zero, GuardZero(ctx, b, "order of strides"));
  if (b_zero) return true;
  KILN_ASSIGN_OR_RETURN(bool a_zero, GuardZero(ctx, a, "order of strides"));
  if (a_zero) return false;
  KILN_ASSIGN_OR_RETURN(bool at_least, ctx.env().TestOr(ctx.pool().Ge(a, b), false, "order of strides"));
  if (at_least) return true;
  if (!a.has_unbacked() && !b.has_unbacked()) return false;
  return GuardZero(ctx, ctx.pool().Mod(a, b), "order of strides");
}

absl::StatusOr<int> CompareSymbolic(MetaContext& ctx, absl::Span<const Expr> sizes, const Dims& strides, int a, int b) {
  KILN_ASSIGN_OR_RETURN(bool skip_a, GuardZero(ctx, strides[a], "order of strides"));
  if (skip_a) return 0;
  KILN_ASSIGN_OR_RETURN(bool skip_b, GuardZero(ctx, strides[b], "order of strides"));
  if (skip_b) return 0;
  KILN_ASSIGN_OR_RETURN(bool equal, GuardEqual(ctx, strides[a], strides[b], "order of strides"));
  if (equal) {
    KILN_ASSIGN_OR_RETURN(bool in_order, AtLeast(ctx, sizes[b], sizes[a]));
    return in_order ? 0 : 1;
  }
  KILN_ASSIGN_OR_RETURN(bool b_outer, AtLeast(ctx, strides[b], strides[a]));
  if (b_outer) return -1;
  KILN_ASSIGN_OR_RETURN(bool a_outer, AtLeast(ctx, strides[a], strides[b]));
  return a_outer ? 1 : 0;
}

absl::StatusOr<Perm> SymbolicPerm(MetaContext& ctx, absl::Span<const Expr> sizes, const OperandStrides& strides) {
  return SortDims(static_cast<int>(sizes.size()), [&](int a, int b) -> absl::StatusOr<int> {
    for (const Dims& s : strides) {
      KILN_ASSIGN_OR_RETURN(int order, CompareSymbolic(ctx, sizes, s, a, b));
      if (order != 0) return order;
    }
    return 0;
  });
}

// Dense strides in the order of `perm`.
Dims DenseStrides(MetaContext& ctx, absl::Span<const Expr> sizes, const Perm& perm) {
  Dims out(sizes.size());
  Expr next(1);
  for (int dim : perm) {
    out[dim] = next;
    next = ctx.pool().Mul(next, ctx.env().Simplify(ctx.pool().Max(sizes[dim], Expr(1))));
  }
  return out;
}

bool SameSizes(absl::Span<const Expr> sizes, absl::Span<const Operand> operands) {
  for (const Operand& op : operands) {
    if (op.tensor != nullptr && absl::MakeConstSpan(op.tensor->sizes) != sizes) return false;
  }
  return true;
}

bool AnyUnbacked(const FakeTensor& t) {
  auto unbacked = [](Expr e) { return e.has_unbacked(); };
  return std::any_of(t.sizes.begin(), t.sizes.end(), unbacked) ||
         std::any_of(t.strides.begin(), t.strides.end(), unbacked);
}

// Whether `t` is contiguous decides strides of a result, so where it is not
// known the hint decides and a guard is recorded.
absl::StatusOr<bool> DecideContiguous(MetaContext& ctx, const FakeTensor& t) {
  if (KnownContiguous(ctx.env(), t)) return true;
  if (AnyUnbacked(t)) return false;
  return TestContiguous(ctx.env(), t);
}

absl::StatusOr<bool> DecideDense(MetaContext& ctx, const FakeTensor& t) {
  if (KnownNonOverlappingAndDense(ctx.env(), t)) return true;
  if (AnyUnbacked(t)) return false;
  return TestNonOverlappingAndDense(ctx.env(), t);
}

absl::StatusOr<bool> DecideChannelsLast(MetaContext& ctx, const FakeTensor& t) {
  if (t.rank() != 4) return false;
  if (KnownChannelsLast(ctx.env(), t)) return true;
  if (AnyUnbacked(t)) return false;
  return TestChannelsLast(ctx.env(), t);
}

// Tensors of one shape whose layout is obvious: all contiguous or all
// channels-last, but not both, as tensors with sizes of 1 may be. nullopt where
// it is not.
absl::StatusOr<std::optional<Dims>> FastStrides(MetaContext& ctx, absl::Span<const Expr> sizes,
                                                absl::Span<const Operand> operands) {
  bool contiguous = true, channels_last = sizes.size() == 4, same = true;
  const FakeTensor* first = nullptr;
  for (const Operand& op : operands) {
    if (op.tensor == nullptr) continue;
    if (first == nullptr) first = op.tensor;
    if (contiguous) {
      KILN_ASSIGN_OR_RETURN(contiguous, DecideContiguous(ctx, *op.tensor));
    }
    if (channels_last) {
      KILN_ASSIGN_OR_RETURN(channels_last, DecideChannelsLast(ctx, *op.tensor));
    }
    same = same && op.tensor->strides == first->strides;
  }
  using Result = std::optional<Dims>;
  if (contiguous && !channels_last) return Result(ContiguousStrides(ctx.env(), sizes));
  if (channels_last && !contiguous) return Result(ChannelsLastStrides(ctx.env(), sizes));
  if (same && first != nullptr && KnownNonOverlappingAndDense(ctx.env(), *first)) return Result(first->strides);
  return Result();
}

// PyTorch's fake mode runs most pointwise operators as its Python references,
// which convert an operand to the type they compute in before they look at
// strides. What was expanded is dense then, and has an opinion on the order.
bool BecomesDense(MetaContext& ctx, const Operand& op, DType computed) {
  if (op.tensor == nullptr || op.tensor->dtype == computed || op.tensor->rank() < 2) return false;
  return AllConstant(op.tensor->sizes) && AllConstant(op.tensor->strides) &&
         !KnownNonOverlappingAndDense(ctx.env(), *op.tensor);
}

bool HasSymbols(absl::Span<const Expr> sizes, absl::Span<const Operand> operands) {
  if (!AllConstant(sizes)) return true;
  for (const Operand& op : operands) {
    if (op.tensor != nullptr && (!AllConstant(op.tensor->sizes) || !AllConstant(op.tensor->strides))) return true;
  }
  return false;
}

// On symbols PyTorch takes the operands' obvious layout even where they
// broadcast (fake_impls.make_fast_binary_impl).
std::optional<Dims> FastSymbolicStrides(MetaContext& ctx, absl::Span<const Expr> sizes,
                                        absl::Span<const Operand> operands) {
  bool contiguous = true, some_full = false;
  for (const Operand& op : operands) {
    if (op.tensor == nullptr) continue;
    some_full = some_full || op.tensor->rank() == static_cast<int>(sizes.size());
    contiguous = contiguous && KnownContiguous(ctx.env(), *op.tensor);
  }
  if (contiguous && some_full) return ContiguousStrides(ctx.env(), sizes);
  return std::nullopt;
}

}  // namespace

Operand OperandOf(MetaContext& ctx, int i) {
  Operand operand;
  if (ctx.IsTensor(i)) {
    operand.tensor = &ctx.Tensor(i);
  } else {
    operand.number = ctx.Scalar(i);
  }
  return operand;
}

absl::StatusOr<Dims> CommonSizes(MetaContext& ctx, absl::Span<const Operand> operands) {
  Dims sizes;
  bool first = true;
  for (const Operand& op : operands) {
    if (op.tensor == nullptr) continue;
    if (first) {
      sizes = op.tensor->sizes;
      first = false;
    } else if (!(op.tensor->sizes == sizes)) {
      KILN_ASSIGN_OR_RETURN(sizes, BroadcastSizes(ctx, sizes, op.tensor->sizes));
    }
  }
  return sizes;
}

absl::StatusOr<Dims> ElementwiseStrides(MetaContext& ctx, absl::Span<const Expr> sizes,
                                        absl::Span<const Operand> operands) {
  if (sizes.empty()) return Dims();
  if (sizes.size() == 1) return Dims{Expr(1)};
  // A tensor without elements is contiguous, however it was broadcast.
  for (Expr size : sizes) {
    if (size.IsInt(0)) return ContiguousStrides(ctx.env(), sizes);
  }
  if (SameSizes(sizes, operands)) {
    KILN_ASSIGN_OR_RETURN(std::optional<Dims> fast, FastStrides(ctx, sizes, operands));
    if (fast.has_value()) return *std::move(fast);
  }
  const bool symbolic = HasSymbols(sizes, operands);
  if (symbolic) {
    if (std::optional<Dims> fast = FastSymbolicStrides(ctx, sizes, operands)) return *std::move(fast);
  }
  OperandStrides strides;
  for (const Operand& op : operands) {
    if (op.tensor == nullptr || op.tensor->rank() == 0) continue;
    KILN_ASSIGN_OR_RETURN(Dims seen, BroadcastStrides(ctx, op.tensor->sizes, op.tensor->strides, sizes));
    strides.push_back(std::move(seen));
  }
  Perm perm;
  if (symbolic) {
    KILN_ASSIGN_OR_RETURN(perm, SymbolicPerm(ctx, sizes, strides));
  } else {
    KILN_ASSIGN_OR_RETURN(perm, ConstantPerm(sizes, strides));
  }
  if (IsNatural(perm)) return ContiguousStrides(ctx.env(), sizes);
  for (Expr size : sizes) {
    KILN_ASSIGN_OR_RETURN(bool empty, GuardZero(ctx, size, "the result is empty"));
    if (empty) return ContiguousStrides(ctx.env(), sizes);
  }
  return DenseStrides(ctx, sizes, perm);
}

absl::StatusOr<FakeTensor> ElementwiseOf(MetaContext& ctx, absl::Span<const Operand> operands, DType dtype) {
  // Where they differ, SettleDevices has the last word.
  const auto first = std::find_if(operands.begin(), operands.end(), [](const Operand& op) { return op.tensor != nullptr; });
  const Device device = first == operands.end() ? Device{} : first->tensor->device;
  KILN_ASSIGN_OR_RETURN(Dims sizes, CommonSizes(ctx, operands));
  // In place, the result is `self` as it lies: asking for strides would only make guards.
  const std::vector<ArgSchema>& args = ctx.schema().args;
  if (!args.empty() && args[0].is_written && !args[0].keyword_only) return ctx.NewTensor(dtype, device, std::move(sizes));
  KILN_ASSIGN_OR_RETURN(Dims strides, ElementwiseStrides(ctx, sizes, operands));
  return ctx.NewTensor(dtype, device, std::move(sizes), std::move(strides));
}

absl::StatusOr<FakeTensor> Elementwise(MetaContext& ctx, absl::Span<const Operand> operands, Promote promote) {
  KILN_ASSIGN_OR_RETURN(DType dtype, ResultType(ctx, operands));
  const DType computed = ComputationDType(dtype);
  if (std::none_of(operands.begin(), operands.end(), [&](const Operand& op) { return BecomesDense(ctx, op, computed); })) {
    return ElementwiseOf(ctx, operands, ApplyPromote(dtype, promote));
  }
  absl::InlinedVector<Operand, 3> dense(operands.begin(), operands.end());
  absl::InlinedVector<FakeTensor, 3> converted;
  converted.reserve(dense.size());
  for (Operand& op : dense) {
    if (!BecomesDense(ctx, op, computed)) continue;
    converted.push_back(*op.tensor);
    KILN_ASSIGN_OR_RETURN(converted.back().strides, PreservedStrides(ctx, *op.tensor));
    op.tensor = &converted.back();
  }
  return ElementwiseOf(ctx, dense, ApplyPromote(dtype, promote));
}

absl::StatusOr<Dims> PreservedStrides(MetaContext& ctx, const FakeTensor& t) {
  KILN_ASSIGN_OR_RETURN(bool dense, DecideDense(ctx, t));
  if (dense) return t.strides;
  Operand operand{&t, {}};
  return ElementwiseStrides(ctx, t.sizes, absl::MakeConstSpan(&operand, 1));
}

absl::StatusOr<Dims> EmptyLikeStrides(MetaContext& ctx, const FakeTensor& t) {
  KILN_ASSIGN_OR_RETURN(bool contiguous, DecideContiguous(ctx, t));
  if (contiguous) {
    KILN_ASSIGN_OR_RETURN(bool channels_last, DecideChannelsLast(ctx, t));
    if (!channels_last) return ContiguousStrides(ctx.env(), t.sizes);
  }
  return PreservedStrides(ctx, t);
}

absl::StatusOr<FakeTensor> EmptyLike(MetaContext& ctx, const FakeTensor& t, DType dtype) {
  KILN_ASSIGN_OR_RETURN(Dims strides, EmptyLikeStrides(ctx, t));
  return ctx.NewTensor(dtype, t.device, t.sizes, std::move(strides));
}

absl::StatusOr<FakeTensor> CloneWithGaps(MetaContext& ctx, const FakeTensor& t) {
  for (int d = 0; d < t.rank(); ++d) {
    if (t.strides[d].IsInt(0) && !t.sizes[d].IsInt(1)) return EmptyLike(ctx, t, t.dtype);
  }
  FakeTensor out = ctx.NewTensor(t.dtype, t.device, t.sizes, t.strides);
  out.storage_offset = t.storage_offset;
  return out;
}

}  // namespace kiln
