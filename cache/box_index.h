// Boxes (an interval for each of a few axes), each with a variant: finds the best
// variant whose box a point is in, without trying the others.
//
// A box of d axes is a point of 2d coordinates, its lower and its upper ends. They
// stand in k-d trees: a node divides its boxes at the median of one coordinate, the
// next node at that of the next. A node knows how far its ends reach, so that a
// search leaves out whom the point cannot be in, and stops where the point is in
// everybody; and the best of its variants, so that it leaves out whom it has no use
// for. One axis costs O(sqrt(n)) nodes at worst, d axes O(n^(1 - 1/2d)) (Lee and Wong
// 1977, of range search in k-d trees); nested or disjoint intervals cost O(log n).
//
// A tree never changes but for variants that leave. What is added waits in a list of
// at most 16, becomes a tree, and trees of about one size become one (Bentley and Saxe
// 1980): n additions cost O(n log^2 n) in all, one of them at most O(n log n).
//
// Thread-compatible.
#ifndef KILN_CACHE_BOX_INDEX_H_
#define KILN_CACHE_BOX_INDEX_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "cache/guard_form.h"
#include "cache/indexed_variant.h"

namespace kiln {

// Which of two variants is better, when their guards leave it open: the newer, or
// else the one with the lesser digest. Null is worse than any.
bool IsNewer(const IndexedVariant* a, const IndexedVariant* b);

class BoxIndex {
 public:
  // `box` has an interval for each axis, the same number in every call.
  void Add(absl::Span<const Interval> box, IndexedVariantPtr variant);
  // The variant with this artifact, added with this box. False if it is not here.
  bool Remove(absl::Span<const Interval> box, const Digest& artifact);

  // Null if the point is in no box. `point` has a value for each axis.
  const IndexedVariantPtr* Best(absl::Span<const int64_t> point) const;

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  // In no order, until there are `max`.
  void AppendTo(std::vector<IndexedVariantPtr>& variants, size_t max) const;

 private:
  struct Entries {
    std::vector<IndexedVariantPtr> variants;  // null: has left
    std::vector<Interval> boxes;              // of each, one after the other
  };
  struct Node {
    // Its entries, and the best of them; -1 when all have left.
    int32_t begin, end, best;
    // The node behind this one is its left child, this one its right; 0: a leaf.
    int32_t right;
  };
  // How far the ends of a node's boxes reach, for one axis.
  struct Reach {
    Interval lower, upper;
  };
  struct Tree {
    Entries entries;
    // In the order of a depth-first walk.
    std::vector<Node> nodes;
    std::vector<Reach> reaches;  // of each node, one after the other
    size_t size = 0;             // variants that have not left
  };
  class Builder;
  class Search;
  class Removal;

  // Those that have not left.
  static void MoveInto(Entries& from, Entries& to);
  // Makes a tree of the entries, and of trees that are not much larger.
  void AddTree(Entries entries);
  bool RemoveRecent(absl::Span<const Interval> box, const Digest& artifact);

  // Newest last; the first to be looked through.
  Entries recent_;
  // The largest first.
  std::vector<Tree> trees_;
  size_t size_ = 0;
};

}  // namespace kiln

#endif  // KILN_CACHE_BOX_INDEX_H_
