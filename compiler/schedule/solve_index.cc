#include "compiler/schedule/solve_index.h"

#include <algorithm>

#include "base/checked_int.h"

namespace kiln::schedule {
namespace {

// What the load adds to one digit, and between which values it lies.
struct DigitSum {
  absl::InlinedVector<Expr, 4> terms;
  absl::InlinedVector<Expr, 4> lowest;
  absl::InlinedVector<Expr, 4> highest;
};

bool IsNegative(Expr e) {
  if (std::optional<int64_t> value = e.AsInt(); value.has_value()) return *value < 0;
  if (e.kind() != ExprKind::kMul) return false;
  std::optional<int64_t> factor = e.args()[0].AsInt();
  return factor.has_value() && *factor < 0;
}

class DigitSolver {
 public:
  DigitSolver(const std::vector<Digit>& digits, IndexAnalysis& index)
      : digits_(digits), index_(index), pool_(index.pool()), sums_(digits.size()) {}

  bool AddTerm(const Digit& term) {
    for (int d = static_cast<int>(digits_.size()) - 1; d >= 0; --d) {
      std::optional<Expr> times = index_.DivideExact(term.stride, digits_[d].stride);
      if (!times.has_value()) continue;
      // It reaches from 0 to times * (extent - 1).
      Expr reach = pool_.Sub(pool_.Mul(*times, term.extent), *times);
      DigitSum& sum = sums_[d];
      sum.terms.push_back(pool_.Mul(*times, term.variable));
      (IsNegative(*times) ? sum.lowest : sum.highest).push_back(reach);
      return true;
    }
    return false;
  }

  bool AddOffset(Expr offset) {
    if (offset.kind() != ExprKind::kAdd) return AddOffsetTerm(offset);
    for (Expr term : offset.args()) {
      if (!AddOffsetTerm(term)) return false;
    }
    return true;
  }

  std::optional<std::vector<Expr>> Solve() {
    std::vector<Expr> values;
    for (size_t d = 0; d < digits_.size(); ++d) {
      DigitSum& sum = sums_[d];
      Expr last = pool_.Sub(digits_[d].extent, Expr(1));
      if (!index_.KnownLessEqual(Expr(0), pool_.Add(absl::MakeConstSpan(sum.lowest)))) return std::nullopt;
      Expr highest = pool_.Add(absl::MakeConstSpan(sum.highest));
      // A digit that stays 0 is in range wherever there is an element at all.
      if (!highest.IsInt(0) && !index_.KnownLessEqual(highest, last)) return std::nullopt;
      values.push_back(pool_.Add(absl::MakeConstSpan(sum.terms)));
    }
    return values;
  }

 private:
  void AddConstantToDigit(int d, Expr value) {
    sums_[d].terms.push_back(value);
    sums_[d].lowest.push_back(value);
    sums_[d].highest.push_back(value);
  }

  bool AddOffsetTerm(Expr term) {
    if (term.IsInt(0)) return true;
    std::optional<int64_t> rest = term.AsInt();
    for (int d = static_cast<int>(digits_.size()) - 1; d >= 0; --d) {
      std::optional<int64_t> stride = digits_[d].stride.AsInt();
      if (rest.has_value() && stride.has_value() && *stride > 0) {
        int64_t times = *CheckedFloorDiv(*rest, *stride);
        if (times != 0) AddConstantToDigit(d, Expr(times));
        rest = *rest - times * *stride;
        if (rest == 0) return true;
        continue;
      }
      std::optional<Expr> times = index_.DivideExact(term, digits_[d].stride);
      if (rest.has_value() || !times.has_value()) continue;
      AddConstantToDigit(d, *times);
      return true;
    }
    return false;
  }

  const std::vector<Digit>& digits_;
  IndexAnalysis& index_;
  ExprPool& pool_;
  std::vector<DigitSum> sums_;
};

}  // namespace

bool SortIntoDigits(Expr e, std::vector<Digit>& digits, IndexAnalysis& index) {
  const AffineForm& form = index.Form(e);
  if (!form.is_affine) return false;
  size_t mentioned = 0;
  for (Digit& digit : digits) {
    digit.stride = form.CoefficientOf(digit.variable);
    if (digit.stride.IsInt(0) || IsNegative(digit.stride)) return false;
    ++mentioned;
  }
  for (const AffineTerm& term : form.terms) {
    if (!term.coefficient.IsInt(0) && mentioned == 0) return false;
    if (!term.coefficient.IsInt(0)) --mentioned;
  }
  std::stable_sort(digits.begin(), digits.end(), [&](const Digit& a, const Digit& b) {
    return index.Estimate(a.stride) < index.Estimate(b.stride);
  });
  for (size_t d = 0; d + 1 < digits.size(); ++d) {
    Expr reach = index.pool().Mul(digits[d].stride, digits[d].extent);
    if (index.DivideExact(digits[d + 1].stride, reach).has_value()) continue;
    if (!index.KnownLessEqual(reach, digits[d + 1].stride)) return false;
  }
  return true;
}

bool ReadTerms(Expr load, std::vector<Digit>& terms, IndexAnalysis& index) {
  const AffineForm& form = index.Form(load);
  if (!form.is_affine) return false;
  size_t count = 0;
  for (Digit& term : terms) {
    term.stride = form.CoefficientOf(term.variable);
    if (!term.stride.IsInt(0)) terms[count++] = term;
  }
  terms.resize(count);
  size_t mentioned = std::count_if(form.terms.begin(), form.terms.end(),
                                   [](const AffineTerm& term) { return !term.coefficient.IsInt(0); });
  return mentioned == count;
}

std::optional<std::vector<Expr>> SolveDigits(const std::vector<Digit>& digits, Expr store_offset,
                                             const std::vector<Digit>& terms, Expr load_offset,
                                             IndexAnalysis& index) {
  DigitSolver solver(digits, index);
  for (const Digit& term : terms) {
    if (!solver.AddTerm(term)) return std::nullopt;
  }
  if (!solver.AddOffset(index.pool().Sub(load_offset, store_offset))) return std::nullopt;
  return solver.Solve();
}

std::optional<Split> FindSplit(const std::vector<Digit>& digits, const std::vector<Digit>& terms,
                               IndexAnalysis& index) {
  for (const Digit& digit : digits) {
    for (const Digit& term : terms) {
      if (term.axis < 0 || term.stride != digit.stride || term.extent == digit.extent) continue;
      if (index.DivideExact(term.extent, digit.extent).has_value()) return Split{true, term.axis, digit.extent};
      if (index.DivideExact(digit.extent, term.extent).has_value()) return Split{false, digit.axis, term.extent};
    }
  }
  return std::nullopt;
}

}  // namespace kiln::schedule
