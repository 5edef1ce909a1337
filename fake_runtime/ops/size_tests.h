// Tests on sizes that meta functions make over and over, in PyTorch's words.
#ifndef KILN_FAKE_RUNTIME_OPS_SIZE_TESTS_H_
#define KILN_FAKE_RUNTIME_OPS_SIZE_TESTS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

// PyTorch's guard_or_false(a == b): reads a hint where it must, false where
// the answer hangs on data.
absl::StatusOr<bool> GuardEqual(MetaContext& ctx, Expr a, Expr b, absl::string_view what);
absl::StatusOr<bool> GuardOne(MetaContext& ctx, Expr size, absl::string_view what);
absl::StatusOr<bool> GuardZero(MetaContext& ctx, Expr size, absl::string_view what);
// a < b, false where it hangs on data.
absl::StatusOr<bool> GuardLess(MetaContext& ctx, Expr a, Expr b, absl::string_view what);

// True if every item is an integer constant.
bool AllConstant(absl::Span<const Expr> exprs);
// Same rank and every pair known or guarded equal.
absl::StatusOr<bool> GuardSameSizes(MetaContext& ctx, absl::Span<const Expr> a, absl::Span<const Expr> b);
// SHAPE_MISMATCH unless the sizes are equal, dimension by dimension.
absl::Status CheckSameSizes(MetaContext& ctx, absl::Span<const Expr> a, absl::Span<const Expr> b,
                            absl::string_view a_name, absl::string_view b_name);
// "[s0, 16]".
std::string DimsText(absl::Span<const Expr> dims);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_SIZE_TESTS_H_
