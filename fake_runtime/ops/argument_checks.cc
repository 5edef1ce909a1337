#include "fake_runtime/ops/argument_checks.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/broadcast.h"
#include "fake_runtime/ops/memory_overlap.h"
#include "fake_runtime/ops/meta_context.h"
#include "fake_runtime/ops/pointwise_checks.h"
#include "fake_runtime/ops/reduction_meta.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

absl::Status Refuse(MetaContext& ctx, absl::string_view message) {
  return ctx.Fail(ErrorReason::kBadArgumentValue, message);
}

// The value of a number argument that is a constant.
std::optional<double> Constant(MetaContext& ctx, absl::string_view name) {
  const int i = ctx.schema().FindArg(name);
  if (i < 0 || ctx.IsNone(i) || ctx.IsTensor(i)) return std::nullopt;
  const Expr value = ctx.Scalar(i).value;
  if (std::optional<int64_t> integer = value.AsInt()) return static_cast<double>(*integer);
  return value.AsFloat();
}

absl::Status CheckPositive(MetaContext& ctx, absl::string_view name) {
  const std::optional<double> value = Constant(ctx, name);
  if (!value.has_value() || *value > 0) return absl::OkStatus();
  return Refuse(ctx, absl::StrCat("expects ", name, " > 0.0, but found ", *value));
}

absl::Status CheckNotNegative(MetaContext& ctx, absl::string_view name) {
  const std::optional<double> value = Constant(ctx, name);
  if (!value.has_value() || *value >= 0) return absl::OkStatus();
  return Refuse(ctx, absl::StrCat("expects ", name, " >= 0.0, but found ", *value));
}

absl::Status CheckRank(MetaContext& ctx, int arg, int rank) {
  if (!ctx.IsTensor(arg) || ctx.Tensor(arg).rank() == rank) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("'", ctx.schema().args[arg].name, "' must have rank ", rank,
                                                            " but has rank ", ctx.Tensor(arg).rank()));
}

// The loss of (self, target) is scaled by a weight for each element, and its
// positive part by pos_weight.
absl::Status CheckBceWithLogits(MetaContext& ctx) {
  Dims sizes = ctx.Tensor(0).sizes;
  for (absl::string_view name : {"target", "pos_weight", "weight"}) {
    const FakeTensor* t = ctx.OptionalTensor(ctx.schema().FindArg(name));
    if (t == nullptr) continue;
    KILN_ASSIGN_OR_RETURN(sizes, BroadcastSizes(ctx, sizes, t->sizes));
  }
  return absl::OkStatus();
}

absl::Status CheckBce(MetaContext& ctx) {
  const FakeTensor* weight = ctx.OptionalTensor(2);
  if (weight == nullptr) return absl::OkStatus();
  return BroadcastSizes(ctx, ctx.Tensor(0).sizes, weight->sizes).status();
}

absl::Status CheckSearchsorted(MetaContext& ctx) {
  const FakeTensor& sorted = ctx.Tensor(0);
  if (const FakeTensor* sorter = ctx.OptionalTensor(ctx.schema().FindArg("sorter"))) {
    KILN_RETURN_IF_ERROR(CheckSameSizes(ctx, sorted.sizes, sorter->sizes, "sorted_sequence", "sorter"));
  }
  if (sorted.rank() == 1 || !ctx.IsTensor(1) || sorted.rank() == 0) return absl::OkStatus();
  const FakeTensor& self = ctx.Tensor(1);
  if (self.rank() != sorted.rank()) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("sorted_sequence has rank ", sorted.rank(),
                                                              ", neither 1 nor the input's, ", self.rank()));
  }
  for (int d = 0; d + 1 < self.rank(); ++d) {
    KILN_RETURN_IF_ERROR(
        ctx.CheckEqual(sorted.sizes[d], self.sizes[d], absl::StrCat("dim ", d, " of sorted_sequence"), "of the input"));
  }
  return absl::OkStatus();
}

// where(mask, values, 0) is what is put.
absl::Status CheckMaskedPut(MetaContext& ctx) {
  return BroadcastSizes(ctx, ctx.Tensor(1).sizes, ctx.Tensor(3).sizes).status();
}

absl::Status CheckBucketize(MetaContext& ctx) { return CheckRank(ctx, 1, 1); }
absl::Status CheckCauchy(MetaContext& ctx) { return CheckPositive(ctx, "sigma"); }
absl::Status CheckExponential(MetaContext& ctx) { return CheckPositive(ctx, "lambd"); }
absl::Status CheckLogNormal(MetaContext& ctx) { return CheckPositive(ctx, "std"); }
absl::Status CheckNormal(MetaContext& ctx) { return CheckNotNegative(ctx, "std"); }
absl::Status CheckSoftshrink(MetaContext& ctx) { return CheckNotNegative(ctx, "lambd"); }

absl::Status CheckHuberLoss(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckReduction(ctx));
  return CheckPositive(ctx, "delta");
}

absl::Status CheckFftC2r(MetaContext& ctx) {
  const Expr size = ctx.SymInt(3);
  return ctx.env().Check(ctx.pool().Ge(size, Expr(1)), "there are data points",
                         absl::StrCat("invalid number of data points (", size.ToString(), ")"));
}

absl::Status CheckOut(MetaContext& ctx);

absl::Status CheckBernoulli(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckProbability(ctx));
  return CheckOut(ctx);
}

absl::Status CheckComplex(MetaContext& ctx) {
  const DType real = ctx.Tensor(0).dtype, imag = ctx.Tensor(1).dtype;
  const bool has_complex = real == DType::kFloat16 || real == DType::kFloat32 || real == DType::kFloat64;
  if (has_complex && real == imag) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kDtypeMismatch,
                  absl::StrCat("expected both inputs to be of one dtype of half, float or double, but got ",
                               GetDTypeRow(real).name, " and ", GetDTypeRow(imag).name));
}

// The only list of dimensions that does not count from the end.
absl::Status CheckEmptyPermuted(MetaContext& ctx) {
  const int64_t rank = static_cast<int64_t>(ctx.SymInts(0).size());
  for (int64_t dim : ctx.Ints(1)) {
    if (dim < 0 || dim >= rank) {
      return Refuse(ctx, absl::StrCat("dimension ", dim, " is out of range [0, ", rank - 1, "]"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckGelu(MetaContext& ctx) {
  const absl::string_view approximate = ctx.String(ctx.schema().FindArg("approximate"));
  if (approximate == "none" || approximate == "tanh") return absl::OkStatus();
  return Refuse(ctx, absl::StrCat("approximate must be 'none' or 'tanh', but is '", approximate, "'"));
}

absl::Status CheckGeometric(MetaContext& ctx) {
  const std::optional<double> p = Constant(ctx, "p");
  if (!p.has_value() || (*p > 0 && *p < 1)) return absl::OkStatus();
  return Refuse(ctx, absl::StrCat("expects p to be in (0, 1), but got ", *p));
}

// index_add, index_copy: self [.., n, ..], index [k], source [.., k, ..].
absl::Status CheckIndexAdd(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const FakeTensor& index = ctx.Tensor(2);
  const FakeTensor& source = ctx.Tensor(3);
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(1), self.rank()));
  if (index.rank() > 1) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("index is supposed to be a vector, but has rank ", index.rank()));
  }
  const Expr selected = source.rank() == 0 ? Expr(1) : source.sizes[std::min(dim, source.rank() - 1)];
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(Numel(ctx.pool(), index.sizes), selected, "the number of indices",
                                      "the size of source"));
  if (self.rank() != source.rank()) {
    if (self.rank() <= 1 && source.rank() <= 1) return absl::OkStatus();
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("self has sizes ", DimsText(self.sizes),
                                                              " but source has ", DimsText(source.sizes)));
  }
  for (int d = 0; d < self.rank(); ++d) {
    if (d == dim) continue;
    KILN_RETURN_IF_ERROR(ctx.CheckEqual(self.sizes[d], source.sizes[d], absl::StrCat("dim ", d, " of self"), "of source"));
  }
  return absl::OkStatus();
}

absl::Status CheckKthvalue(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckOut(ctx));
  const FakeTensor& self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(2), self.rank()));
  const Expr k = ctx.SymInt(1), size = self.rank() == 0 ? Expr(1) : self.sizes[dim];
  ExprPool& pool = ctx.pool();
  return ctx.env().Check(pool.And(pool.Ge(k, Expr(1)), pool.Le(k, size)), "k is within the dimension",
                         absl::StrCat("selected number k = ", k.ToString(), " is out of range for dimension ", dim,
                                      " of size ", size.ToString()));
}

// linspace, logspace with ends that are tensors.
absl::Status CheckSpace(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckRank(ctx, 0, 0));
  KILN_RETURN_IF_ERROR(CheckRank(ctx, 1, 0));
  return CheckNotNegative(ctx, "steps");
}

absl::Status CheckMaskedFill(MetaContext& ctx) {
  const DType self = ctx.Tensor(0).dtype;
  const DType value = ctx.IsTensor(2) ? ctx.Tensor(2).dtype : self;
  if (!IsComplex(value) || IsComplex(self)) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("a value of ", GetDTypeRow(value).name,
                                                            " cannot be converted to ", GetDTypeRow(self).name));
}

absl::Status CheckMaskedScatter(MetaContext& ctx) {
  const DType mask = ctx.Tensor(1).dtype, self = ctx.Tensor(0).dtype, source = ctx.Tensor(2).dtype;
  if (mask != DType::kBool) {
    return ctx.Fail(ErrorReason::kDtypeMismatch,
                    absl::StrCat("masked_scatter only supports boolean masks, but got ", GetDTypeRow(mask).name));
  }
  if (self == source) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("masked_scatter: expected self and source to have same dtypes "
                                                            "but got ", GetDTypeRow(self).name, " and ",
                                                            GetDTypeRow(source).name));
}

absl::Status CheckMaxUnpool(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  for (int d = 1; d < self.rank(); ++d) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ne(self.sizes[d], Expr(0)), "only the batch may be empty",
                                         absl::StrCat("input dimension ", d, " has size ", self.sizes[d].ToString())));
  }
  return CheckSameSizes(ctx, ctx.Tensor(0).sizes, ctx.Tensor(1).sizes, "input", "indices");
}

absl::Status CheckNeg(MetaContext& ctx) {
  if (ctx.Tensor(0).dtype != DType::kBool) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kDtypeMismatch, "negation of a bool tensor is not supported; logical_not inverts a mask");
}

absl::Status CheckRenorm(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() < 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch,
                    absl::StrCat("renorm: input needs at least 2 dimensions, got ", self.rank()));
  }
  KILN_RETURN_IF_ERROR(CheckPositive(ctx, "p"));
  KILN_RETURN_IF_ERROR(CheckNotNegative(ctx, "maxnorm"));
  const std::optional<double> order = Constant(ctx, "p");
  if (!order.has_value() || !std::isinf(*order)) return absl::OkStatus();
  // A maximum over every other dimension.
  KILN_ASSIGN_OR_RETURN(int kept, ctx.WrapDim(ctx.Int(2), self.rank()));
  std::vector<int64_t> dims;
  for (int d = 0; d < self.rank(); ++d) {
    if (d != kept) dims.push_back(d);
  }
  return CheckReducesSomething(ctx, self.sizes, dims);
}

absl::Status CheckRoll(MetaContext& ctx) {
  const size_t shifts = ctx.SymInts(1).size(), dims = ctx.Ints(2).size();
  if (shifts == 0) return Refuse(ctx, "roll needs shifts");
  if (dims == 0 && shifts == 1) return absl::OkStatus();
  if (shifts != dims) return Refuse(ctx, absl::StrCat("shifts and dims must align, but got ", shifts, " and ", dims));
  if (ctx.Tensor(0).rank() > 0) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kIndexOutOfRange, "a dimension is specified but the tensor has no dimensions");
}

absl::Status CheckUniform(MetaContext& ctx) {
  const std::optional<double> from = Constant(ctx, "from"), to = Constant(ctx, "to");
  if (!from.has_value() || !to.has_value() || *from <= *to) return absl::OkStatus();
  return Refuse(ctx, absl::StrCat("expects a range [from, to), but found from = ", *from, " > to = ", *to));
}

// Operators that write out= while they still read: it may repeat no element, and
// share none with an operand (at::assert_no_internal_overlap, assert_no_overlap).
absl::Status CheckOut(MetaContext& ctx) {
  for (int i = 0; i < ctx.num_args(); ++i) {
    const ArgSchema& slot = ctx.schema().args[i];
    if (!slot.is_written || !slot.keyword_only || !ctx.IsTensor(i)) continue;
    const FakeTensor& out = ctx.Tensor(i);
    bool overlaps = RepeatsElements(ctx, out);
    for (int k = 0; k < ctx.num_args(); ++k) {
      if (ctx.schema().args[k].is_written) continue;
      if (ctx.IsTensor(k)) overlaps = overlaps || Overlaps(out, ctx.Tensor(k));
      if (ctx.schema().args[k].type != ArgType::kTensor || !ctx.schema().args[k].is_list) continue;
      for (const FakeTensor* t : ctx.TensorList(k)) overlaps = overlaps || (t != nullptr && Overlaps(out, *t));
    }
    if (!overlaps) continue;
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("unsupported operation: elements of '", slot.name,
                                 "' refer to a memory location of another, or of an input; clone it before"));
  }
  return absl::OkStatus();
}

// out= of gather is not converted to.
absl::Status CheckGather(MetaContext& ctx) {
  const int out = ctx.schema().FindArg("out");
  if (out >= 0 && ctx.Tensor(out).dtype != ctx.Tensor(0).dtype) {
    return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("expected out tensor to have dtype ",
                                                              GetDTypeRow(ctx.Tensor(0).dtype).name, ", but got ",
                                                              GetDTypeRow(ctx.Tensor(out).dtype).name));
  }
  return CheckOut(ctx);
}

absl::Status CheckChunkCat(MetaContext& ctx) {
  for (const FakeTensor* t : ctx.TensorList(0)) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ne(Numel(ctx.pool(), t->sizes), Expr(0)), "the tensor is not empty",
                                         "_chunk_cat expects non-empty tensors"));
  }
  return absl::OkStatus();
}

absl::Status CheckMultinomial(MetaContext& ctx) {
  const int out = ctx.schema().FindArg("out");
  if (out >= 0 && ctx.Tensor(out).dtype != DType::kInt64) {
    return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("multinomial expects out of torch.int64, got ",
                                                              GetDTypeRow(ctx.Tensor(out).dtype).name));
  }
  const FakeTensor& self = ctx.Tensor(0);
  // The kernel counts categories in floats.
  constexpr int64_t kMaxCategories = int64_t{1} << 24;
  if (self.rank() == 0) return absl::OkStatus();
  return ctx.env().Check(ctx.pool().Le(self.sizes.back(), Expr(kMaxCategories)), "the categories are at most 2^24",
                         absl::StrCat("number of categories cannot exceed 2^24 but is ", self.sizes.back().ToString()));
}

struct ArgumentCheck {
  absl::string_view op;
  MetaFunction check;
};

// Sorted by name.
constexpr ArgumentCheck kChecks[] = {
    {"aten.__and__", CheckBitwise},
    {"aten.__lshift__", CheckShift},
    {"aten.__or__", CheckBitwise},
    {"aten.__rshift__", CheckShift},
    {"aten.__xor__", CheckBitwise},
    {"aten._chunk_cat", CheckChunkCat},
    {"aten._fft_c2r", CheckFftC2r},
    {"aten._unsafe_masked_index_put_accumulate", CheckMaskedPut},
    {"aten.add", CheckAdd},
    {"aten.addr", CheckAddr},
    {"aten.bernoulli", CheckBernoulli},
    {"aten.binary_cross_entropy", CheckBce},
    {"aten.binary_cross_entropy_with_logits", CheckBceWithLogits},
    {"aten.bitwise_and", CheckBitwise},
    {"aten.bitwise_left_shift", CheckShift},
    {"aten.bitwise_not", CheckBitwise},
    {"aten.bitwise_or", CheckBitwise},
    {"aten.bitwise_right_shift", CheckShift},
    {"aten.bitwise_xor", CheckBitwise},
    {"aten.bucketize", CheckBucketize},
    {"aten.cat", CheckOut},
    {"aten.cauchy", CheckCauchy},
    {"aten.clamp", CheckClamp},
    {"aten.complex", CheckComplex},
    {"aten.empty_permuted", CheckEmptyPermuted},
    {"aten.exponential", CheckExponential},
    {"aten.gather", CheckGather},
    {"aten.gelu", CheckGelu},
    {"aten.geometric", CheckGeometric},
    {"aten.huber_loss", CheckHuberLoss},
    {"aten.index_add", CheckIndexAdd},
    {"aten.index_copy", CheckIndexAdd},
    {"aten.index_select", CheckOut},
    {"aten.kthvalue", CheckKthvalue},
    {"aten.lerp", CheckLerp},
    {"aten.linspace", CheckSpace},
    {"aten.log_normal", CheckLogNormal},
    {"aten.logspace", CheckSpace},
    {"aten.masked_fill", CheckMaskedFill},
    {"aten.masked_scatter", CheckMaskedScatter},
    {"aten.masked_select", CheckOut},
    {"aten.max_unpool2d", CheckMaxUnpool},
    {"aten.max_unpool3d", CheckMaxUnpool},
    {"aten.mse_loss", CheckReduction},
    {"aten.multinomial", CheckMultinomial},
    {"aten.native_dropout", CheckNativeDropout},
    {"aten.neg", CheckNeg},
    {"aten.negative", CheckNeg},
    {"aten.normal", CheckNormal},
    {"aten.renorm", CheckRenorm},
    {"aten.roll", CheckRoll},
    {"aten.rsub", CheckSub},
    {"aten.searchsorted", CheckSearchsorted},
    {"aten.smooth_l1_loss", CheckReduction},
    {"aten.softshrink", CheckSoftshrink},
    {"aten.sub", CheckSub},
    {"aten.take", CheckOut},
    {"aten.uniform", CheckUniform},
};
static_assert(std::is_sorted(std::begin(kChecks), std::end(kChecks),
                             [](const ArgumentCheck& a, const ArgumentCheck& b) { return a.op < b.op; }));

}  // namespace

MetaFunction FindArgumentCheck(absl::string_view name) {
  // "aten.normal_.default" -> "aten.normal", but "aten.__and__.Scalar" -> "aten.__and__".
  absl::string_view op = name.substr(0, name.rfind('.'));
  if (!absl::EndsWith(op, "__")) op = absl::StripSuffix(op, "_");
  const auto* it = std::lower_bound(std::begin(kChecks), std::end(kChecks), op,
                                    [](const ArgumentCheck& row, absl::string_view key) { return row.op < key; });
  return it != std::end(kChecks) && it->op == op ? it->check : nullptr;
}

}  // namespace kiln
