// Guards that share no symbol, not even by way of others, say nothing of each
// other, so each connected group of them is reduced by itself.
//
// First each guard is tried against the later ones, in one pass backwards: most
// go there, since a test repeats or sharpens an earlier one. Then each that is
// left is tried against all others. One by one that would tell n facts n times;
// by halves each is told log n times: what a half is tried against, the other
// half, is told once for the whole half, and taken back. What one half drops is
// not told to the other, or two guards that imply each other would both go.
#include "fake_runtime/symbolic/reduce_guards.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace kiln {
namespace {

bool Implied(Knowledge& knowledge, Expr condition) {
  Knowledge::Trail trail;
  return knowledge.Decide(condition, &trail) == true;
}

// Symbols in groups that grow together: union-find.
class Groups {
 public:
  explicit Groups(absl::Span<const Expr> symbols) {
    for (Expr s : symbols) Number(s);
  }

  void Join(Expr condition) {
    std::optional<size_t> first;
    VisitSymbols(condition, [&](Expr s) {
      const size_t group = Of(s);
      if (first) {
        parent_[group] = Root(*first);
      } else {
        first = group;
      }
    });
  }
  size_t Of(Expr symbol) { return Root(Number(symbol)); }
  // A condition without symbols is in a group of its own kind.
  size_t OfCondition(Expr condition) {
    std::optional<size_t> group;
    VisitSymbols(condition, [&](Expr s) {
      if (!group) group = Of(s);
    });
    return group.value_or(parent_.size());
  }

 private:
  size_t Number(Expr symbol) {
    auto [it, is_new] = numbers_.try_emplace(symbol, parent_.size());
    if (is_new) parent_.push_back(it->second);
    return it->second;
  }
  size_t Root(size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }

  absl::flat_hash_map<Expr, size_t> numbers_;
  std::vector<size_t> parent_;
};

class Reducer {
 public:
  // `natures` knows the symbols of `guards`, and has no facts again in the end.
  Reducer(const std::vector<Guard>& guards, Knowledge& natures)
      : guards_(guards), knowledge_(natures), keep_(guards.size(), true) {}

  void Run() {
    DropImpliedByLater();
    DropImpliedByOthers(0, guards_.size());
  }

  std::vector<size_t> Kept() const {
    std::vector<size_t> kept;
    for (size_t i = 0; i < guards_.size(); ++i) {
      if (keep_[i]) kept.push_back(i);
    }
    return kept;
  }

 private:
  void DropImpliedByLater() {
    const size_t mark = knowledge_.Mark();
    for (size_t i = guards_.size(); i-- > 0;) {
      keep_[i] = !Implied(knowledge_, guards_[i].condition);
      if (keep_[i]) knowledge_.AddFact(guards_[i].condition);
    }
    knowledge_.TakeBack(mark);
  }

  // Drops what of [begin, end) the rest of it and the facts told so far imply.
  void DropImpliedByOthers(size_t begin, size_t end) {
    while (begin < end && !keep_[begin]) ++begin;
    while (begin < end && !keep_[end - 1]) --end;
    if (begin == end) return;
    if (end - begin == 1) {
      keep_[begin] = !Implied(knowledge_, guards_[begin].condition);
      return;
    }
    const size_t middle = begin + (end - begin) / 2;
    const size_t mark = knowledge_.Mark();
    Tell(middle, end);
    DropImpliedByOthers(begin, middle);
    knowledge_.TakeBack(mark);
    Tell(begin, middle);
    DropImpliedByOthers(middle, end);
    knowledge_.TakeBack(mark);
  }

  void Tell(size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      if (keep_[i]) knowledge_.AddFact(guards_[i].condition);
    }
    // Chains of replacements are shortened here, once, and not at each of the
    // decisions that this half is told for.
    for (size_t i = begin; i < end; ++i) {
      VisitSymbols(guards_[i].condition, [this](Expr s) { knowledge_.ReplacementOf(s); });
    }
  }

  const std::vector<Guard>& guards_;
  Knowledge& knowledge_;
  std::vector<bool> keep_;
};

}  // namespace

std::vector<Guard> ReduceGuards(ExprPool* pool, absl::Span<const Expr> symbols,
                                const std::function<void(Knowledge&, Expr symbol)>& declare,
                                const std::vector<Guard>& guards) {
  Groups groups(symbols);
  for (const Guard& g : guards) groups.Join(g.condition);
  absl::flat_hash_map<size_t, Knowledge> natures;
  for (Expr s : symbols) {
    Knowledge& k = natures.try_emplace(groups.Of(s), pool).first->second;
    declare(k, s);
  }
  absl::flat_hash_map<size_t, std::vector<size_t>> members;
  for (size_t i = 0; i < guards.size(); ++i) members[groups.OfCondition(guards[i].condition)].push_back(i);
  std::vector<size_t> kept;
  for (const auto& [group, indices] : members) {
    std::vector<Guard> own;
    for (size_t i : indices) own.push_back(guards[i]);
    Reducer reducer(own, natures.try_emplace(group, pool).first->second);
    reducer.Run();
    for (size_t k : reducer.Kept()) kept.push_back(indices[k]);
  }
  std::sort(kept.begin(), kept.end());
  std::vector<Guard> result;
  for (size_t i : kept) result.push_back(guards[i]);
  return result;
}

}  // namespace kiln
