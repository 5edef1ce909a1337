// Which artifacts a tier gives up when its bytes run out: those that are worth least.
//
// The worth of an artifact is what it saves for the room that it takes,
//
//   worth = uses * compile seconds / bytes
//
// and its priority is `age + worth` as it was when it was last used, where `age` is the
// highest priority that ever left. So who is not used is overtaken by the age sooner or
// later, however often he was used before (GreedyDual-Size-Frequency, Cherkasova 1998).
// Uses of what left are remembered for a while, so that what comes back soon is not
// taken for new. Tenants are held to a fair share: those within `max_bytes` / tenants
// lose nothing while another is beyond it. What is pinned does not leave.
//
// Why this and with which numbers: docs/decisions/0013, tests/bench/eviction_bench.cc.
//
// Thread-compatible. Log time for each call, but for TakeOverflow().
#ifndef KILN_CACHE_VALUE_ORDER_H_
#define KILN_CACHE_VALUE_ORDER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/digest.h"
#include "cache/artifact_worth.h"

namespace kiln {

class ValueOrder {
 public:
  struct Options {
    int64_t max_bytes = 0;
    // What stays free when something had to leave, so that not each addition evicts.
    double slack = 1.0 / 32;
    // Of those that left, the uses of so many are remembered, for each that is here.
    double remembered = 2;
  };
  // What outlives the process.
  struct Standing {
    int64_t uses = 0;
    // Priority less age.
    double credit = 0;
  };
  struct Evicted {
    Digest artifact;
    ArtifactWorth worth;
  };

  explicit ValueOrder(Options options) : options_(options) {}

  // Adds it, not used yet. Nothing, if it is here.
  void Add(const Digest& artifact, const ArtifactWorth& worth);
  // As it was before a restart.
  void Restore(const Digest& artifact, const ArtifactWorth& worth, const Standing& standing);
  // Counts a use, and takes what is known of its worth by now, but for its bytes, which
  // are what they were. False if it is not here.
  bool Use(const Digest& artifact, const ArtifactWorth& worth);
  void Erase(const Digest& artifact);

  // Takes out what must leave, the least worth first. Never `newest`, whose compiler
  // may still be fetching it, nor what is pinned, nor anything while nothing is over.
  std::vector<Evicted> TakeOverflow(const Digest& newest, const std::function<bool(const Digest&)>& is_pinned);

  bool Contains(const Digest& artifact) const { return entries_.contains(artifact); }
  // Zeros for what is not here.
  Standing StandingOf(const Digest& artifact) const;
  ArtifactWorth WorthOf(const Digest& artifact) const;
  int64_t bytes() const { return bytes_; }
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    ArtifactWorth worth;
    int64_t uses = 0;
    double priority = 0;
  };
  using Rank = std::pair<double, Digest>;
  struct Tenant {
    std::set<Rank> order;  // the least worth first
    int64_t bytes = 0;
    size_t size = 0;
  };

  static double PriceOf(const Entry& entry);
  void Insert(const Digest& artifact, const Entry& entry);
  // Takes it out of its tenant's order and sum.
  void Unrank(const Digest& artifact, const Entry& entry);
  Tenant* TenantToLose();
  void Remember(const Digest& artifact, int64_t uses);

  const Options options_;
  absl::flat_hash_map<Digest, Entry> entries_;
  absl::flat_hash_map<uint32_t, Tenant> tenants_;
  int64_t bytes_ = 0;
  double age_ = 0;
  // Uses of what left, the first to be forgotten in front.
  absl::flat_hash_map<Digest, int64_t> left_uses_;
  std::deque<Digest> left_;
};

}  // namespace kiln

#endif  // KILN_CACHE_VALUE_ORDER_H_
