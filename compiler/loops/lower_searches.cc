// Binary search in sorted rows. The place is found bit by bit, from the highest:
// as many steps for each element, which no branch decides.
#include <algorithm>
#include <bit>
#include <optional>

#include "base/status_macros.h"
#include "compiler/loops/lowering_table.h"
#include "compiler/loops/pointwise_context.h"

namespace kiln {
namespace {

// No machine addresses more elements than 2^48.
constexpr int64_t kMostBits = 48;

struct Search {
  TensorOperand sorted;  // the last dimension is searched
  std::optional<TensorOperand> order;  // the sorter: where each place's element is
  int value_arg;
  bool right;  // behind equal elements, not before them
};

int64_t NumBits(Expr size) {
  std::optional<int64_t> n = size.AsInt();
  return n.has_value() ? static_cast<int64_t>(std::bit_width(static_cast<uint64_t>(*n))) : kMostBits;
}

// The element of the row of `at` at place `probe`.
Val ElementAt(KernelBuilder& b, const Search& search, const Dims& at, Val probe) {
  Expr size = search.sorted.sizes.back();
  Dims place;
  size_t rank = search.sorted.sizes.size();
  for (size_t d = 0; d + 1 < rank; ++d) place.push_back(at[d]);
  place.push_back(b.Indirect(probe, size));
  if (search.order.has_value()) {
    Val ordered = b.Load(search.order->buffer, search.order->dtype, b.Index(*search.order, place));
    place.back() = b.Indirect(ordered, size);
  }
  return b.Load(search.sorted.buffer, search.sorted.dtype, b.Index(search.sorted, place));
}

absl::Status Lower(LoweringContext& c, const Search& search) {
  Expr size = search.sorted.sizes.back();
  ExprPool& pool = c.pool();
  if (!c.env().KnownTrue(pool.Gt(size, Expr(0)))) return c.Unsupported("a sequence that may be empty");
  TensorOperand out = c.Out();
  DType dtype = ComputationDType(PromoteOperands(c));
  DType i64 = DType::kInt64;
  int64_t bits = NumBits(size);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Val value;
  if (c.args().IsTensor(search.value_arg)) {
    value = b.Cast(LoadBroadcast(b, c.In(search.value_arg), i), dtype);
  } else {
    value = b.FromExpr(dtype, c.args().Scalar(search.value_arg).value);
  }
  Val last = b.FromExpr(i64, pool.Sub(size, Expr(1)));
  Val found = b.Accumulate(ReduceKind::kSum, i64);
  Expr bit = b.BeginLoop(Expr(bits));
  Val step = b.Op(ScalarOp::kShiftRight, b.Constant(i64, int64_t{1} << (bits - 1)), b.FromExpr(i64, bit));
  Val probe = b.Op(ScalarOp::kAdd, b.Result(found), b.Op(ScalarOp::kSub, step, b.Constant(i64, 1)));
  Val is_inside = b.Op(ScalarOp::kLe, probe, last);
  Val element = b.Cast(ElementAt(b, search, i, b.Op(ScalarOp::kMinimum, probe, last)), dtype);
  // Not less, so that nan is behind all numbers.
  Val is_behind = b.Op(search.right ? ScalarOp::kGt : ScalarOp::kGe, element, value);
  Val goes_on = b.Op(ScalarOp::kBitAnd, is_inside, b.Op(ScalarOp::kNot, is_behind));
  b.Update(found, b.Where(goes_on, step, b.Constant(i64, 0)));
  b.EndLoop();
  StoreAt(b, out, i, b.Result(found));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, bool right=False, str?
// side=None, Tensor? sorter=None): a sequence of one dimension serves all rows.
absl::Status SearchSorted(LoweringContext& c) {
  bool right = c.args().IsNone(4) ? c.args().Bool(3) : c.args().String(4) == "right";
  Search search{c.In(0), std::nullopt, 1, right};
  if (search.sorted.sizes.empty()) return c.Unsupported("a 0-dim sequence");
  if (!c.args().IsNone(5)) search.order = c.In(5);
  return Lower(c, search);
}

// aten::bucketize.Tensor(Tensor self, Tensor boundaries, *, bool out_int32=False, bool right=False)
absl::Status Bucketize(LoweringContext& c) { return Lower(c, {c.In(1), std::nullopt, 0, c.args().Bool(3)}); }

constexpr LoweringRow kRows[] = {
    {"aten.bucketize.Scalar", Bucketize},
    {"aten.bucketize.Tensor", Bucketize},
    {"aten.searchsorted.Scalar", SearchSorted},
    {"aten.searchsorted.Tensor", SearchSorted},
};

}  // namespace

absl::Span<const LoweringRow> SearchLowerings() { return kRows; }

}  // namespace kiln
