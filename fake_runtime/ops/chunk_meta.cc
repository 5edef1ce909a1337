// Copies of parts: narrow_copy, _chunk_cat.
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/copy_meta.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {

absl::Status NarrowCopyMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() == 0) return ctx.Fail(ErrorReason::kShapeMismatch, "narrow of a 0-dimensional tensor");
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(1), self.rank()));
  ExprPool& pool = ctx.pool();
  Expr start = ctx.SymInt(2);
  const Expr length = ctx.SymInt(3);
  KILN_ASSIGN_OR_RETURN(bool from_end, GuardLess(ctx, start, Expr(0), "narrow starts from the end"));
  if (from_end) start = pool.Add(start, self.sizes[dim]);
  // A start that is out of range is an IndexError in PyTorch, a length no more than a RuntimeError.
  KILN_ASSIGN_OR_RETURN(bool before, GuardLess(ctx, start, Expr(0), "narrow starts within the tensor"));
  KILN_ASSIGN_OR_RETURN(bool behind, GuardLess(ctx, self.sizes[dim], start, "narrow starts within the tensor"));
  if (before || behind) {
    return ctx.Fail(ErrorReason::kIndexOutOfRange, absl::StrCat("start ", start.ToString(), " is out of range of dimension ",
                                                                dim, " of size ", self.sizes[dim].ToString()));
  }
  KILN_RETURN_IF_ERROR(ctx.env().Check(
      pool.And(pool.And(pool.Ge(start, Expr(0)), pool.Ge(length, Expr(0))),
               pool.Le(pool.Add(start, length), self.sizes[dim])),
      "the part is within the tensor",
      absl::StrCat("start ", start.ToString(), " and length ", length.ToString(), " exceed dimension ", dim, " of size ",
                   self.sizes[dim].ToString())));
  Dims sizes = self.sizes;
  sizes[dim] = length;
  ctx.Return(ctx.NewTensor(self.dtype, self.device, std::move(sizes)));
  return absl::OkStatus();
}

// Each tensor [lead..., d, rest...] becomes [lead..., chunks, ceil(d / chunks) * rest].
absl::Status ChunkCatMeta(MetaContext& ctx) {
  const std::vector<const FakeTensor*> tensors = ctx.TensorList(0);
  const int64_t chunks = ctx.Int(2);
  if (tensors.empty() || chunks < 1) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat(chunks, " chunks of ", tensors.size(), " tensors; both must be positive"));
  }
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(1), tensors[0]->rank()));
  ExprPool& pool = ctx.pool();
  Expr width(0);
  for (const FakeTensor* t : tensors) {
    if (t->rank() <= dim || t->dtype != tensors[0]->dtype) {
      return ctx.Fail(ErrorReason::kShapeMismatch, "tensors differ in dtype or lack the dimension");
    }
    for (int d = 0; d < dim; ++d) {
      KILN_RETURN_IF_ERROR(ctx.CheckEqual(t->sizes[d], tensors[0]->sizes[d], "a leading size", "the first tensor's"));
    }
    const Expr rest = Numel(pool, absl::MakeConstSpan(t->sizes).subspan(dim + 1));
    width = pool.Add(width, pool.Mul(pool.CeilDiv(t->sizes[dim], pool.Int(chunks)), rest));
  }
  Dims sizes(tensors[0]->sizes.begin(), tensors[0]->sizes.begin() + dim);
  sizes.push_back(pool.Int(chunks));
  sizes.push_back(width);
  ctx.Return(ctx.NewTensor(tensors[0]->dtype, tensors[0]->device, std::move(sizes)));
  return absl::OkStatus();
}

}  // namespace kiln
