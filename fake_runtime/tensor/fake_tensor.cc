#include "fake_runtime/tensor/fake_tensor.h"

#include "absl/strings/str_cat.h"
#include "base/checked_int.h"
#include "absl/strings/str_join.h"

namespace kiln {
namespace {

std::string DimsText(absl::Span<const Expr> dims) {
  auto format = [](std::string* out, Expr e) { absl::StrAppend(out, e.ToString()); };
  return absl::StrCat("[", absl::StrJoin(dims, ", ", format), "]");
}

std::string ScalarText(const ScalarValue& v) {
  if (v.type == ExprType::kFloat) return absl::StrCat(v.f);
  if (v.type == ExprType::kBool) return v.i != 0 ? "true" : "false";
  return absl::StrCat(v.i);
}

}  // namespace

std::string FakeTensor::ToString() const {
  std::string text = absl::StrCat(DTypeText(dtype), DimsText(sizes), " strides=", DimsText(strides),
                                  " offset=", storage_offset.ToString(), " ", device.ToString());
  if (layout == Layout::kSparseCoo) absl::StrAppend(&text, " sparse_coo");
  if (requires_grad) absl::StrAppend(&text, " requires_grad");
  if (conj_bit) absl::StrAppend(&text, " conj");
  if (neg_bit) absl::StrAppend(&text, " neg");
  if (constant) absl::StrAppend(&text, " value=", ScalarText(*constant));
  return text;
}

Expr Numel(ExprPool& pool, absl::Span<const Expr> sizes) { return pool.Mul(sizes); }

std::optional<int64_t> BytesReached(const FakeTensor& t) {
  std::optional<int64_t> last = t.storage_offset.AsInt();
  for (int d = 0; d < t.rank(); ++d) {
    const std::optional<int64_t> size = t.sizes[d].AsInt(), stride = t.strides[d].AsInt();
    if (!size.has_value() || !stride.has_value()) return std::nullopt;
    if (*size == 0) return 0;
    const std::optional<int64_t> reach = CheckedMul(*size - 1, *stride);
    last = last && reach ? CheckedAdd(*last, *reach) : std::nullopt;
  }
  if (last) last = CheckedAdd(*last, 1);
  return last ? CheckedMul(*last, DTypeSizeBytes(t.dtype)) : std::nullopt;
}

Expr SymbolicBytesReached(ExprPool& pool, const FakeTensor& t) {
  Expr last = pool.Add(t.storage_offset, Expr(1));
  for (int d = 0; d < t.rank(); ++d) {
    last = pool.Add(last, pool.Mul(pool.Sub(t.sizes[d], Expr(1)), t.strides[d]));
  }
  return pool.Mul(last, Expr(DTypeSizeBytes(t.dtype)));
}

}  // namespace kiln
