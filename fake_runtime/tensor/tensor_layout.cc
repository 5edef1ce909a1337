// Strides and layout predicates of fake tensors.
//
// Each predicate is written once, over a question type: `Known` asks what is
// known statically (unknown counts as no), `Test` may read hints and leaves
// guards. The loops are those of c10/core/Contiguity.h.
#include <algorithm>
#include <array>

#include "base/status_macros.h"
#include "fake_runtime/tensor/fake_tensor.h"

namespace kiln {
namespace {

// Orders of dimensions from the innermost out, as channels_last has them.
constexpr std::array<int, 4> kChannelsLast2d = {1, 3, 2, 0};
constexpr std::array<int, 5> kChannelsLast3d = {1, 4, 3, 2, 0};

absl::Span<const int> ChannelsLastOrder(int rank) {
  if (rank == 4) return kChannelsLast2d;
  if (rank == 5) return kChannelsLast3d;
  return {};
}

using DimOrder = absl::InlinedVector<int, 5>;

DimOrder RowMajorOrder(int rank) {
  DimOrder order;
  for (int d = rank; d-- > 0;) order.push_back(d);
  return order;
}

// Strides of a dense tensor whose dimensions from the innermost out are `order`.
Dims DenseStrides(ShapeEnv& env, absl::Span<const Expr> sizes, absl::Span<const int> order) {
  ExprPool& pool = env.pool();
  Dims strides(sizes.size());
  Expr next(1);
  for (int d : order) {
    strides[d] = next;
    Expr size = sizes[d];
    if (!env.KnownTrue(pool.Ge(size, Expr(1)))) size = pool.Max(Expr(1), size);
    next = pool.Mul(next, size);
  }
  return strides;
}

struct KnownQuestion {
  ShapeEnv& env;
  absl::StatusOr<bool> operator()(Expr condition, absl::string_view) const { return env.KnownTrue(condition); }
};

struct TestQuestion {
  ShapeEnv& env;
  absl::StatusOr<bool> operator()(Expr condition, absl::string_view what) const {
    return env.TestOr(condition, false, what);
  }
};

// Each dimension's stride is the product of the sizes inside it; dimensions of
// size 1 may have any stride.
template <typename Ask>
absl::StatusOr<bool> IsDenseIn(ExprPool& pool, const FakeTensor& t, absl::Span<const int> order, const Ask& ask) {
  Expr expected(1);
  for (int d : order) {
    if (t.strides[d] == expected) {
      expected = pool.Mul(expected, t.sizes[d]);
      continue;
    }
    KILN_ASSIGN_OR_RETURN(bool is_one, ask(pool.Eq(t.sizes[d], Expr(1)), "layout: size is 1"));
    if (is_one) continue;
    // A Max(1, size) of torch.empty is the size, now that it is asked for.
    KILN_ASSIGN_OR_RETURN(bool matches, ask(pool.Eq(t.strides[d], expected), "layout: stride"));
    if (!matches) return false;
    expected = pool.Mul(expected, t.sizes[d]);
  }
  return true;
}

template <typename Ask>
absl::StatusOr<bool> HasNoElements(ExprPool& pool, const FakeTensor& t, const Ask& ask) {
  return ask(pool.Eq(Numel(pool, t.sizes), Expr(0)), "layout: tensor is empty");
}

// Strides equal to torch.empty's, Max(1, size) included, are contiguous
// whatever the sizes are.
bool HasDefaultStrides(ShapeEnv& env, const FakeTensor& t, absl::Span<const int> order) {
  Dims strides = DenseStrides(env, t.sizes, order);
  return std::equal(strides.begin(), strides.end(), t.strides.begin(), t.strides.end());
}

template <typename Ask>
absl::StatusOr<bool> IsContiguous(ShapeEnv& env, const FakeTensor& t, const Ask& ask) {
  DimOrder order = RowMajorOrder(t.rank());
  if (HasDefaultStrides(env, t, order)) return true;
  // Without guards first: an empty tensor must not be told from others only to
  // learn what its strides say.
  KILN_ASSIGN_OR_RETURN(bool known, IsDenseIn(env.pool(), t, order, KnownQuestion{env}));
  if (known) return true;
  KILN_ASSIGN_OR_RETURN(bool empty, HasNoElements(env.pool(), t, ask));
  if (empty) return true;
  return IsDenseIn(env.pool(), t, order, ask);
}

template <typename Ask>
absl::StatusOr<bool> IsChannelsLast(ShapeEnv& env, const FakeTensor& t, const Ask& ask) {
  absl::Span<const int> order = ChannelsLastOrder(t.rank());
  if (order.empty()) return false;
  if (HasDefaultStrides(env, t, order)) return true;
  return IsDenseIn(env.pool(), t, order, ask);
}

// The dimensions from the innermost out by the strides that the hints give;
// dimensions of size 0 or 1 come last. nullopt without hints.
std::optional<DimOrder> OrderByHint(ShapeEnv& env, const FakeTensor& t) {
  struct Dim {
    bool trivial;
    int64_t stride;
    int index;
    bool operator<(const Dim& o) const {
      if (trivial != o.trivial) return o.trivial;
      return stride != o.stride && !trivial ? stride < o.stride : index > o.index;
    }
  };
  absl::InlinedVector<Dim, 5> dims;
  for (int d = 0; d < t.rank(); ++d) {
    std::optional<int64_t> size = env.HintOf(t.sizes[d]), stride = env.HintOf(t.strides[d]);
    if (!size || !stride) return std::nullopt;
    dims.push_back({*size < 2, *stride, d});
  }
  std::sort(dims.begin(), dims.end());
  DimOrder order;
  for (const Dim& d : dims) order.push_back(d.index);
  return order;
}

// Dimensions in the order in which they are known to continue one another.
bool KnownDenseInSomeOrder(ShapeEnv& env, const FakeTensor& t) {
  ExprPool& pool = env.pool();
  absl::InlinedVector<bool, 5> done(t.rank(), false);
  Expr expected(1);
  for (int found = 0; found < t.rank();) {
    int next = -1;
    for (int d = t.rank(); d-- > 0 && next < 0;) {
      if (done[d]) continue;
      if (env.KnownEqual(t.sizes[d], Expr(1)) || env.KnownEqual(t.strides[d], expected)) next = d;
    }
    if (next < 0) return false;
    done[next] = true;
    ++found;
    expected = pool.Mul(expected, t.sizes[next]);
  }
  return true;
}

}  // namespace

Dims ContiguousStrides(ShapeEnv& env, absl::Span<const Expr> sizes) {
  return DenseStrides(env, sizes, RowMajorOrder(static_cast<int>(sizes.size())));
}

Dims ChannelsLastStrides(ShapeEnv& env, absl::Span<const Expr> sizes) {
  absl::Span<const int> order = ChannelsLastOrder(static_cast<int>(sizes.size()));
  if (order.empty()) return ContiguousStrides(env, sizes);
  // Unlike the contiguous format, PyTorch's channels-last has no Max(1, size) in
  // its strides: outside of an empty dimension they are 0.
  Dims strides(sizes.size());
  Expr next(1);
  for (int d : order) {
    strides[d] = next;
    next = env.pool().Mul(next, sizes[d]);
  }
  return strides;
}

bool KnownSameDims(ShapeEnv& env, absl::Span<const Expr> a, absl::Span<const Expr> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](Expr x, Expr y) { return x == y || env.KnownEqual(x, y); });
}

bool KnownContiguous(ShapeEnv& env, const FakeTensor& t) { return *IsContiguous(env, t, KnownQuestion{env}); }
bool KnownChannelsLast(ShapeEnv& env, const FakeTensor& t) { return *IsChannelsLast(env, t, KnownQuestion{env}); }

bool KnownNonOverlappingAndDense(ShapeEnv& env, const FakeTensor& t) {
  return KnownContiguous(env, t) || KnownChannelsLast(env, t) || KnownDenseInSomeOrder(env, t);
}

absl::StatusOr<bool> TestContiguous(ShapeEnv& env, const FakeTensor& t) {
  return IsContiguous(env, t, TestQuestion{env});
}

absl::StatusOr<bool> TestChannelsLast(ShapeEnv& env, const FakeTensor& t) {
  return IsChannelsLast(env, t, TestQuestion{env});
}

absl::StatusOr<bool> TestNonOverlappingAndDense(ShapeEnv& env, const FakeTensor& t) {
  if (KnownNonOverlappingAndDense(env, t)) return true;
  std::optional<DimOrder> order = OrderByHint(env, t);
  if (!order) return false;
  ExprPool& pool = env.pool();
  TestQuestion ask{env};
  KILN_ASSIGN_OR_RETURN(bool dense, IsDenseIn(pool, t, *order, ask));
  if (dense) return true;
  // "No" holds for those inputs only whose strides are ordered like these; the
  // others might be dense in an order of their own.
  for (size_t i = 0; i + 1 < order->size(); ++i) {
    Expr inner = t.strides[(*order)[i]], outer = t.strides[(*order)[i + 1]];
    KILN_RETURN_IF_ERROR(ask(pool.Le(inner, outer), "layout: order of strides").status());
  }
  return false;
}

}  // namespace kiln
