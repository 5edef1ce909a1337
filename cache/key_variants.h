// All variants of one key: symbol values + host -> variant. The inside of the guard
// index; what it finds and in which order is told there.
//
// Guards are taken apart (guard_form.h). Variants of one form stand in a group: equal
// needs of the host, equal exact terms, equal bounded terms, as many pins and other
// guards. A group is a hash table on the values of the exact terms; what has equal
// values is a BoxIndex over the intervals of the bounded terms:
//
//   needs avx2; exact s1 % 8, s2       -> (0, 12): [ s0 <= 64 ] [ s0 <= 128 ] ...
//   bounded s0                            (0, 13): [ 65 <= s0 <= 4096 ]
//   needs avx512f; exact s0, s1        -> (8, 16): the one variant
//
// So a lookup evaluates each term once, asks the host about each kind of needs once,
// and is one probe and one search per group, whose best is the answer. Its time grows
// with the number of groups. Groups stand in the order in which their variants are
// preferred, and the first that has an answer ends it, but for those that are equally
// preferred.
//
// Thread-compatible: const calls may run side by side.
#ifndef KILN_CACHE_KEY_VARIANTS_H_
#define KILN_CACHE_KEY_VARIANTS_H_

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "cache/box_index.h"
#include "cache/guard_set.h"
#include "cache/host_class.h"
#include "cache/indexed_variant.h"
#include "fake_runtime/symbolic/expr.h"

namespace kiln {

struct IndexAnswer {
  // Null on a miss.
  IndexedVariantPtr variant;
  // Why it missed: UNKNOWN_KEY; or GUARD_FAILED; or, when guards hold, what the
  // host lacks for each variant: ABI, ISA, EXTERN_OP. Sorted, without repetition.
  std::vector<v1::MissReason> reasons;
};

class KeyVariants {
 public:
  KeyVariants();

  // Adds the variant, or replaces the one with the same artifact. Errors as
  // GuardIndex::Add.
  absl::Status Add(IndexedVariantPtr variant);
  // False if it is not here.
  bool Remove(const Digest& artifact);

  // MALFORMED_MESSAGE when the number of values is not the key's.
  absl::StatusOr<IndexAnswer> Lookup(absl::Span<const int64_t> values, const HostClass& host) const;

  // The most preferred first.
  std::vector<IndexedVariantPtr> All() const;
  // `max` at most, of the most preferred groups first.
  std::vector<IndexedVariantPtr> Some(size_t max) const;
  size_t size() const { return places_.size(); }

 private:
  // How much a variant is preferred before its age counts: the lesser the better.
  struct Preference {
    bool without_performance_guard;
    size_t pins;
    int residuals;
    int minus_features;
    friend auto operator<=>(const Preference&, const Preference&) = default;
  };
  struct GroupKey {
    Preference preference;
    int needs;               // index into needs_
    std::vector<int> exact;  // indices into terms_, ascending
    std::vector<int> axes;   // likewise
    friend auto operator<=>(const GroupKey&, const GroupKey&) = default;
  };
  using Group = absl::flat_hash_map<std::vector<int64_t>, BoxIndex>;
  using Groups = std::map<GroupKey, Group>;
  // Where a variant stands.
  struct Place {
    Groups::iterator group;
    std::vector<int64_t> values;
    std::vector<Interval> box;
  };
  struct Term {
    Expr expr;
    int symbol;  // its index if it is a mere symbol, else -1
  };
  class Query;

  absl::Status CheckSymbols(const v1::VariantRecord& record) const;
  void Insert(IndexedVariantPtr variant, const GuardSet& guards);
  // Anew, without the expressions and needs of variants that have left.
  void Rebuild();
  int TermIndex(Expr expr);
  int NeedsIndex(const v1::VariantRecord& record);

  std::unique_ptr<ExprPool> pool_;
  // Canonical names, and the expressions of them; of the first variant, so of all.
  std::vector<std::string> symbol_names_;
  std::vector<Expr> symbols_;
  absl::flat_hash_map<Expr, int> symbol_index_;
  bool has_symbols_ = false;

  std::vector<Term> terms_;
  absl::flat_hash_map<Expr, int> term_index_;
  // What variants need of a host, and nothing else of their records.
  std::vector<v1::VariantRecord> needs_;
  absl::flat_hash_map<std::string, int> needs_index_;

  Groups groups_;
  absl::flat_hash_map<Digest, Place> places_;
  size_t added_since_rebuild_ = 0;
};

}  // namespace kiln

#endif  // KILN_CACHE_KEY_VARIANTS_H_
