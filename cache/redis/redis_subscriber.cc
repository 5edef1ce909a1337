#include "cache/redis/redis_subscriber.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/random/random.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "cache/redis/redis_client_rep.h"

namespace kiln {
namespace {

constexpr size_t kMaxChannels = 1024;
constexpr absl::Duration kFirstWait = absl::Milliseconds(100);
constexpr absl::Duration kMaxWait = absl::Seconds(5);
// Silence after which a PING is sent, and after which again nobody is there.
constexpr absl::Duration kPingAfter = absl::Seconds(2);

using Channels = std::set<std::string, std::less<>>;

}  // namespace

class RedisSubscriber::Rep {
 public:
  Rep(RedisClient::Rep* client, RedisSubscriberCallbacks callbacks)
      : client_(client), callbacks_(std::move(callbacks)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    thread_ = std::thread([this] { Run(); });
  }

  ~Rep() {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    Wake();
    thread_.join();
    close(wake_);
  }

  bool Want(std::string channel) {
    {
      absl::MutexLock lock(&mutex_);
      if (wanted_.size() >= kMaxChannels && !wanted_.contains(channel)) return false;
      if (wanted_.insert(std::move(channel)).second) connected_ = false;
    }
    Wake();
    return true;
  }

  void Unwant(absl::string_view channel) {
    {
      absl::MutexLock lock(&mutex_);
      if (auto at = wanted_.find(channel); at != wanted_.end()) wanted_.erase(at);
    }
    Wake();
  }

  bool connected() const {
    absl::MutexLock lock(&mutex_);
    return connected_;
  }

 private:
  // What one connection has asked for, and what it has got.
  struct Session {
    std::unique_ptr<RedisConnection> connection;
    Channels asked;
    Channels confirmed;
    absl::Duration heard_at;
    bool pinged = false;
  };

  static absl::Duration Now() { return Clock::Real()->Monotonic(); }

  void Wake() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));
  }

  bool stopping() const {
    absl::MutexLock lock(&mutex_);
    return stopping_;
  }

  Channels wanted() const {
    absl::MutexLock lock(&mutex_);
    return wanted_;
  }

  void Run() {
    absl::Duration wait = kFirstWait;
    while (!stopping()) {
      Session session;
      absl::Status status = Dial(session);
      while (status.ok() && !stopping()) {
        status = Serve(session);
        if (!session.confirmed.empty()) wait = kFirstWait;
      }
      if (stopping()) return;
      TellLost();
      Sleep(wait * absl::Uniform(random_, 0.5, 1.0));
      wait = std::min(wait * 2, kMaxWait);
    }
  }

  absl::Status Dial(Session& session) {
    KILN_ASSIGN_OR_RETURN(const std::shared_ptr<RedisNode> node, client_->router().NodeFor(""));
    absl::StatusOr<std::unique_ptr<RedisConnection>> connection =
        RedisConnection::Open(node->address(), client_->dialing());
    // Perhaps it is no longer the master.
    if (!connection.ok()) client_->router().Reconsider("", *node);
    KILN_RETURN_IF_ERROR(connection.status());
    session.connection = *std::move(connection);
    session.heard_at = Now();
    return absl::OkStatus();
  }

  // Asks for what is wanted, waits, takes what has come.
  absl::Status Serve(Session& session) {
    KILN_RETURN_IF_ERROR(AskForWanted(session));
    KILN_RETURN_IF_ERROR(AwaitSomething(session));
    while (true) {
      KILN_ASSIGN_OR_RETURN(std::optional<RedisReply> reply, session.connection->TryNext());
      if (!reply.has_value()) break;
      session.heard_at = Now();
      session.pinged = false;
      KILN_RETURN_IF_ERROR(Take(*reply, session));
    }
    TellIfConnected(session);
    return absl::OkStatus();
  }

  absl::Status AskForWanted(Session& session) {
    const Channels wanted = this->wanted();
    RedisWords subscribe = {"SUBSCRIBE"};
    RedisWords unsubscribe = {"UNSUBSCRIBE"};
    for (const std::string& channel : wanted) {
      if (!session.asked.contains(channel)) subscribe.push_back(channel);
    }
    for (const std::string& channel : session.asked) {
      if (!wanted.contains(channel)) unsubscribe.push_back(channel);
    }
    std::vector<RedisWords> commands;
    if (subscribe.size() > 1) commands.push_back(std::move(subscribe));
    if (unsubscribe.size() > 1) commands.push_back(std::move(unsubscribe));
    if (!commands.empty()) KILN_RETURN_IF_ERROR(session.connection->Send(commands));
    for (const std::string& channel : session.asked) {
      if (!wanted.contains(channel)) session.confirmed.erase(channel);
    }
    session.asked = wanted;
    return absl::OkStatus();
  }

  absl::Status AwaitSomething(Session& session) {
    pollfd waits[] = {{session.connection->fd(), POLLIN, 0}, {wake_, POLLIN, 0}};
    const absl::Duration silent = Now() - session.heard_at;
    if (silent >= 2 * kPingAfter) return MakeError(ErrorReason::kStorage, "Redis has gone silent");
    if (silent >= kPingAfter && !session.pinged) {
      session.pinged = true;
      const RedisWords ping = {"PING"};
      KILN_RETURN_IF_ERROR(session.connection->Send({ping}));
    }
    const absl::Duration next = (session.pinged ? 2 * kPingAfter : kPingAfter) - silent;
    poll(waits, 2, static_cast<int>(std::max<int64_t>(1, absl::ToInt64Milliseconds(next) + 1)));
    uint64_t ignored;
    [[maybe_unused]] const ssize_t drained = read(wake_, &ignored, sizeof(ignored));
    return absl::OkStatus();
  }

  // An array of "message", channel, payload; or of "subscribe", channel, number; or
  // "pong".
  absl::Status Take(const RedisReply& reply, Session& session) {
    KILN_RETURN_IF_ERROR(ErrorOf(reply));
    if (!reply.is_array() || reply.elements.size() < 3) return absl::OkStatus();
    const std::string& kind = reply.elements[0].text;
    const std::string& channel = reply.elements[1].text;
    if (kind == "subscribe" && session.asked.contains(channel)) session.confirmed.insert(channel);
    if (kind == "message" && callbacks_.message != nullptr) callbacks_.message(channel, reply.elements[2].text);
    return absl::OkStatus();
  }

  void TellIfConnected(const Session& session) {
    {
      absl::MutexLock lock(&mutex_);
      if (connected_ || wanted_.empty() || wanted_ != session.confirmed) return;
      connected_ = true;
      told_lost_ = false;
    }
    if (callbacks_.connected != nullptr) callbacks_.connected();
  }

  void TellLost() {
    {
      absl::MutexLock lock(&mutex_);
      connected_ = false;
      if (std::exchange(told_lost_, true)) return;
    }
    if (callbacks_.lost != nullptr) callbacks_.lost();
  }

  void Sleep(absl::Duration time) {
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&stopping_), time);
  }

  // Constant after construction.
  RedisClient::Rep* const client_;
  const RedisSubscriberCallbacks callbacks_;
  const int wake_;

  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool connected_ ABSL_GUARDED_BY(mutex_) = false;
  bool told_lost_ ABSL_GUARDED_BY(mutex_) = false;
  Channels wanted_ ABSL_GUARDED_BY(mutex_);

  // Of the thread alone.
  absl::BitGen random_;

  std::thread thread_;
};

RedisSubscriber::RedisSubscriber(const RedisClient* client, RedisSubscriberCallbacks callbacks)
    : rep_(std::make_unique<Rep>(client->rep_.get(), std::move(callbacks))) {}

RedisSubscriber::~RedisSubscriber() = default;

bool RedisSubscriber::Subscribe(std::string channel) { return rep_->Want(std::move(channel)); }
void RedisSubscriber::Unsubscribe(absl::string_view channel) { rep_->Unwant(channel); }
bool RedisSubscriber::connected() const { return rep_->connected(); }

}  // namespace kiln
