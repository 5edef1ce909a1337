#include "cache/guard_tester.h"

#include <utility>

#include "base/error.h"

namespace kiln {
namespace {

// Bounds the memory that a stream of distinct shapes may take.
constexpr size_t kMaxKnown = 4096;

}  // namespace

absl::StatusOr<std::unique_ptr<GuardTester>> GuardTester::Make(const std::vector<std::string>& symbols,
                                                               absl::Span<const v1::Guard* const> guards) {
  auto tester = std::make_unique<GuardTester>();
  absl::StatusOr<GuardSet> set = GuardSet::Parse(symbols, guards, &tester->pool_);
  if (!set.ok()) return MakeError(ErrorReason::kWorkerProtocol, set.status().message());
  tester->guards_.emplace(*std::move(set));
  return tester;
}

bool GuardTester::Holds(const std::vector<int64_t>& values) {
  if (static_cast<int>(values.size()) != guards_->num_symbols()) return false;
  auto known = known_.find(values);
  if (known != known_.end()) return known->second;
  if (known_.size() >= kMaxKnown) known_.clear();
  const bool holds = guards_->Holds(values);
  known_[values] = holds;
  return holds;
}

}  // namespace kiln
