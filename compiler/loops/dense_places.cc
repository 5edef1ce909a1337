#include "compiler/loops/dense_places.h"

namespace kiln {

std::optional<std::vector<int>> DensePlaces(ExprPool& pool, const TensorOperand& window) {
  const int rank = static_cast<int>(window.sizes.size());
  std::vector<int> places(rank, -1);
  // Contiguous strides may count an empty dimension as 1; both readings of the
  // next stride are tried.
  Expr exact(1);
  Expr positive(1);
  for (int place = 0; place < rank; ++place) {
    int found = -1;
    for (int d = rank; d-- > 0 && found < 0;) {
      const bool fits = window.sizes[d].IsInt(1) || window.strides[d] == exact || window.strides[d] == positive;
      if (places[d] < 0 && fits) found = d;
    }
    if (found < 0) return std::nullopt;
    places[found] = place;
    exact = pool.Mul(exact, window.sizes[found]);
    positive = pool.Mul(positive, pool.Max(Expr(1), window.sizes[found]));
  }
  return places;
}

}  // namespace kiln
