#include "compiler/schedule/check_row_locality.h"

#include <algorithm>
#include <optional>
#include <vector>

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
  for (const AffineTerm& term : form.terms) {
    bool is_axis = std::any_of(terms.begin(), terms.end(), [&](const Digit& d) { return d.variable == term.variable; });
    if (is_axis) continue;
    for (const Inst& inst : cluster.insts) {
      if (inst.kind == InstKind::kIndirect && inst.expr == term.variable) {
        terms.push_back({-1, inst.expr, Expr(0), inst.bound});
      }
    }
  }
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

// The lowest and highest index of a row, relative to where the row starts.
struct Span {
  Expr lowest;
  Expr highest;
};

std::optional<Span> SpanOfRow(const Cluster& cluster, const AxisList& rows, const AccessPlace& access,
                              IndexAnalysis& index) {
  ExprPool& pool = index.pool();
  const AffineForm& form = index.Form(access.place);
  for (const AffineTerm& term : form.terms) {
    auto is_term = [&](int axis) { return index.Variable(axis) == term.variable; };
    bool is_known = std::any_of(rows.begin(), rows.end(), is_term) ||
                    std::any_of(access.inner->begin(), access.inner->end(), is_term);
    if (!is_known) return std::nullopt;
  }
  Span span = {form.offset, form.offset};
  for (int axis : *access.inner) {
    Expr stride = form.CoefficientOf(index.Variable(axis));
    if (!index.KnownLessEqual(Expr(0), stride)) return std::nullopt;
    span.highest = pool.Add(span.highest, pool.Sub(pool.Mul(stride, cluster.extents[axis]), stride));
  }
  return span;
}

// By rows being runs of memory that do not overlap, whatever is accessed there.
Meeting BySpans(const Cluster& cluster, const AxisList& rows, const AccessPlace& store, const AccessPlace& other,
                IndexAnalysis& index) {
  const AffineForm& a = index.Form(store.place);
  const AffineForm& b = index.Form(other.place);
  if (!a.is_affine || !b.is_affine) return Meeting::kAnywhere;
  std::vector<Digit> digits;
  Expr start = Expr(0);
  for (int row : rows) {
    Expr variable = index.Variable(row), stride = a.CoefficientOf(variable);
    if (stride != b.CoefficientOf(variable)) return Meeting::kAnywhere;
    digits.push_back({row, variable, stride, cluster.extents[row]});
    start = index.pool().Add(start, index.pool().Mul(stride, variable));
  }
  if (!SortIntoDigits(start, digits, index)) return Meeting::kAnywhere;
  std::optional<Span> span_a = SpanOfRow(cluster, rows, store, index), span_b = SpanOfRow(cluster, rows, other, index);
  if (!span_a.has_value() || !span_b.has_value()) return Meeting::kAnywhere;
  auto fits = [&](Expr highest, Expr lowest) {
    return index.KnownLessEqual(index.pool().Add(index.pool().Sub(highest, lowest), Expr(1)), digits[0].stride);
  };
  bool disjoint = fits(span_a->highest, span_b->lowest) && fits(span_b->highest, span_a->lowest);
  return disjoint ? Meeting::kSameRow : Meeting::kAnywhere;
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
