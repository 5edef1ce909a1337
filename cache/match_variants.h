// Which variants an operator means: v1::VariantFilter, checked and ready to ask.
#ifndef KILN_CACHE_MATCH_VARIANTS_H_
#define KILN_CACHE_MATCH_VARIANTS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "base/digest.h"
#include "cache/indexed_variant.h"
#include "kiln/v1/admin_service.pb.h"

namespace kiln {

// Whether a job has used an artifact, as far as that is known.
using UsedByJob = std::function<bool(const std::string& job, const Digest& artifact)>;

// Immutable; as thread-safe as `UsedByJob`.
class VariantMatcher {
 public:
  // MALFORMED_MESSAGE, naming the field, for a digest that is none.
  static absl::StatusOr<VariantMatcher> Create(const v1::VariantFilter& filter, UsedByJob used);

  bool Matches(const IndexedVariant& variant) const;
  // True if it was given nothing, so that everything matches.
  bool matches_all() const;
  const std::set<Digest>& artifacts() const { return artifacts_; }
  // "job j, domain d", for people.
  std::string Describe() const;

 private:
  bool IsOfJob(const IndexedVariant& variant) const;

  std::set<Digest> artifacts_;
  std::set<Digest> graphs_;
  std::set<Digest> keys_;
  std::optional<std::string> domain_;
  int64_t created_before_ = 0;
  std::string job_;
  UsedByJob used_;
};

// What ListVariants says of one.
v1::VariantSummary Summarize(const IndexedVariant& variant);

}  // namespace kiln

#endif  // KILN_CACHE_MATCH_VARIANTS_H_
