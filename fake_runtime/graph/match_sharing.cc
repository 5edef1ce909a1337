#include "fake_runtime/graph/match_sharing.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace kiln {
namespace {

// Matches each node with one of the other graph, from the ordered nodes and the outputs
// down; the first node that would get a second partner is the difference.
class Matcher {
 public:
  Matcher(const GraphStructure& yours, const GraphStructure& theirs)
      : a_(yours),
        b_(theirs),
        to_theirs_(yours.graph().nodes.size(), -1),
        to_yours_(theirs.graph().nodes.size(), -1) {}

  SharingDifference Run() {
    const std::vector<int> l = a_.OrderedNodes(), r = b_.OrderedNodes();
    for (size_t i = 0; i < std::min(l.size(), r.size()); ++i) Match(l[i], r[i]);
    const std::vector<Argument>& x = a_.graph().outputs;
    const std::vector<Argument>& y = b_.graph().outputs;
    for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
      if (!MatchOperands(x[i], y[i])) return Told(x[i], y[i], -1, -1, static_cast<int>(i));
    }
    while (!matched_.empty()) {
      const auto [mine, other] = matched_.back();
      matched_.pop_back();
      const std::vector<Argument>& mine_args = a_.graph().nodes[mine].args;
      const std::vector<Argument>& other_args = b_.graph().nodes[other].args;
      for (size_t s = 0; s < std::min(mine_args.size(), other_args.size()); ++s) {
        if (MatchOperands(mine_args[s], other_args[s])) continue;
        return Told(mine_args[s], other_args[s], mine, other, static_cast<int>(s));
      }
    }
    return Order();
  }

 private:
  // False if one of them has another partner.
  bool Match(int l, int r) {
    if (to_theirs_[l] == r && to_yours_[r] == l) return true;
    if (to_theirs_[l] >= 0 || to_yours_[r] >= 0) return false;
    to_theirs_[l] = r;
    to_yours_[r] = l;
    matched_.emplace_back(l, r);
    return true;
  }

  bool MatchOperands(const Argument& x, const Argument& y) {
    std::vector<ValueId> l, r;
    VisitValues(x, [&](ValueId id) { l.push_back(id); });
    VisitValues(y, [&](ValueId id) { r.push_back(id); });
    bool matched = true;
    for (size_t i = 0; i < std::min(l.size(), r.size()); ++i) {
      const int mine = a_.node_of(l[i]), other = b_.node_of(r[i]);
      if (mine >= 0 && other >= 0) matched &= Match(mine, other);
    }
    return matched;
  }

  static SharingDifference Told(const Argument& yours, const Argument& theirs, int yours_user, int theirs_user,
                                int slot) {
    SharingDifference difference;
    difference.yours = &yours;
    difference.theirs = &theirs;
    difference.yours_user = yours_user;
    difference.theirs_user = theirs_user;
    difference.slot = slot;
    return difference;
  }

  // A canonical order follows from structure, but for nodes whose order counts.
  SharingDifference Order() const {
    SharingDifference difference;
    for (size_t n = 0; n < to_theirs_.size(); ++n) {
      if (to_theirs_[n] == static_cast<int>(n) || to_theirs_[n] < 0) continue;
      difference.order_yours = static_cast<int>(n);
      difference.order_theirs = to_theirs_[n];
      break;
    }
    return difference;
  }

  const GraphStructure& a_;
  const GraphStructure& b_;
  std::vector<int> to_theirs_;
  std::vector<int> to_yours_;
  std::vector<std::pair<int, int>> matched_;
};

}  // namespace

SharingDifference MatchSharing(const GraphStructure& yours, const GraphStructure& theirs) {
  return Matcher(yours, theirs).Run();
}

}  // namespace kiln
