#include "fake_runtime/ops/memory_overlap.h"

#include <optional>
#include <utility>

#include "absl/algorithm/container.h"

namespace kiln {
namespace {

// The first and the one past the last of the bytes that `t` spans in its storage,
// nullopt where symbols decide.
std::optional<std::pair<int64_t, int64_t>> Span(const FakeTensor& t) {
  const std::optional<int64_t> end = BytesReached(t), offset = t.storage_offset.AsInt();
  if (!end.has_value() || !offset.has_value()) return std::nullopt;
  return std::make_pair(*offset * DTypeSizeBytes(t.dtype), *end);
}

}  // namespace

bool RepeatsElements(MetaContext& ctx, const FakeTensor& t) {
  if (absl::c_any_of(t.sizes, [](Expr size) { return size.IsInt(0); })) return false;
  for (int d = 0; d < t.rank(); ++d) {
    if (t.strides[d].IsInt(0) && ctx.env().KnownTrue(ctx.pool().Gt(t.sizes[d], Expr(1)))) return true;
  }
  return false;
}

bool Overlaps(const FakeTensor& a, const FakeTensor& b) {
  if (!(a.storage == b.storage)) return false;
  const auto x = Span(a), y = Span(b);
  return x.has_value() && y.has_value() && x->first < y->second && y->first < x->second;
}

}  // namespace kiln
