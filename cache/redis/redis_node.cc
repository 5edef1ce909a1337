#include "cache/redis/redis_node.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

// What a server answers while it cannot serve anything: to the breaker it is down.
constexpr absl::string_view kCannotServe[] = {"CLUSTERDOWN", "LOADING", "MASTERDOWN", "NOAUTH"};

bool CannotServe(const std::vector<RedisReply>& replies) {
  return std::any_of(replies.begin(), replies.end(), [](const RedisReply& reply) {
    return reply.is_error() &&
           std::find(std::begin(kCannotServe), std::end(kCannotServe), reply.error_word()) != std::end(kCannotServe);
  });
}

}  // namespace

RedisNode::RedisNode(RedisAddress address, std::shared_ptr<const RedisDialing> dialing, const Clock* clock)
    : address_(std::move(address)), dialing_(std::move(dialing)), breaker_(dialing_->options.breaker, clock) {}

absl::StatusOr<std::vector<RedisReply>> RedisNode::Exchange(absl::Span<const RedisWords> commands) {
  if (!breaker_.Allow()) {
    dialing_->traffic->refused.fetch_add(1, std::memory_order_relaxed);
    return MakeError(ErrorReason::kStorage, absl::StrCat("Redis at ", address_.ToString(),
                                                         " has failed and is left alone for a while"));
  }
  KILN_RETURN_IF_ERROR(AwaitTurn());
  absl::StatusOr<std::vector<RedisReply>> replies = TryExchange(commands);
  if (replies.ok() && !CannotServe(*replies)) {
    breaker_.Succeed();
  } else {
    breaker_.Fail();
  }
  return replies;
}

absl::StatusOr<std::vector<RedisReply>> RedisNode::TryExchange(absl::Span<const RedisWords> commands) {
  KILN_ASSIGN_OR_RETURN(Connection connection, Take());
  absl::StatusOr<std::vector<RedisReply>> replies = connection->Exchange(commands);
  // What is left of a failed call would be the answer to the next.
  if (!replies.ok()) connection = nullptr;
  GiveBack(std::move(connection));
  if (!replies.ok()) return AddContext(replies.status(), address_.ToString());
  return replies;
}

absl::Status RedisNode::AwaitTurn() {
  const auto free = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return busy_ < dialing_->options.max_connections;
  };
  absl::MutexLock lock(&mutex_);
  if (!mutex_.AwaitWithTimeout(absl::Condition(&free), dialing_->options.call_timeout)) {
    return MakeError(ErrorReason::kStorage,
                     absl::StrCat("all ", busy_, " connections to Redis at ", address_.ToString(), " are busy"));
  }
  ++busy_;
  return absl::OkStatus();
}

absl::StatusOr<RedisNode::Connection> RedisNode::Take() {
  std::vector<Connection> closed;
  {
    absl::MutexLock lock(&mutex_);
    while (!idle_.empty()) {
      Connection connection = std::move(idle_.back());
      idle_.pop_back();
      if (connection->IsIdle()) return connection;
      closed.push_back(std::move(connection));
    }
  }
  absl::StatusOr<Connection> connection = RedisConnection::Open(address_, dialing_);
  if (!connection.ok()) GiveBack(nullptr);
  return connection;
}

void RedisNode::GiveBack(Connection connection) {
  absl::MutexLock lock(&mutex_);
  --busy_;
  if (connection != nullptr) idle_.push_back(std::move(connection));
}

}  // namespace kiln
