// Answers that hang on data, remembered: how many elements of this tensor are
// not zero, what its one element is. Asked again of the same unwritten data, the
// answer is the same symbol, so that x[mask] and y[mask] are of one size
// (PyTorch's nonzero_memo, item_memo, unique_memo).
//
// Data are named by their storage and by what of it is looked at: sizes, strides
// and offset. PyTorch remembers by tensor object; by metadata an in-place
// operator's result is the same data as its argument, too. Equal data that are
// computed twice, as a mask that a backward graph computes again, are two here and
// there: each count has its symbol, and where the two meet an assert.
//
// Not thread-safe.
#ifndef KILN_FAKE_RUNTIME_SYMBOLIC_DATA_MEMO_H_
#define KILN_FAKE_RUNTIME_SYMBOLIC_DATA_MEMO_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "fake_runtime/symbolic/expr.h"

namespace kiln {

enum class DataQuestion : uint8_t { kNonzeroCount, kItem, kUniqueCount, kUniqueConsecutiveCount };

class DataMemo {
 public:
  std::optional<Expr> Find(DataQuestion question, int storage, absl::Span<const Expr> looked_at) const;
  void Remember(DataQuestion question, int storage, absl::Span<const Expr> looked_at, Expr answer);
  // The storage was written.
  void Forget(int storage);
  void Clear() { entries_.clear(); }

 private:
  struct Entry {
    DataQuestion question;
    int storage;
    std::vector<Expr> looked_at;
    Expr answer;
  };
  // A graph asks such questions a few times only.
  std::vector<Entry> entries_;
};

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_DATA_MEMO_H_
