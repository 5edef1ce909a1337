#include "cache/redis/redis_router.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

// Of one cluster; more than anybody runs. Over it those that nobody uses go.
constexpr size_t kMaxNodes = 1024;

class SingleRouter final : public RedisRouter {
 public:
  SingleRouter(std::shared_ptr<const RedisDialing> dialing, const Clock* clock)
      : node_(std::make_shared<RedisNode>(dialing->options.url.addresses.front(), dialing, clock)) {}
  absl::StatusOr<std::shared_ptr<RedisNode>> NodeFor(absl::string_view key) override { return node_; }
  bool Reconsider(absl::string_view key, const RedisNode& failed) override { return false; }
  std::shared_ptr<RedisNode> Follow(const Redirect& redirect) override { return nullptr; }
  std::vector<std::shared_ptr<RedisNode>> Nodes() const override { return {node_}; }

 private:
  const std::shared_ptr<RedisNode> node_;
};

// Sentinels are asked for one thing that anybody may know, and get no password.
std::shared_ptr<const RedisDialing> ForSentinels(const RedisDialing& dialing) {
  auto copy = std::make_shared<RedisDialing>(dialing);
  copy->log_in = false;
  return copy;
}

}  // namespace

std::unique_ptr<RedisRouter> MakeRedisRouter(std::shared_ptr<const RedisDialing> dialing, const Clock* clock) {
  switch (dialing->options.url.topology) {
    case RedisTopology::kSingle: return std::make_unique<SingleRouter>(std::move(dialing), clock);
    case RedisTopology::kSentinel: return std::make_unique<SentinelRouter>(std::move(dialing), clock);
    case RedisTopology::kCluster: return std::make_unique<ClusterRouter>(std::move(dialing), clock);
  }
  return nullptr;
}

std::shared_ptr<RedisNode> RedisNodes::At(const RedisAddress& address) {
  absl::MutexLock lock(&mutex_);
  if (nodes_.size() >= kMaxNodes) {
    std::erase_if(nodes_, [](const auto& row) { return row.second.use_count() == 1; });
  }
  std::shared_ptr<RedisNode>& node = nodes_[address];
  if (node == nullptr) node = std::make_shared<RedisNode>(address, dialing_, clock_);
  return node;
}

SentinelRouter::SentinelRouter(std::shared_ptr<const RedisDialing> dialing, const Clock* clock)
    : master_name_(dialing->options.url.master), nodes_(dialing, clock), asking_(clock) {
  const std::shared_ptr<const RedisDialing> for_sentinels = ForSentinels(*dialing);
  for (const RedisAddress& address : dialing->options.url.addresses) {
    sentinels_.push_back(std::make_shared<RedisNode>(address, for_sentinels, clock));
  }
}

absl::StatusOr<RedisAddress> SentinelRouter::AskSentinels() {
  absl::Status failure = MakeError(ErrorReason::kStorage, absl::StrCat("no Sentinel knows a master ", master_name_));
  const RedisWords question = {"SENTINEL", "get-master-addr-by-name", master_name_};
  for (const std::shared_ptr<RedisNode>& sentinel : sentinels_) {
    absl::StatusOr<std::vector<RedisReply>> replies = sentinel->Exchange({question});
    if (!replies.ok()) {
      failure = replies.status();
      continue;
    }
    const RedisReply& reply = replies->front();
    RedisAddress address;
    if (!reply.is_array() || reply.elements.size() != 2 || !absl::SimpleAtoi(reply.elements[1].text, &address.port)) {
      continue;
    }
    address.host = reply.elements[0].text;
    if (!address.host.empty() && !address.is_unix() && address.port > 0 && address.port < 65536) return address;
  }
  return failure;
}

absl::StatusOr<std::shared_ptr<RedisNode>> SentinelRouter::NodeFor(absl::string_view key) {
  {
    absl::MutexLock lock(&mutex_);
    if (master_ != nullptr) return master_;
    if (!asking_.Take()) {
      return MakeError(ErrorReason::kStorage, absl::StrCat("no Sentinel has named a master ", master_name_, " lately"));
    }
  }
  KILN_ASSIGN_OR_RETURN(const RedisAddress address, AskSentinels());
  absl::MutexLock lock(&mutex_);
  if (master_ == nullptr) master_ = nodes_.At(address);
  return master_;
}

bool SentinelRouter::Reconsider(absl::string_view key, const RedisNode& failed) {
  {
    absl::MutexLock lock(&mutex_);
    if (master_.get() != &failed) return master_ != nullptr;
    if (!asking_.Take()) return false;
  }
  absl::StatusOr<RedisAddress> address = AskSentinels();
  if (!address.ok() || *address == failed.address()) return false;
  absl::MutexLock lock(&mutex_);
  master_ = nodes_.At(*address);
  return true;
}

std::vector<std::shared_ptr<RedisNode>> SentinelRouter::Nodes() const {
  absl::MutexLock lock(&mutex_);
  return master_ == nullptr ? sentinels_ : std::vector<std::shared_ptr<RedisNode>>{master_};
}

ClusterRouter::ClusterRouter(std::shared_ptr<const RedisDialing> dialing, const Clock* clock)
    : nodes_(dialing, clock), asking_(clock), slots_(kClusterSlots) {
  for (const RedisAddress& address : dialing->options.url.addresses) seeds_.push_back(nodes_.At(address));
}

std::shared_ptr<RedisNode> ClusterRouter::FindLocked(absl::string_view key) {
  if (!key.empty()) return slots_[static_cast<size_t>(SlotOf(key))];
  const auto any = std::find_if(used_.begin(), used_.end(), [](const std::shared_ptr<RedisNode>& node) {
    return node->breaker().state() == BreakerState::kClosed;
  });
  return any != used_.end() ? *any : seeds_.front();
}

absl::StatusOr<std::shared_ptr<RedisNode>> ClusterRouter::NodeFor(absl::string_view key) {
  bool stale;
  {
    absl::MutexLock lock(&mutex_);
    stale = stale_;
  }
  if (stale) Refresh();
  absl::MutexLock lock(&mutex_);
  std::shared_ptr<RedisNode> node = FindLocked(key);
  if (node != nullptr) return node;
  return MakeError(ErrorReason::kStorage, "no server of the Redis cluster has said that it serves this key");
}

void ClusterRouter::Refresh() {
  std::vector<std::shared_ptr<RedisNode>> asked;
  {
    absl::MutexLock lock(&mutex_);
    if (!asking_.Take()) return;
    asked = used_;
  }
  asked.insert(asked.end(), seeds_.begin(), seeds_.end());
  const RedisWords question = {"CLUSTER", "SLOTS"};
  for (const std::shared_ptr<RedisNode>& node : asked) {
    absl::StatusOr<std::vector<RedisReply>> replies = node->Exchange({question});
    if (!replies.ok()) continue;
    absl::StatusOr<std::vector<SlotRange>> ranges = ParseClusterSlots(replies->front(), node->address());
    if (!ranges.ok() || ranges->empty()) continue;
    std::vector<std::shared_ptr<RedisNode>> slots(kClusterSlots);
    for (const SlotRange& range : *ranges) {
      const std::shared_ptr<RedisNode> master = nodes_.At(range.master);
      for (int slot = range.first; slot <= range.last; ++slot) slots[static_cast<size_t>(slot)] = master;
    }
    absl::MutexLock lock(&mutex_);
    slots_ = std::move(slots);
    NoteUsedLocked();
    stale_ = false;
    return;
  }
}

bool ClusterRouter::Reconsider(absl::string_view key, const RedisNode& failed) {
  Refresh();
  absl::MutexLock lock(&mutex_);
  const std::shared_ptr<RedisNode> node = FindLocked(key);
  return node != nullptr && node.get() != &failed;
}

std::shared_ptr<RedisNode> ClusterRouter::Follow(const Redirect& redirect) {
  std::shared_ptr<RedisNode> node = nodes_.At(redirect.to);
  if (redirect.ask) return node;
  absl::MutexLock lock(&mutex_);
  slots_[static_cast<size_t>(redirect.slot)] = node;
  NoteUsedLocked();
  stale_ = true;
  return node;
}

void ClusterRouter::NoteUsedLocked() {
  std::set<std::shared_ptr<RedisNode>> used(slots_.begin(), slots_.end());
  used.erase(nullptr);
  used_.assign(used.begin(), used.end());
}

std::vector<std::shared_ptr<RedisNode>> ClusterRouter::Nodes() const {
  absl::MutexLock lock(&mutex_);
  return used_.empty() ? seeds_ : used_;
}

}  // namespace kiln
