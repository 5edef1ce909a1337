#include "compiler/schedule/check_row_locality.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "compiler/schedule/cluster_access.h"
#include "compiler/schedule/solve_index.h"

namespace kiln::schedule {
namespace {

std::vector<Digit> Axes(const Cluster& cluster, const AxisList& rows, const AxisList& inner, IndexAnalysis& index) {
  std::vector<Digit> digits;
  for (const AxisList* axes : {&rows, &inner}) {
    for (int axis : *axes) digits.push_back({axis, index.Variable(axis), Expr(0), cluster.extents[axis]});
  }
  return digits;
}

bool Contains(const AxisList& axes, int axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); }

// By the point at which the store wrote what the other accesses.
Meeting BySolving(const Cluster& cluster, const AxisList& rows, const AccessPlace& store, const AccessPlace& other,
                  IndexAnalysis& index) {
  std::vector<Digit> digits = Axes(cluster, rows, *store.inner, index);
  std::vector<Digit> terms = Axes(cluster, rows, *other.inner, index);
  const AffineForm& form = index.Form(other.place);
  if (!form.is_affine) return Meeting::kAnywhere;
  // An indirect index is a term that may be anything in its bound; its digit
  // is then no row, which is all that matters here.
  AddIndirectTerms(cluster, terms, index);
  if (!SortIntoDigits(store.place, digits, index) || !ReadTerms(other.place, terms, index)) return Meeting::kAnywhere;
  std::optional<std::vector<Expr>> values =
      SolveDigits(digits, index.Form(store.place).offset, terms, form.offset, index);
  if (!values.has_value()) return Meeting::kAnywhere;
  bool same_point = *store.inner == *other.inner;
  for (size_t d = 0; d < digits.size(); ++d) {
    bool same = (*values)[d] == digits[d].variable;
    if (!same && Contains(rows, digits[d].axis)) return Meeting::kAnywhere;
    same_point &= same;
  }
  return same_point ? Meeting::kSamePoint : Meeting::kSameRow;
}

// The lowest and highest value of a part of an index.
struct Span {
  Expr lowest;
  Expr highest;
};

// Of the offset and the terms whose variables are not in `upper`.
std::optional<Span> SpanOfLowerPart(const AffineForm& form, const std::vector<Digit>& upper,
                                    const std::vector<Digit>& axes, IndexAnalysis& index) {
  ExprPool& pool = index.pool();
  Span span = {form.offset, form.offset};
  for (const AffineTerm& term : form.terms) {
    auto is_term = [&](const Digit& digit) { return digit.variable == term.variable; };
    if (std::any_of(upper.begin(), upper.end(), is_term)) continue;
    auto axis = std::find_if(axes.begin(), axes.end(), is_term);
    if (axis == axes.end() || !index.KnownLessEqual(Expr(0), term.coefficient)) return std::nullopt;
    span.highest = pool.Add(span.highest, pool.Sub(pool.Mul(term.coefficient, axis->extent), term.coefficient));
  }
  return span;
}

// Rows with equal strides in both, smallest stride first. False if rows differ
// in stride, or do not form a mixed-radix number.
bool SortRows(const Cluster& cluster, const AxisList& rows, const AffineForm& a, const AffineForm& b,
              std::vector<Digit>& digits, IndexAnalysis& index) {
  Expr start = Expr(0);
  for (int row : rows) {
    Expr variable = index.Variable(row), stride = a.CoefficientOf(variable);
    if (stride != b.CoefficientOf(variable)) return false;
    digits.push_back({row, variable, stride, cluster.extents[row]});
    start = index.pool().Add(start, index.pool().Mul(stride, variable));
  }
  return SortIntoDigits(start, digits, index);
}

// By upper rows being runs of memory that do not overlap, whatever is accessed
// there: equal elements then have equal upper rows, and if the parts of the two
// inside a run are disjoint, there are none.
Meeting BySpans(const Cluster& cluster, const AxisList& rows, const AccessPlace& store, const AccessPlace& other,
                IndexAnalysis& index) {
  const AffineForm& a = index.Form(store.place);
  const AffineForm& b = index.Form(other.place);
  std::vector<Digit> upper;
  if (!a.is_affine || !b.is_affine || !SortRows(cluster, rows, a, b, upper, index)) return Meeting::kAnywhere;
  std::vector<Digit> axes_a = Axes(cluster, rows, *store.inner, index);
  std::vector<Digit> axes_b = Axes(cluster, rows, *other.inner, index);
  AddIndirectTerms(cluster, axes_a, index);
  AddIndirectTerms(cluster, axes_b, index);
  auto reach = [&](const Span& x, const Span& y) {
    return index.pool().Add(index.pool().Sub(x.highest, y.lowest), Expr(1));
  };
  for (bool all_rows = true; !upper.empty(); all_rows = false, upper.erase(upper.begin())) {
    std::optional<Span> x = SpanOfLowerPart(a, upper, axes_a, index), y = SpanOfLowerPart(b, upper, axes_b, index);
    if (!x.has_value() || !y.has_value()) return Meeting::kAnywhere;
    Expr run = upper[0].stride;
    if (!index.KnownLessEqual(reach(*x, *y), run) || !index.KnownLessEqual(reach(*y, *x), run)) continue;
    if (index.KnownLessEqual(reach(*x, *y), Expr(0)) || index.KnownLessEqual(reach(*y, *x), Expr(0))) {
      return Meeting::kNever;
    }
    if (all_rows) return Meeting::kSameRow;
  }
  return Meeting::kAnywhere;
}

}  // namespace

Meeting FindMeeting(const Cluster& cluster, const AxisList& rows, const AccessPlace& store, const AccessPlace& other,
                    IndexAnalysis& index) {
  Meeting meeting = BySolving(cluster, rows, store, other, index);
  if (meeting != Meeting::kAnywhere) return meeting;
  // Without row axes there is one row.
  return rows.empty() ? Meeting::kSameRow : BySpans(cluster, rows, store, other, index);
}

}  // namespace kiln::schedule
