#include "fake_runtime/ops/requires_grad.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/error.h"

namespace kiln {
namespace {

struct Row {
  // An operator with all its overloads, or one overload; in place or not.
  absl::string_view op;
  // Arguments that may be floating-point, and in which it is not differentiable.
  absl::string_view idle_args;
  // Results likewise, by number; "*" for all.
  absl::string_view idle_results;
};

// Sorted by name. Arguments and results that are integers or Booleans need no word.
constexpr Row kRows[] = {
    {"aten._batch_norm_with_update", "running_mean running_var", "1 2"},
    {"aten._ctc_loss", "", "1"},
    {"aten._grouped_mm", "bias", ""},
    {"aten._linalg_det", "", "1 2"},
    {"aten._linalg_slogdet", "", "2 3"},
    {"aten._linalg_solve_ex", "", "1 2 3"},
    {"aten._native_batch_norm_legit.default", "running_mean running_var", "1 2"},
    {"aten._native_batch_norm_legit.no_stats", "", "1 2"},
    {"aten._native_batch_norm_legit_functional", "running_mean running_var", "1 2 3 4"},
    {"aten._native_batch_norm_legit_no_training", "running_mean running_var", "1 2"},
    {"aten._scaled_dot_product_flash_attention_for_cpu", "attn_mask", "1"},
    {"aten._weight_norm_interface", "", "1"},
    {"aten.batch_norm_backward", "running_mean running_var", ""},
    {"aten.binary_cross_entropy", "weight", ""},
    {"aten.binary_cross_entropy_backward", "weight", ""},
    {"aten.binary_cross_entropy_with_logits", "weight pos_weight", ""},
    {"aten.detach", "", "*"},
    {"aten.detach_copy", "", "*"},
    {"aten.empty_like", "", "*"},
    {"aten.fractional_max_pool2d", "random_samples", ""},
    {"aten.fractional_max_pool3d", "random_samples", ""},
    {"aten.full_like", "", "*"},
    {"aten.histc", "", "*"},
    {"aten.linalg_lstsq", "", "2 3"},
    {"aten.linalg_lu", "", "0"},
    {"aten.linalg_pinv.atol_rtol_tensor", "atol rtol", ""},
    {"aten.log_sigmoid_backward", "buffer", ""},
    {"aten.log_sigmoid_forward", "", "1"},
    {"aten.lu_unpack", "", "0"},
    {"aten.multi_margin_loss", "weight", ""},
    {"aten.multilabel_margin_loss_forward", "", "1"},
    {"aten.native_batch_norm", "running_mean running_var", "1 2"},
    {"aten.native_batch_norm_backward", "running_mean running_var", ""},
    {"aten.native_layer_norm", "", "1 2"},
    {"aten.new_empty", "", "*"},
    {"aten.new_empty_strided", "", "*"},
    {"aten.new_full", "", "*"},
    {"aten.new_ones", "", "*"},
    {"aten.new_zeros", "", "*"},
    {"aten.nll_loss2d_backward", "weight total_weight", ""},
    {"aten.nll_loss2d_forward", "weight", "1"},
    {"aten.nll_loss_backward", "weight total_weight", ""},
    {"aten.nll_loss_forward", "weight", "1"},
    {"aten.ones_like", "", "*"},
    {"aten.rand_like", "", "*"},
    {"aten.randn_like", "", "*"},
    {"aten.resize_as_", "the_template", ""},
    {"aten.rrelu_with_noise", "noise", ""},
    {"aten.rrelu_with_noise_backward", "noise", ""},
    {"aten.soft_margin_loss", "target", ""},
    {"aten.soft_margin_loss_backward", "target", ""},
    {"aten.special_airy_ai", "", "*"},
    {"aten.special_bessel_j0", "", "*"},
    {"aten.special_bessel_j1", "", "*"},
    {"aten.special_bessel_y0", "", "*"},
    {"aten.special_bessel_y1", "", "*"},
    {"aten.special_chebyshev_polynomial_t", "", "*"},
    {"aten.special_chebyshev_polynomial_u", "", "*"},
    {"aten.special_chebyshev_polynomial_v", "", "*"},
    {"aten.special_chebyshev_polynomial_w", "", "*"},
    {"aten.special_hermite_polynomial_h", "", "*"},
    {"aten.special_hermite_polynomial_he", "", "*"},
    {"aten.special_laguerre_polynomial_l", "", "*"},
    {"aten.special_legendre_polynomial_p", "", "*"},
    {"aten.special_modified_bessel_i0", "", "*"},
    {"aten.special_modified_bessel_i1", "", "*"},
    {"aten.special_modified_bessel_k0", "", "*"},
    {"aten.special_modified_bessel_k1", "", "*"},
    {"aten.special_scaled_modified_bessel_k0", "", "*"},
    {"aten.special_scaled_modified_bessel_k1", "", "*"},
    {"aten.special_shifted_chebyshev_polynomial_t", "", "*"},
    {"aten.special_shifted_chebyshev_polynomial_u", "", "*"},
    {"aten.special_shifted_chebyshev_polynomial_v", "", "*"},
    {"aten.special_shifted_chebyshev_polynomial_w", "", "*"},
    {"aten.special_spherical_bessel_j0", "", "*"},
    {"aten.view.dtype", "", "*"},
    {"aten.view_copy.dtype", "", "*"},
    {"aten.zeros_like", "", "*"},
};
constexpr auto kByOp = [](const Row& a, const Row& b) { return a.op < b.op; };
static_assert(std::is_sorted(std::begin(kRows), std::end(kRows), kByOp));

const Row* Find(absl::string_view op) {
  const auto* it = std::lower_bound(std::begin(kRows), std::end(kRows), Row{op, "", ""}, kByOp);
  return it != std::end(kRows) && it->op == op ? it : nullptr;
}

// "aten.view.dtype", else "aten.view"; of "aten.detach_.default", "aten.detach".
const Row* RowFor(absl::string_view name) {
  if (const Row* row = Find(name)) return row;
  const absl::string_view op = name.substr(0, name.rfind('.'));
  if (const Row* row = Find(op)) return row;
  return Find(absl::StripSuffix(op, "_"));
}

absl::Status Unfit(const OpRow& row, absl::string_view what) {
  return MakeError(ErrorReason::kBadArgumentValue, absl::StrCat("requires_grad.cc: ", row.schema.name, " has no ", what));
}

bool Counts(const OpRow& row, int arg) { return arg >= 32 || ((row.grad_args >> arg) & 1) != 0; }

// The argument that a result is, -1 for a new tensor or a view.
int WrittenArgument(const OpSchema& schema, const ReturnSchema& ret) {
  if (!ret.is_written) return -1;
  for (size_t i = 0; i < schema.args.size(); ++i) {
    if (schema.args[i].is_written && schema.args[i].alias == ret.alias) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

absl::Status SetGradMasks(OpRow& row) {
  const Row* const found = RowFor(row.schema.name);
  if (found == nullptr) return absl::OkStatus();
  for (absl::string_view name : absl::StrSplit(found->idle_args, ' ', absl::SkipEmpty())) {
    const int arg = row.schema.FindArg(name);
    if (arg < 0 || arg >= 32) return Unfit(row, absl::StrCat("argument ", name));
    row.grad_args &= ~(uint32_t{1} << arg);
  }
  if (found->idle_results == "*") {
    row.grad_results = 0;
    return absl::OkStatus();
  }
  for (absl::string_view number : absl::StrSplit(found->idle_results, ' ', absl::SkipEmpty())) {
    size_t result = 0;
    if (!absl::SimpleAtoi(number, &result) || result >= row.schema.returns.size()) {
      return Unfit(row, absl::StrCat("result ", number));
    }
    row.grad_results &= ~(uint32_t{1} << result);
  }
  return absl::OkStatus();
}

void SetRequiresGrad(const OpRow& row, MetaContext& ctx) {
  bool any = false;
  for (int i = 0; i < ctx.num_args() && !any; ++i) any = Counts(row, i) && ctx.RequiresGrad(i);
  std::vector<MetaContext::Returned>& returned = ctx.mutable_returned();
  for (size_t r = 0; r < returned.size(); ++r) {
    const int written = WrittenArgument(row.schema, row.schema.returns[r]);
    const bool is_out = written >= 0 && row.schema.args[written].keyword_only;
    bool here = any && MayRequireGrad(row, r) && !is_out;
    // In place, what required grad goes on to do so.
    if (written >= 0 && (is_out || MayRequireGrad(row, r))) here = here || ctx.RequiresGrad(written);
    for (FakeValue& value : returned[r].values) {
      if (FakeTensor* t = std::get_if<FakeTensor>(&value)) t->requires_grad = here && IsDifferentiable(t->dtype);
    }
  }
}

}  // namespace kiln
