#include "cache/key_variants.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "cache/guard_form.h"

namespace kiln {
namespace {

// Variants may come and go this often, and twice for each that is there, before
// what they left behind is thrown away.
constexpr size_t kMinRebuild = 4096;

void SortReasons(std::vector<v1::MissReason>& reasons) {
  std::sort(reasons.begin(), reasons.end());
  reasons.erase(std::unique(reasons.begin(), reasons.end()), reasons.end());
}

// Sorted by term, and parted: terms and what they must be.
template <typename Pair>
void SortByTerm(std::vector<Pair>& pairs) {
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.first < b.first; });
}

}  // namespace

// One lookup.
class KeyVariants::Query {
 public:
  Query(const KeyVariants& key, absl::Span<const int64_t> values, const HostClass& host)
      : key_(key), values_(values), host_(host), can_run_(key.needs_.size()) {}

  const IndexedVariantPtr* Best() {
    const IndexedVariantPtr* best = nullptr;
    const Preference* preference = nullptr;
    for (const auto& [group_key, group] : key_.groups_) {
      if (best != nullptr && *preference < group_key.preference) break;
      if (!CanRun(group_key.needs)) continue;
      const IndexedVariantPtr* found = BestOf(group_key, group);
      if (found == nullptr || (best != nullptr && !IsNewer(found->get(), best->get()))) continue;
      best = found;
      preference = &group_key.preference;
    }
    return best;
  }

  // Why there is none: what the host lacks for those whose guards hold.
  std::vector<v1::MissReason> WhyNone() {
    std::vector<v1::MissReason> reasons;
    for (const auto& [group_key, group] : key_.groups_) {
      if (BestOf(group_key, group) == nullptr) continue;
      const std::vector<v1::MissReason> lacks = host_.WhyNot(key_.needs_[static_cast<size_t>(group_key.needs)]);
      reasons.insert(reasons.end(), lacks.begin(), lacks.end());
    }
    if (reasons.empty()) reasons = {v1::MISS_REASON_GUARD_FAILED};
    SortReasons(reasons);
    return reasons;
  }

 private:
  // What a term evaluates to is remembered for the first terms; a compiler gives a
  // graph few, and more are evaluated for each group that has them.
  static constexpr size_t kRemembered = 64;
  struct Remembered {
    bool known = false;
    std::optional<int64_t> value;
  };

  bool CanRun(int needs) {
    std::optional<bool>& known = can_run_[static_cast<size_t>(needs)];
    if (!known.has_value()) known = host_.WhyNot(key_.needs_[static_cast<size_t>(needs)]).empty();
    return *known;
  }

  const IndexedVariantPtr* BestOf(const GroupKey& group_key, const Group& group) {
    if (!Evaluate(group_key.exact, exact_)) return nullptr;
    auto bucket = group.find(exact_);
    if (bucket == group.end() || !Evaluate(group_key.axes, point_)) return nullptr;
    return bucket->second.Best(point_);
  }

  // False if a term has no value.
  bool Evaluate(const std::vector<int>& terms, std::vector<int64_t>& values) {
    values.clear();
    for (int term : terms) {
      const std::optional<int64_t> value = ValueOf(static_cast<size_t>(term));
      if (!value.has_value()) return false;
      values.push_back(*value);
    }
    return true;
  }

  std::optional<int64_t> ValueOf(size_t term) {
    if (key_.terms_[term].symbol >= 0) return values_[static_cast<size_t>(key_.terms_[term].symbol)];
    if (term >= kRemembered) return EvaluateTerm(term);
    Remembered& remembered = remembered_[term];
    if (!remembered.known) remembered = {true, EvaluateTerm(term)};
    return remembered.value;
  }

  std::optional<int64_t> EvaluateTerm(size_t term) const {
    return EvaluateInt(key_.terms_[term].expr, [this](Expr symbol) -> std::optional<int64_t> {
      return values_[static_cast<size_t>(key_.symbol_index_.at(symbol))];
    });
  }

  const KeyVariants& key_;
  const absl::Span<const int64_t> values_;
  const HostClass& host_;
  absl::InlinedVector<std::optional<bool>, 32> can_run_;
  std::array<Remembered, kRemembered> remembered_;
  std::vector<int64_t> exact_, point_;
};

KeyVariants::KeyVariants() : pool_(std::make_unique<ExprPool>()) {}

absl::Status KeyVariants::Add(IndexedVariantPtr variant) {
  const v1::VariantRecord& record = variant->record;
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kGuards, record.guards_size(), "variant"));
  KILN_RETURN_IF_ERROR(CheckSymbols(record));
  if (added_since_rebuild_ > kMinRebuild + 2 * places_.size()) Rebuild();
  // The limit on rewriting is for the guards of one variant.
  pool_->Refill();
  KILN_ASSIGN_OR_RETURN(const GuardSet guards, GuardSet::Parse(record, pool_.get()));
  Remove(variant->artifact);
  KILN_RETURN_IF_ERROR(
      CheckLimit(Limit::kVariantsPerKey, static_cast<int64_t>(places_.size()) + 1, "variants of one key"));
  Insert(std::move(variant), guards);
  return absl::OkStatus();
}

absl::Status KeyVariants::CheckSymbols(const v1::VariantRecord& record) const {
  if (!has_symbols_) return absl::OkStatus();
  const auto expected = static_cast<int>(symbol_names_.size());
  if (record.symbols_size() != expected) {
    return MakeError(ErrorReason::kArtifactCorrupt, absl::StrCat("a variant has ", record.symbols_size(),
                                                                 " symbols but others of its key have ", expected));
  }
  for (int i = 0; i < expected; ++i) {
    const std::string& name = symbol_names_[static_cast<size_t>(i)];
    if (record.symbols(i) == name) continue;
    return MakeError(ErrorReason::kArtifactCorrupt, absl::StrCat("a variant's symbol ", i, " is ", record.symbols(i),
                                                                 " but that of others of its key is ", name));
  }
  return absl::OkStatus();
}

void KeyVariants::Insert(IndexedVariantPtr variant, const GuardSet& guards) {
  const v1::VariantRecord& record = variant->record;
  if (!has_symbols_) {
    has_symbols_ = true;
    for (const std::string& name : record.symbols()) {
      symbol_index_[pool_->Symbol(name)] = static_cast<int>(symbols_.size());
      symbol_names_.push_back(name);
      symbols_.push_back(pool_->Symbol(name));
    }
  }
  const GuardForm form = TakeApart(guards, symbols_);
  std::vector<std::pair<int, int64_t>> exact;
  for (const GuardForm::Exact& e : form.exact) exact.emplace_back(TermIndex(e.term), e.value);
  std::vector<std::pair<int, Interval>> bounds;
  for (const GuardForm::Bound& b : form.bounds) bounds.emplace_back(TermIndex(b.term), b.interval);
  SortByTerm(exact);
  SortByTerm(bounds);

  GroupKey key;
  key.preference = {!guards.has_performance_guard(), guards.pins().size(), guards.num_residuals(),
                    -record.isa_features_size()};
  key.needs = NeedsIndex(record);
  Place place;
  for (const auto& [term, value] : exact) {
    key.exact.push_back(term);
    place.values.push_back(value);
  }
  for (const auto& [term, interval] : bounds) {
    key.axes.push_back(term);
    place.box.push_back(interval);
  }
  place.group = groups_.try_emplace(std::move(key)).first;
  const Digest artifact = variant->artifact;
  place.group->second[place.values].Add(place.box, std::move(variant));
  places_[artifact] = std::move(place);
  ++added_since_rebuild_;
}

bool KeyVariants::Remove(const Digest& artifact) {
  auto found = places_.find(artifact);
  if (found == places_.end()) return false;
  const Place& place = found->second;
  Group& group = place.group->second;
  auto bucket = group.find(place.values);
  bucket->second.Remove(place.box, artifact);
  if (bucket->second.empty()) group.erase(bucket);
  if (group.empty()) groups_.erase(place.group);
  places_.erase(found);
  return true;
}

void KeyVariants::Rebuild() {
  KeyVariants fresh;
  for (IndexedVariantPtr& variant : All()) {
    fresh.pool_->Refill();
    // It was parsed before.
    absl::StatusOr<GuardSet> guards = GuardSet::Parse(variant->record, fresh.pool_.get());
    if (guards.ok()) fresh.Insert(std::move(variant), *guards);
  }
  fresh.added_since_rebuild_ = 0;
  *this = std::move(fresh);
}

int KeyVariants::TermIndex(Expr expr) {
  auto [found, is_new] = term_index_.try_emplace(expr, static_cast<int>(terms_.size()));
  if (is_new) {
    auto symbol = symbol_index_.find(expr);
    terms_.push_back({expr, symbol == symbol_index_.end() ? -1 : symbol->second});
  }
  return found->second;
}

int KeyVariants::NeedsIndex(const v1::VariantRecord& record) {
  v1::VariantRecord needs;
  needs.set_abi_version(record.abi_version());
  *needs.mutable_isa_features() = record.isa_features();
  *needs.mutable_extern_ops() = record.extern_ops();
  auto [found, is_new] = needs_index_.try_emplace(needs.SerializeAsString(), static_cast<int>(needs_.size()));
  if (is_new) needs_.push_back(std::move(needs));
  return found->second;
}

absl::StatusOr<IndexAnswer> KeyVariants::Lookup(absl::Span<const int64_t> values, const HostClass& host) const {
  if (places_.empty()) return IndexAnswer{nullptr, {v1::MISS_REASON_UNKNOWN_KEY}};
  if (values.size() != symbols_.size()) {
    return MakeError(ErrorReason::kMalformedMessage, absl::StrCat("the request has ", values.size(),
                                                                  " symbol values but its key has ", symbols_.size(),
                                                                  " symbols"));
  }
  Query query(*this, values, host);
  if (const IndexedVariantPtr* best = query.Best()) return IndexAnswer{*best, {}};
  return IndexAnswer{nullptr, query.WhyNone()};
}

std::vector<IndexedVariantPtr> KeyVariants::All() const {
  std::vector<IndexedVariantPtr> all;
  auto group = groups_.begin();
  while (group != groups_.end()) {
    const Preference& preference = group->first.preference;
    const auto begin = static_cast<ptrdiff_t>(all.size());
    for (; group != groups_.end() && group->first.preference == preference; ++group) {
      for (const auto& [values, bucket] : group->second) bucket.AppendTo(all, places_.size());
    }
    std::sort(all.begin() + begin, all.end(),
              [](const IndexedVariantPtr& a, const IndexedVariantPtr& b) { return IsNewer(a.get(), b.get()); });
  }
  return all;
}

std::vector<IndexedVariantPtr> KeyVariants::Some(size_t max) const {
  std::vector<IndexedVariantPtr> some;
  for (const auto& [group_key, group] : groups_) {
    for (const auto& [values, bucket] : group) {
      if (some.size() >= max) return some;
      bucket.AppendTo(some, max);
    }
  }
  return some;
}

}  // namespace kiln
