#include "fake_runtime/ops/broadcast.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

absl::StatusOr<Expr> BroadcastOne(MetaContext& ctx, Expr a, Expr b, int dim) {
  if (a == b) return a;
  std::optional<int64_t> ca = a.AsInt(), cb = b.AsInt();
  if (ca == 1) return b;
  if (cb == 1) return a;
  std::string what;
  if (!ca.has_value() || !cb.has_value()) what = absl::StrCat("broadcast of dim ", dim);
  KILN_ASSIGN_OR_RETURN(bool a_is_one, GuardOne(ctx, a, what));
  if (a_is_one) return b;
  KILN_ASSIGN_OR_RETURN(bool b_is_one, GuardOne(ctx, b, what));
  if (b_is_one) return a;
  if (ca.has_value() && cb.has_value()) {
    return ctx.Fail(ErrorReason::kShapeMismatch,
                    absl::StrCat("the size of tensor a (", *ca, ") must match the size of tensor b (", *cb,
                                 ") at non-singleton dimension ", dim));
  }
  KILN_RETURN_IF_ERROR(ctx.env().Check(
      ctx.pool().Eq(a, b), what,
      absl::StrCat("the size of tensor a (", a.ToString(), ") must match the size of tensor b (", b.ToString(),
                   ") at non-singleton dimension ", dim)));
  // Of two equal sizes the constant says more.
  return cb.has_value() ? b : a;
}

// Demands that two sizes broadcast, without asking which way.
absl::Status CheckBroadcastsOne(MetaContext& ctx, Expr a, Expr b, int dim) {
  ExprPool& pool = ctx.pool();
  Expr any = Expr::Bool(false);
  for (Expr way : {pool.Eq(a, b), pool.Eq(a, Expr(1)), pool.Eq(b, Expr(1))}) {
    const std::optional<bool> known = ctx.env().StaticallyKnown(way);
    if (known == true) return absl::OkStatus();
    if (!known.has_value()) any = pool.Or(any, way);
  }
  return ctx.env().Check(any, absl::StrCat("broadcast of dim ", dim),
                         absl::StrCat("the size of tensor a (", a.ToString(), ") must match the size of tensor b (",
                                      b.ToString(), ") at non-singleton dimension ", dim));
}

}  // namespace

absl::Status CheckBroadcasts(MetaContext& ctx, absl::Span<const Expr> a, absl::Span<const Expr> b) {
  const int common = static_cast<int>(std::min(a.size(), b.size()));
  const int rank = static_cast<int>(std::max(a.size(), b.size()));
  for (int d = 1; d <= common; ++d) {
    KILN_RETURN_IF_ERROR(CheckBroadcastsOne(ctx, a[a.size() - d], b[b.size() - d], rank - d));
  }
  return absl::OkStatus();
}

absl::StatusOr<Dims> BroadcastSizes(MetaContext& ctx, absl::Span<const Expr> a, absl::Span<const Expr> b) {
  if (a == b) return Dims(a.begin(), a.end());
  const int rank = static_cast<int>(std::max(a.size(), b.size()));
  const int skip_a = rank - static_cast<int>(a.size());
  const int skip_b = rank - static_cast<int>(b.size());
  Dims out(rank);
  for (int d = rank - 1; d >= 0; --d) {
    if (d < skip_a) {
      out[d] = b[d - skip_b];
    } else if (d < skip_b) {
      out[d] = a[d - skip_a];
    } else {
      KILN_ASSIGN_OR_RETURN(out[d], BroadcastOne(ctx, a[d - skip_a], b[d - skip_b], d));
    }
  }
  return out;
}

absl::StatusOr<Dims> BroadcastStrides(MetaContext& ctx, absl::Span<const Expr> sizes, absl::Span<const Expr> strides,
                                      absl::Span<const Expr> shape) {
  const size_t skip = shape.size() - sizes.size();
  Dims out(shape.size());
  for (size_t d = skip; d < shape.size(); ++d) {
    Expr size = sizes[d - skip];
    bool repeated = false;
    if (!(size == shape[d])) {
      KILN_ASSIGN_OR_RETURN(repeated, GuardOne(ctx, size, "broadcast"));
    }
    // PyTorch expands only what differs: where both are 1 the stride stays, and has
    // a say in the order of dimensions.
    if (repeated && !shape[d].AsInt().has_value()) {
      KILN_ASSIGN_OR_RETURN(bool equal, GuardEqual(ctx, size, shape[d], "broadcast"));
      repeated = !equal;
    }
    if (!repeated) out[d] = strides[d - skip];
  }
  return out;
}

}  // namespace kiln
