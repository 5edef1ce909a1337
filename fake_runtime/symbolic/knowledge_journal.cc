// Taking back facts; knowledge.h says when.
#include "fake_runtime/symbolic/knowledge.h"

namespace kiln {

size_t Knowledge::Mark() {
  is_journaling_ = true;
  return journal_.size();
}

void Knowledge::TakeBack(size_t mark) {
  if (journal_.size() == mark) return;
  is_journaling_ = false;
  while (journal_.size() > mark) {
    journal_.back()(*this);
    journal_.pop_back();
  }
  is_journaling_ = true;
  simplified_.clear();
  decisions_.clear();
  ++version_;
}

void Knowledge::JournalReplacement(Expr symbol, const Symbol& s) {
  if (!is_journaling_) return;
  // Two kinds, since both then fit into std::function without an allocation.
  if (s.replacement) {
    Journal([symbol, old = *s.replacement](Knowledge& k) { k.symbols_.at(symbol).replacement = old; });
  } else {
    Journal([symbol](Knowledge& k) { k.symbols_.at(symbol).replacement.reset(); });
  }
}

void Knowledge::JournalRange(Expr symbol, const Symbol& s) {
  Journal([symbol, known = s.known, assumed = s.assumed](Knowledge& k) {
    Symbol& old = k.symbols_.at(symbol);
    old.known = known;
    old.assumed = assumed;
  });
}

}  // namespace kiln
