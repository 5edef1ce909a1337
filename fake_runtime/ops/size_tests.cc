#include "fake_runtime/ops/size_tests.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"

namespace kiln {

absl::StatusOr<bool> GuardEqual(MetaContext& ctx, Expr a, Expr b, absl::string_view what) {
  if (a == b) return true;
  return ctx.env().TestOr(ctx.pool().Eq(a, b), false, what);
}

absl::StatusOr<bool> GuardOne(MetaContext& ctx, Expr size, absl::string_view what) {
  if (std::optional<int64_t> v = size.AsInt()) return *v == 1;
  return GuardEqual(ctx, size, Expr(1), what);
}

absl::StatusOr<bool> GuardZero(MetaContext& ctx, Expr size, absl::string_view what) {
  if (std::optional<int64_t> v = size.AsInt()) return *v == 0;
  return GuardEqual(ctx, size, Expr(0), what);
}

absl::StatusOr<bool> GuardLess(MetaContext& ctx, Expr a, Expr b, absl::string_view what) {
  if (a == b) return false;
  return ctx.env().TestOr(ctx.pool().Lt(a, b), false, what);
}

bool AllConstant(absl::Span<const Expr> exprs) {
  for (Expr e : exprs) {
    if (!e.AsInt().has_value()) return false;
  }
  return true;
}

absl::StatusOr<bool> GuardSameSizes(MetaContext& ctx, absl::Span<const Expr> a, absl::Span<const Expr> b) {
  if (a.size() != b.size()) return false;
  for (size_t d = 0; d < a.size(); ++d) {
    KILN_ASSIGN_OR_RETURN(bool same, GuardEqual(ctx, a[d], b[d], "equal sizes"));
    if (!same) return false;
  }
  return true;
}

absl::Status CheckSameSizes(MetaContext& ctx, absl::Span<const Expr> a, absl::Span<const Expr> b,
                            absl::string_view a_name, absl::string_view b_name) {
  if (a.size() != b.size()) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat(a_name, " has sizes ", DimsText(a), " but ", b_name,
                                                              " has sizes ", DimsText(b)));
  }
  for (size_t d = 0; d < a.size(); ++d) {
    KILN_RETURN_IF_ERROR(
        ctx.CheckEqual(a[d], b[d], absl::StrCat(a_name, " dim ", d), absl::StrCat(b_name, " dim ", d)));
  }
  return absl::OkStatus();
}

std::string DimsText(absl::Span<const Expr> dims) {
  return absl::StrCat(
      "[", absl::StrJoin(dims, ", ", [](std::string* out, Expr e) { out->append(e.ToString()); }), "]");
}

}  // namespace kiln
