#include "fake_runtime/ops/run_meta.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/common_device.h"
#include "fake_runtime/ops/memory_overlap.h"
#include "fake_runtime/ops/out_rules.h"
#include "fake_runtime/ops/promotion.h"
#include "fake_runtime/ops/size_tests.h"
#include "fake_runtime/ops/view_meta.h"

namespace kiln {
namespace {

int WrittenArg(const OpSchema& schema, char alias) {
  for (size_t i = 0; i < schema.args.size(); ++i) {
    if (schema.args[i].is_written && schema.args[i].alias == alias && !schema.args[i].is_list) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

absl::StatusOr<FakeTensor> Written(MetaContext& ctx, const ArgSchema& arg, const FakeTensor& self,
                                   const FakeTensor& result) {
  const OutRule rule = arg.keyword_only ? OutRuleOf(ctx.schema().name) : OutRule::kDefault;
  const bool is_exact = rule == OutRule::kExactDtype || rule == OutRule::kExactContiguous;
  if (is_exact && result.dtype != self.dtype) {
    return ctx.Fail(ErrorReason::kDtypeMismatch,
                    absl::StrCat("`", arg.name, "` must have the result's dtype, ", GetDTypeRow(result.dtype).name,
                                 ", but has ", GetDTypeRow(self.dtype).name));
  }
  if (rule != OutRule::kAnyDtype && !CanCast(result.dtype, self.dtype)) {
    return ctx.Fail(ErrorReason::kDtypeMismatch,
                    absl::StrCat("result type ", GetDTypeRow(result.dtype).name,
                                 " can't be cast to the desired output type ", GetDTypeRow(self.dtype).name));
  }
  FakeTensor out = self;
  out.constant.reset();
  KILN_ASSIGN_OR_RETURN(bool same, GuardSameSizes(ctx, self.sizes, result.sizes));
  if (same) return out;
  if (!arg.keyword_only) {
    return ctx.Fail(ErrorReason::kShapeMismatch,
                    absl::StrCat("output with sizes ", DimsText(self.sizes), " doesn't match the broadcast sizes ",
                                 DimsText(result.sizes)));
  }
  out.sizes = result.sizes;
  const bool is_contiguous = rule == OutRule::kContiguous || rule == OutRule::kExactContiguous;
  out.strides = is_contiguous ? ContiguousStrides(ctx.env(), result.sizes) : result.strides;
  return out;
}

// In-place operators outside the pointwise family whose kernels refuse to write an
// element twice, and those inside it that may. Without the overload; sorted.
constexpr absl::string_view kWriteOnce[] = {
    "aten.bernoulli_", "aten.cauchy_",     "aten.copy_",       "aten.cumprod_",    "aten.cumsum_",         "aten.exponential_",
    "aten.geometric_", "aten.index_add_",  "aten.index_copy_", "aten.log_normal_", "aten.masked_scatter_", "aten.normal_",
    "aten.put_",       "aten.random_",     "aten.scatter_",    "aten.scatter_add_", "aten.uniform_",
};
constexpr absl::string_view kWriteAlike[] = {
    "aten.conj_physical_", "aten.fill_", "aten.masked_fill_", "aten.threshold_", "aten.zero_",
};

absl::Status CheckWritesOnce(const OpRow& row, MetaContext& ctx) {
  const ArgSchema& self = row.schema.args[0];
  if (!self.is_written || self.keyword_only || !ctx.IsTensor(0) || !RepeatsElements(ctx, ctx.Tensor(0))) {
    return absl::OkStatus();
  }
  const absl::string_view name = row.schema.name;
  const absl::string_view op = name.substr(0, name.rfind('.'));
  const bool refuses = row.family == "pointwise" ? !absl::c_binary_search(kWriteAlike, op)
                                                 : absl::c_binary_search(kWriteOnce, op);
  if (!refuses) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kBadArgumentValue,
                  absl::StrCat("more than one element of `", self.name, "`, which it writes, is one memory location: ",
                               ctx.Tensor(0).ToString()));
}

}  // namespace

absl::Status RunMeta(const OpRow& row, MetaContext& ctx) {
  const int first_storage = ctx.next_storage();
  if (row.check != nullptr) KILN_RETURN_IF_ERROR(row.check(ctx));
  const absl::Status status = row.meta(ctx);
  KILN_RETURN_IF_ERROR(ctx.status());
  KILN_RETURN_IF_ERROR(status);
  if (row.copies) KILN_RETURN_IF_ERROR(CopyReturned(ctx));
  KILN_RETURN_IF_ERROR(SettleDevices(ctx, first_storage));
  const OpSchema& schema = row.schema;
  if (!schema.is_mutating()) return absl::OkStatus();
  KILN_RETURN_IF_ERROR(CheckWritesOnce(row, ctx));
  for (size_t i = 0; i < schema.args.size(); ++i) {
    if (schema.args[i].is_written) ctx.MarkWritten(static_cast<int>(i));
  }
  // The argument becomes what was returned.
  if (row.has(kTagInplaceView)) return absl::OkStatus();
  bool all_settled = true;
  for (size_t r = 0; r < ctx.returned().size(); ++r) {
    const ReturnSchema& ret = schema.returns[r];
    const int arg = ret.is_written && !ret.is_list ? WrittenArg(schema, ret.alias) : -1;
    const FakeTensor* result =
        ctx.returned()[r].is_list ? nullptr : std::get_if<FakeTensor>(&ctx.returned()[r].values[0]);
    if (arg < 0 || result == nullptr || result->storage == ctx.Tensor(arg).storage) {
      all_settled = false;
      continue;
    }
    KILN_ASSIGN_OR_RETURN(FakeTensor out, Written(ctx, schema.args[arg], ctx.Tensor(arg), *result));
    ctx.mutable_returned()[r].values[0] = std::move(out);
  }
  // The meta function made storages for results that turned out to be arguments.
  if (all_settled) ctx.ReleaseStorages(first_storage);
  return absl::OkStatus();
}

}  // namespace kiln
