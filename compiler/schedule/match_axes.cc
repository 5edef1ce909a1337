#include "compiler/schedule/match_axes.h"

#include <algorithm>

#include "compiler/schedule/cluster_access.h"
#include "compiler/schedule/solve_index.h"

namespace kiln::schedule {
namespace {

constexpr int kMaxSplits = 6;

struct Place {
  int stage = -1;
  int inst = -1;
};

struct Link {
  Place first;
  Place second;
  // Stores into loads before other pairs, then the more axes the better.
  int score = -1;
  bool by_dataflow = false;
};

std::vector<Place> FindAccesses(const Cluster& cluster) {
  std::vector<Place> places;
  for (size_t s = 0; s < cluster.stages.size(); ++s) {
    for (int id : cluster.stages[s].insts) {
      const Inst& inst = cluster.insts[id];
      if (inst.kind == InstKind::kLoad || IsStore(inst)) places.push_back({static_cast<int>(s), id});
    }
  }
  return places;
}

Link FindLink(const Cluster& first, const Cluster& second, IndexAnalysis& index) {
  Link best;
  std::vector<Place> of_second = FindAccesses(second);
  for (const Place& a : FindAccesses(first)) {
    const Inst& inst = first.insts[a.inst];
    for (const Place& b : of_second) {
      const Inst& other = second.insts[b.inst];
      if (other.buffer != inst.buffer) continue;
      const AffineForm& form = index.Form(inst.expr);
      const AffineForm& other_form = index.Form(other.expr);
      if (!form.is_affine || !other_form.is_affine) continue;
      bool by_dataflow = IsStore(inst) && other.kind == InstKind::kLoad;
      // Sixty-four is more axes than a tensor may have.
      int score = static_cast<int>(std::min(form.terms.size(), other_form.terms.size())) + (by_dataflow ? 64 : 0);
      if (score > best.score) best = {a, b, score, by_dataflow};
    }
  }
  return best;
}

AxisMatch ReadMatch(const Cluster& first, const Cluster& second, const std::vector<Digit>& digits,
                    const std::vector<Expr>& values, const std::vector<Digit>& terms) {
  AxisMatch match;
  match.first_of_second.assign(second.extents.size(), -1);
  for (size_t d = 0; d < digits.size(); ++d) {
    for (const Digit& term : terms) {
      if (term.axis < 0 || values[d] != term.variable || term.extent != digits[d].extent) continue;
      match.first_of_second[term.axis] = digits[d].axis;
    }
  }
  return match;
}

}  // namespace

std::optional<AxisMatch> MatchAxes(Cluster& first, Cluster& second, IndexAnalysis& index) {
  Link link = FindLink(first, second, index);
  if (link.score < 0) return std::nullopt;
  for (int split = 0; split <= kMaxSplits; ++split) {
    Expr index_a = first.insts[link.first.inst].expr, index_b = second.insts[link.second.inst].expr;
    std::vector<Digit> digits = AxesAsDigits(first, link.first.stage, index);
    std::vector<Digit> terms = AxesAsDigits(second, link.second.stage, index);
    AddIndirectTerms(second, terms, index);
    if (!ReadTerms(index_a, digits, index) || !SortIntoDigits(index_a, digits, index)) return std::nullopt;
    if (!ReadTerms(index_b, terms, index)) return std::nullopt;
    std::optional<Split> next = FindSplit(digits, terms, index);
    if (next.has_value()) {
      SplitAxis(next->of_load ? second : first, next->axis, next->low, index);
      continue;
    }
    // Two loads need not meet: windows beside each other match as well.
    Expr offset_a = index.Form(index_a).offset;
    Expr offset_b = link.by_dataflow ? index.Form(index_b).offset : offset_a;
    std::optional<std::vector<Expr>> values = SolveDigits(digits, offset_a, terms, offset_b, index);
    if (!values.has_value()) return std::nullopt;
    AxisMatch match = ReadMatch(first, second, digits, *values, terms);
    match.by_dataflow = link.by_dataflow;
    return match;
  }
  return std::nullopt;
}

}  // namespace kiln::schedule
