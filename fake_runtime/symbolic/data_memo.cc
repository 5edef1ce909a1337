#include "fake_runtime/symbolic/data_memo.h"

namespace kiln {

std::optional<Expr> DataMemo::Find(DataQuestion question, int storage, absl::Span<const Expr> looked_at) const {
  for (const Entry& e : entries_) {
    if (e.question == question && e.storage == storage && absl::MakeConstSpan(e.looked_at) == looked_at) {
      return e.answer;
    }
  }
  return std::nullopt;
}

void DataMemo::Remember(DataQuestion question, int storage, absl::Span<const Expr> looked_at, Expr answer) {
  entries_.push_back({question, storage, {looked_at.begin(), looked_at.end()}, answer});
}

void DataMemo::Forget(int storage) {
  std::erase_if(entries_, [=](const Entry& e) { return e.storage == storage; });
}

}  // namespace kiln
