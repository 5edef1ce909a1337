#include "cache/box_index.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

namespace kiln {
namespace {

// So few are looked at one after the other.
constexpr size_t kMaxRecent = 16;
constexpr int32_t kLeafSize = 8;

bool Contains(absl::Span<const Interval> box, absl::Span<const int64_t> point) {
  for (size_t axis = 0; axis < point.size(); ++axis) {
    if (!box[axis].Contains(point[axis])) return false;
  }
  return true;
}

absl::Span<const Interval> BoxAt(const std::vector<Interval>& boxes, size_t at, size_t axes) {
  return absl::MakeConstSpan(boxes).subspan(at * axes, axes);
}

}  // namespace

bool IsNewer(const IndexedVariant* a, const IndexedVariant* b) {
  if (a == nullptr || b == nullptr) return a != nullptr;
  const int64_t made_a = a->record.created_unix_seconds(), made_b = b->record.created_unix_seconds();
  return made_a != made_b ? made_a > made_b : a->artifact < b->artifact;
}

// Orders entries and makes the nodes over them.
class BoxIndex::Builder {
 public:
  explicit Builder(Entries entries)
      : entries_(std::move(entries)),
        axes_(entries_.boxes.size() / entries_.variants.size()),
        order_(entries_.variants.size()) {
    std::iota(order_.begin(), order_.end(), 0);
  }

  Tree Run() {
    const auto size = static_cast<int32_t>(order_.size());
    Divide(0, size, 0);
    tree_.size = order_.size();
    for (int32_t from : order_) {
      tree_.entries.variants.push_back(std::move(entries_.variants[static_cast<size_t>(from)]));
      const absl::Span<const Interval> box = BoxAt(entries_.boxes, static_cast<size_t>(from), axes_);
      tree_.entries.boxes.insert(tree_.entries.boxes.end(), box.begin(), box.end());
    }
    return std::move(tree_);
  }

 private:
  // The node over these places of the order.
  int32_t Divide(int32_t begin, int32_t end, size_t depth) {
    const auto node = static_cast<int32_t>(tree_.nodes.size());
    tree_.nodes.push_back({begin, end, -1, 0});
    const std::vector<Reach> reaches = ReachesOf(begin, end);
    tree_.reaches.insert(tree_.reaches.end(), reaches.begin(), reaches.end());
    const std::optional<size_t> coordinate = end - begin > kLeafSize ? DividingCoordinate(reaches, depth) : std::nullopt;
    int32_t best = 0, right = 0;
    if (!coordinate.has_value()) {
      best = BestOf(begin, end);
    } else {
      const int32_t middle = begin + (end - begin) / 2;
      std::nth_element(order_.begin() + begin, order_.begin() + middle, order_.begin() + end,
                       [&](int32_t a, int32_t b) { return EndOf(a, *coordinate) < EndOf(b, *coordinate); });
      const int32_t left = Divide(begin, middle, depth + 1);
      right = Divide(middle, end, depth + 1);
      best = Better(NodeAt(left).best, NodeAt(right).best);
    }
    NodeAt(node).best = best;
    NodeAt(node).right = right;
    return node;
  }

  // By turns; one in which no two differ divides nothing. None: all boxes are equal,
  // so that a search takes or leaves them together.
  std::optional<size_t> DividingCoordinate(const std::vector<Reach>& reaches, size_t depth) const {
    const size_t coordinates = 2 * axes_;
    for (size_t i = 0; i < coordinates; ++i) {
      const size_t coordinate = (depth + i) % coordinates;
      const Reach& reach = reaches[coordinate / 2];
      const Interval& ends = coordinate % 2 == 0 ? reach.lower : reach.upper;
      if (ends.lower < ends.upper) return coordinate;
    }
    return std::nullopt;
  }

  std::vector<Reach> ReachesOf(int32_t begin, int32_t end) const {
    // Empty, the wrong way round, until an end is in it.
    const Interval none = {std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};
    std::vector<Reach> reaches(axes_, {none, none});
    for (int32_t i = begin; i < end; ++i) {
      for (size_t axis = 0; axis < axes_; ++axis) {
        Include(EndOf(order_[static_cast<size_t>(i)], 2 * axis), reaches[axis].lower);
        Include(EndOf(order_[static_cast<size_t>(i)], 2 * axis + 1), reaches[axis].upper);
      }
    }
    return reaches;
  }

  static void Include(int64_t end, Interval& ends) {
    ends.lower = std::min(ends.lower, end);
    ends.upper = std::max(ends.upper, end);
  }

  int64_t EndOf(int32_t entry, size_t coordinate) const {
    const Interval& interval = entries_.boxes[static_cast<size_t>(entry) * axes_ + coordinate / 2];
    return coordinate % 2 == 0 ? interval.lower : interval.upper;
  }

  Node& NodeAt(int32_t node) { return tree_.nodes[static_cast<size_t>(node)]; }

  const IndexedVariant* VariantAt(int32_t place) const {
    return entries_.variants[static_cast<size_t>(order_[static_cast<size_t>(place)])].get();
  }
  int32_t Better(int32_t a, int32_t b) const { return IsNewer(VariantAt(a), VariantAt(b)) ? a : b; }
  int32_t BestOf(int32_t begin, int32_t end) const {
    int32_t best = begin;
    for (int32_t i = begin; i < end; ++i) best = Better(i, best);
    return best;
  }

  Entries entries_;
  const size_t axes_;
  // Places to entries.
  std::vector<int32_t> order_;
  Tree tree_;
};

class BoxIndex::Search {
 public:
  Search(absl::Span<const int64_t> point, const IndexedVariantPtr* best) : point_(point), best_(best) {}

  void In(const Tree& tree) { Visit(tree, 0); }
  void Try(const Entries& entries, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const IndexedVariantPtr& variant = entries.variants[i];
      if (IsBetter(variant) && Contains(BoxAt(entries.boxes, i, point_.size()), point_)) best_ = &variant;
    }
  }
  const IndexedVariantPtr* best() const { return best_; }

 private:
  void Visit(const Tree& tree, int32_t at) {
    const Node& node = tree.nodes[static_cast<size_t>(at)];
    if (node.best < 0 || !IsBetter(BestOf(tree, node))) return;
    bool in_all = true;
    for (size_t axis = 0; axis < point_.size(); ++axis) {
      const Reach& reach = tree.reaches[static_cast<size_t>(at) * point_.size() + axis];
      const int64_t value = point_[axis];
      if (value < reach.lower.lower || value > reach.upper.upper) return;
      in_all &= reach.lower.upper <= value && value <= reach.upper.lower;
    }
    if (in_all) {
      best_ = &BestOf(tree, node);
      return;
    }
    if (node.right == 0) return Try(tree.entries, static_cast<size_t>(node.begin), static_cast<size_t>(node.end));
    int32_t first = at + 1, second = node.right;
    if (IsWorse(tree, first, second)) std::swap(first, second);
    Visit(tree, first);
    Visit(tree, second);
  }

  static const IndexedVariantPtr& BestOf(const Tree& tree, const Node& node) {
    return tree.entries.variants[static_cast<size_t>(node.best)];
  }
  static bool IsWorse(const Tree& tree, int32_t a, int32_t b) {
    const Node &left = tree.nodes[static_cast<size_t>(a)], &right = tree.nodes[static_cast<size_t>(b)];
    if (left.best < 0 || right.best < 0) return left.best < 0;
    return IsNewer(BestOf(tree, right).get(), BestOf(tree, left).get());
  }
  bool IsBetter(const IndexedVariantPtr& variant) const {
    return IsNewer(variant.get(), best_ == nullptr ? nullptr : best_->get());
  }

  const absl::Span<const int64_t> point_;
  const IndexedVariantPtr* best_;
};

// Takes one variant out of a tree and mends who was best above it.
class BoxIndex::Removal {
 public:
  Removal(Tree& tree, absl::Span<const Interval> box, const Digest& artifact)
      : tree_(tree), box_(box), artifact_(artifact) {}

  bool Run() { return From(0); }

 private:
  bool From(int32_t at) {
    Node& node = tree_.nodes[static_cast<size_t>(at)];
    if (node.best < 0 || !MayHold(at)) return false;
    if (node.right == 0) {
      if (!FromLeaf(node)) return false;
      node.best = -1;
      for (int32_t i = node.begin; i < node.end; ++i) node.best = Better(node.best, i);
      return true;
    }
    if (!From(at + 1) && !From(node.right)) return false;
    node.best = Better(tree_.nodes[static_cast<size_t>(at) + 1].best, tree_.nodes[static_cast<size_t>(node.right)].best);
    return true;
  }

  bool MayHold(int32_t at) const {
    for (size_t axis = 0; axis < box_.size(); ++axis) {
      const Reach& reach = tree_.reaches[static_cast<size_t>(at) * box_.size() + axis];
      if (!reach.lower.Contains(box_[axis].lower) || !reach.upper.Contains(box_[axis].upper)) return false;
    }
    return true;
  }

  bool FromLeaf(const Node& node) {
    for (int32_t i = node.begin; i < node.end; ++i) {
      IndexedVariantPtr& variant = tree_.entries.variants[static_cast<size_t>(i)];
      if (variant == nullptr || variant->artifact != artifact_) continue;
      if (BoxAt(tree_.entries.boxes, static_cast<size_t>(i), box_.size()) != box_) continue;
      variant = nullptr;
      --tree_.size;
      return true;
    }
    return false;
  }

  const IndexedVariant* VariantAt(int32_t place) const {
    return place < 0 ? nullptr : tree_.entries.variants[static_cast<size_t>(place)].get();
  }
  int32_t Better(int32_t a, int32_t b) const {
    const IndexedVariant *left = VariantAt(a), *right = VariantAt(b);
    if (left == nullptr && right == nullptr) return -1;
    return IsNewer(left, right) ? a : b;
  }

  Tree& tree_;
  const absl::Span<const Interval> box_;
  const Digest& artifact_;
};

void BoxIndex::Add(absl::Span<const Interval> box, IndexedVariantPtr variant) {
  recent_.variants.push_back(std::move(variant));
  recent_.boxes.insert(recent_.boxes.end(), box.begin(), box.end());
  ++size_;
  if (recent_.variants.size() > kMaxRecent) AddTree(std::exchange(recent_, {}));
}

void BoxIndex::MoveInto(Entries& from, Entries& to) {
  if (from.variants.empty()) return;
  const size_t axes = from.boxes.size() / from.variants.size();
  for (size_t i = 0; i < from.variants.size(); ++i) {
    if (from.variants[i] == nullptr) continue;
    to.variants.push_back(std::move(from.variants[i]));
    const absl::Span<const Interval> box = BoxAt(from.boxes, i, axes);
    to.boxes.insert(to.boxes.end(), box.begin(), box.end());
  }
}

void BoxIndex::AddTree(Entries entries) {
  while (!trees_.empty() && trees_.back().size <= 2 * entries.variants.size()) {
    MoveInto(trees_.back().entries, entries);
    trees_.pop_back();
  }
  if (!entries.variants.empty()) trees_.push_back(Builder(std::move(entries)).Run());
}

bool BoxIndex::Remove(absl::Span<const Interval> box, const Digest& artifact) {
  if (RemoveRecent(box, artifact)) return true;
  for (auto tree = trees_.begin(); tree != trees_.end(); ++tree) {
    if (!Removal(*tree, box, artifact).Run()) continue;
    --size_;
    // Half empty: what is left is worth a tree of its own size.
    if (tree->size * 2 <= tree->entries.variants.size()) {
      Entries left;
      MoveInto(tree->entries, left);
      trees_.erase(tree);
      AddTree(std::move(left));
    }
    return true;
  }
  return false;
}

bool BoxIndex::RemoveRecent(absl::Span<const Interval> box, const Digest& artifact) {
  for (size_t i = 0; i < recent_.variants.size(); ++i) {
    if (recent_.variants[i]->artifact != artifact || BoxAt(recent_.boxes, i, box.size()) != box) continue;
    const auto boxes = recent_.boxes.begin() + static_cast<ptrdiff_t>(i * box.size());
    recent_.boxes.erase(boxes, boxes + static_cast<ptrdiff_t>(box.size()));
    recent_.variants.erase(recent_.variants.begin() + static_cast<ptrdiff_t>(i));
    --size_;
    return true;
  }
  return false;
}

const IndexedVariantPtr* BoxIndex::Best(absl::Span<const int64_t> point) const {
  Search search(point, nullptr);
  search.Try(recent_, 0, recent_.variants.size());
  for (const Tree& tree : trees_) search.In(tree);
  return search.best();
}

void BoxIndex::AppendTo(std::vector<IndexedVariantPtr>& variants, size_t max) const {
  const auto append = [&](const Entries& entries) {
    for (const IndexedVariantPtr& variant : entries.variants) {
      if (variants.size() >= max) return;
      if (variant != nullptr) variants.push_back(variant);
    }
  };
  append(recent_);
  for (const Tree& tree : trees_) append(tree.entries);
}

}  // namespace kiln
