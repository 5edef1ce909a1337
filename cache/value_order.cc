#include "cache/value_order.h"

#include <algorithm>

#include "base/limits.h"

namespace kiln {
namespace {

// What no compile is faster than: whatever it costs, a hit saves a round of a worker.
constexpr double kLeastSeconds = 0.001;
constexpr double kMostSeconds = 86400;
// A page: rows and names take room too.
constexpr int64_t kLeastBytes = 4096;

// What a row says that nobody signed must not upset order and sums.
ArtifactWorth Sane(ArtifactWorth worth) {
  worth.bytes = std::clamp<int64_t>(worth.bytes, 0, GetLimit(Limit::kArtifactBytes));
  worth.compile_seconds = worth.compile_seconds > 0 ? std::min(worth.compile_seconds, kMostSeconds) : 0;
  worth.tenant %= kTenants;
  return worth;
}

}  // namespace

double ValueOrder::PriceOf(const Entry& entry) {
  return static_cast<double>(entry.uses) * std::max(entry.worth.compile_seconds, kLeastSeconds) /
         static_cast<double>(std::max(entry.worth.bytes, kLeastBytes));
}

void ValueOrder::Insert(const Digest& artifact, const Entry& entry) {
  Tenant& tenant = tenants_[entry.worth.tenant];
  tenant.order.emplace(entry.priority, artifact);
  tenant.bytes += entry.worth.bytes;
  ++tenant.size;
  bytes_ += entry.worth.bytes;
  entries_[artifact] = entry;
}

void ValueOrder::Unrank(const Digest& artifact, const Entry& entry) {
  auto tenant = tenants_.find(entry.worth.tenant);
  tenant->second.order.erase({entry.priority, artifact});
  tenant->second.bytes -= entry.worth.bytes;
  bytes_ -= entry.worth.bytes;
  if (--tenant->second.size == 0) tenants_.erase(tenant);
}

void ValueOrder::Add(const Digest& artifact, const ArtifactWorth& worth) {
  if (Contains(artifact)) return;
  Entry entry{.worth = Sane(worth)};
  if (auto left = left_uses_.find(artifact); left != left_uses_.end()) {
    entry.uses = left->second;
    left_uses_.erase(left);
  }
  entry.priority = age_ + PriceOf(entry);
  Insert(artifact, entry);
}

void ValueOrder::Restore(const Digest& artifact, const ArtifactWorth& worth, const Standing& standing) {
  Erase(artifact);
  Entry entry{.worth = Sane(worth), .uses = std::max<int64_t>(0, standing.uses)};
  entry.priority = age_ + (standing.credit > 0 ? std::min(standing.credit, PriceOf(entry)) : 0);
  Insert(artifact, entry);
}

bool ValueOrder::Use(const Digest& artifact, const ArtifactWorth& worth) {
  auto found = entries_.find(artifact);
  if (found == entries_.end()) return false;
  Entry entry = found->second;
  Unrank(artifact, entry);
  const int64_t bytes = entry.worth.bytes;
  entry.worth = Sane(worth);
  entry.worth.bytes = bytes;
  ++entry.uses;
  entry.priority = age_ + PriceOf(entry);
  Insert(artifact, entry);
  return true;
}

void ValueOrder::Erase(const Digest& artifact) {
  auto found = entries_.find(artifact);
  if (found == entries_.end()) return;
  Unrank(artifact, found->second);
  entries_.erase(found);
}

ValueOrder::Standing ValueOrder::StandingOf(const Digest& artifact) const {
  auto found = entries_.find(artifact);
  if (found == entries_.end()) return {};
  return {found->second.uses, std::max(0.0, found->second.priority - age_)};
}

ArtifactWorth ValueOrder::WorthOf(const Digest& artifact) const {
  auto found = entries_.find(artifact);
  return found == entries_.end() ? ArtifactWorth() : found->second.worth;
}

// Of those beyond their fair share, the one whose least is the least. There is one
// whenever more than `max_bytes` are here; below that, in the slack, the largest.
ValueOrder::Tenant* ValueOrder::TenantToLose() {
  const int64_t share = options_.max_bytes / static_cast<int64_t>(std::max<size_t>(1, tenants_.size()));
  Tenant* loser = nullptr;
  Tenant* largest = nullptr;
  for (auto& [id, tenant] : tenants_) {
    // Nobody of it can leave.
    if (tenant.order.empty()) continue;
    if (largest == nullptr || tenant.bytes > largest->bytes) largest = &tenant;
    if (tenant.bytes <= share) continue;
    if (loser == nullptr || *tenant.order.begin() < *loser->order.begin()) loser = &tenant;
  }
  return loser != nullptr ? loser : largest;
}

std::vector<ValueOrder::Evicted> ValueOrder::TakeOverflow(const Digest& newest,
                                                          const std::function<bool(const Digest&)>& is_pinned) {
  std::vector<Evicted> leaving;
  if (bytes_ <= options_.max_bytes) return leaving;
  const auto target = options_.max_bytes - static_cast<int64_t>(static_cast<double>(options_.max_bytes) * options_.slack);
  // Out of the order while we look, so that each is looked at once.
  std::vector<std::pair<uint32_t, Rank>> staying;
  while (bytes_ > target) {
    Tenant* tenant = TenantToLose();
    if (tenant == nullptr) break;
    const Rank least = *tenant->order.begin();
    const Digest artifact = least.second;
    auto found = entries_.find(artifact);
    if (artifact == newest || is_pinned(artifact)) {
      tenant->order.erase(tenant->order.begin());
      staying.emplace_back(found->second.worth.tenant, least);
      continue;
    }
    age_ = std::max(age_, least.first);
    leaving.push_back({artifact, found->second.worth});
    Remember(artifact, found->second.uses);
    Unrank(artifact, found->second);
    entries_.erase(found);
  }
  for (const auto& [tenant, rank] : staying) tenants_[tenant].order.insert(rank);
  return leaving;
}

void ValueOrder::Remember(const Digest& artifact, int64_t uses) {
  if (left_uses_.insert_or_assign(artifact, uses).second) left_.push_back(artifact);
  const auto most = static_cast<size_t>(options_.remembered * static_cast<double>(entries_.size())) + 1;
  while (left_uses_.size() > most || left_.size() > 2 * most) {
    // One that has come back meanwhile is not in the map any more.
    left_uses_.erase(left_.front());
    left_.pop_front();
  }
}

}  // namespace kiln
