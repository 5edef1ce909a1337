#include "service/request_history.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"

namespace kiln {
namespace {

size_t SizeOf(const RequestFacts& facts) {
  const size_t miss = facts.miss == nullptr ? 0 : SizeOfFacts(*facts.miss);
  return sizeof(facts) + facts.id.size() + facts.domain.size() + facts.symbol_values.size() * sizeof(int64_t) + miss;
}

}  // namespace

RequestHistory::Shard& RequestHistory::ShardOf(absl::string_view id) const {
  return shards_[absl::HashOf(id) % kShards];
}

void RequestHistory::Add(RequestFacts facts) {
  if (facts.id.empty()) return;
  const size_t bytes = SizeOf(facts);
  if (bytes > max_bytes_in_shard_) return;
  Shard& shard = ShardOf(facts.id);
  // What is dropped is freed without the lock.
  std::vector<RequestFacts> dropped;
  absl::MutexLock lock(&shard.mutex);
  shard.facts.push_back(std::move(facts));
  shard.bytes += bytes;
  while (shard.facts.size() > max_in_shard_ || shard.bytes > max_bytes_in_shard_) {
    shard.bytes -= SizeOf(shard.facts.front());
    dropped.push_back(std::move(shard.facts.front()));
    shard.facts.pop_front();
  }
}

std::optional<RequestFacts> RequestHistory::Find(absl::string_view domain, absl::string_view id) const {
  Shard& shard = ShardOf(id);
  absl::MutexLock lock(&shard.mutex);
  auto found = std::find_if(shard.facts.rbegin(), shard.facts.rend(),
                            [&](const RequestFacts& f) { return f.id == id && f.domain == domain; });
  if (found == shard.facts.rend()) return std::nullopt;
  return *found;
}

}  // namespace kiln
