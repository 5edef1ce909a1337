// Which kernels that share memory did not become one, and why: what fusion was
// refused on its way, told of the kernels that are left in the end.
//
// Not thread-safe.
#ifndef KILN_COMPILER_SCHEDULE_REFUSALS_H_
#define KILN_COMPILER_SCHEDULE_REFUSALS_H_

#include <vector>

#include "compiler/loops/loop_ir.h"

namespace kiln::schedule {

// Units are numbered as in the FusionGraph.
struct Refusal {
  int earlier = -1;
  int later = -1;
  ApartReason reason = ApartReason::kBetween;
};

class Refusals {
 public:
  // Two ways to make one of two kernels. A kernel that is not computed where it is
  // read may still be joined; if it is not, both refusals stand.
  enum class Attempt : uint8_t { kInline, kJoin };

  explicit Refusals(int num_units);

  void Note(int earlier, int later, Attempt attempt, ApartReason reason);
  // From now on `unit` is part of `into`.
  void Merge(int unit, int into);

  // Those between units that are still two, the last of each pair and attempt;
  // sorted by the later unit, the earlier one, the reason. Units may have died.
  std::vector<Refusal> Remaining() const;

 private:
  int Root(int unit) const;

  struct Noted {
    Refusal refusal;
    Attempt attempt;
  };
  std::vector<int> part_of_;  // by unit; its own number for one that is whole
  std::vector<Noted> noted_;
};

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_REFUSALS_H_
