// Which point of a producer's loops wrote the element that a consumer reads.
//
// A store index over axes is a mixed-radix number: each axis is a digit with a
// stride at least as large as all that lower digits can reach, so an element
// names its digits uniquely. A load index is solved by giving each of its terms
// to the digit with the largest stride that divides it, and by proving that
// every digit stays in its range. Strides are symbolic; division is by factors.
//
//   store b[C*i0 + i1], i0 < R, i1 < C      load b[S*C*k0 + C*k1 + k2]
//   gives i0 = S*k0 + k1, i1 = k2           where k2 < C and S*k0 + k1 < R
//
// What it cannot do: digits that only a division of the load's variables would
// give. There the axes of one side are split first (FindSplit).
#ifndef KILN_COMPILER_SCHEDULE_SOLVE_INDEX_H_
#define KILN_COMPILER_SCHEDULE_SOLVE_INDEX_H_

#include <optional>
#include <vector>

#include "compiler/schedule/index_analysis.h"

namespace kiln::schedule {

// A variable of an index: `stride` times it is a term. In a store index these
// are the digits, in a load index the terms. `axis` is -1 for an indirect index.
struct Digit {
  int axis = -1;
  Expr variable;
  Expr stride;
  Expr extent;
};

// The digits of index `e`, smallest stride first. `digits` holds axis, variable
// and extent of each axis that the index must distinguish; strides are filled
// in. False if `e` mentions another variable, misses one, or is not mixed-radix.
bool SortIntoDigits(Expr e, std::vector<Digit>& digits, IndexAnalysis& index);

// Fills in the strides of the terms of a load index and drops the variables
// that it does not mention. False if it is not affine in `terms`.
bool ReadTerms(Expr load, std::vector<Digit>& terms, IndexAnalysis& index);

// The value of each digit, in their order, at which the store index with
// `store_offset` equals the load index. nullopt if there is none for certain
// points of the load, or none that can be proven.
std::optional<std::vector<Expr>> SolveDigits(const std::vector<Digit>& digits, Expr store_offset,
                                             const std::vector<Digit>& terms, Expr load_offset, IndexAnalysis& index);

// A split that brings the two sides nearer to one common set of axes.
struct Split {
  bool of_load = false;  // an axis of the load's side, else of the store's
  int axis = -1;
  Expr low;
};
std::optional<Split> FindSplit(const std::vector<Digit>& digits, const std::vector<Digit>& terms,
                               IndexAnalysis& index);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_SOLVE_INDEX_H_
