#include "cache/redis/redis_fleet_leases.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

// KEYS: the lease, the set. ARGV: token, value, milliseconds, identity, what lease
// keys of this key begin with, then the identities that are passed over. Answers
// identities and values of what is in the way, one after the other; nothing: taken.
// A lease that has this very token is ours: the command was sent twice.
const RedisScript& TakeScript() {
  static const RedisScript script(R"lua(
local over = {}
for i = 6, #ARGV do over[ARGV[i]] = true end
over[ARGV[4]] = nil
local found, bytes = {}, 0
local function show(identity, value)
  if #value > 70000 then value = string.sub(value, 1, 32) end
  if string.sub(value, 1, #ARGV[1]) == ARGV[1] then return end
  found[#found + 1] = identity
  found[#found + 1] = value
  bytes = bytes + #value
end
for _, identity in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  local value = redis.call('GET', ARGV[5] .. identity)
  if not value then
    redis.call('SREM', KEYS[2], identity)
  elseif not over[identity] and #found < 128 and bytes < 500000 then
    show(identity, value)
  end
end
if #found > 0 then return found end
if not redis.call('SET', KEYS[1], ARGV[2], 'NX', 'PX', ARGV[3]) then
  show(ARGV[4], redis.call('GET', KEYS[1]))
  if #found > 0 then return found end
end
redis.call('SADD', KEYS[2], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[3] * 4)
return found
)lua");
  return script;
}

// KEYS: the lease, the set. ARGV: token, value, milliseconds, identity, channel, the
// key if there is news. 1 if the lease is still ours.
const RedisScript& RenewScript() {
  static const RedisScript script(R"lua(
local value = redis.call('GET', KEYS[1])
if not value or string.sub(value, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('SADD', KEYS[2], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[3] * 4)
if ARGV[6] ~= '' then redis.call('PUBLISH', ARGV[5], ARGV[6]) end
return 1
)lua");
  return script;
}

// KEYS: the lease, the set. ARGV: token, identity, channel, the key.
const RedisScript& ReleaseScript() {
  static const RedisScript script(R"lua(
local value = redis.call('GET', KEYS[1])
if not value or string.sub(value, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
)lua");
  return script;
}

std::string Milliseconds(absl::Duration duration) { return absl::StrCat(absl::ToInt64Milliseconds(duration)); }

absl::Status NoSense(absl::string_view what) {
  return MakeError(ErrorReason::kStorage, absl::StrCat("redis: an answer to ", what, " that makes no sense"));
}

}  // namespace

RedisFleetLeases::RedisFleetLeases(std::shared_ptr<RedisClient> redis)
    : redis_(std::move(redis)),
      prefix_(redis_->KeyPrefix("lease")),
      live_prefix_(redis_->KeyPrefix("leases")),
      channel_(absl::StrCat(prefix_, "news")) {
  subscriber_ = std::make_unique<RedisSubscriber>(
      redis_.get(), RedisSubscriberCallbacks{
                  .message = [this](absl::string_view, absl::string_view payload) { Hear(payload); }});
  subscriber_->Subscribe(channel_);
}

RedisFleetLeases::~RedisFleetLeases() { subscriber_.reset(); }

void RedisFleetLeases::Listen(Listener listener) {
  absl::MutexLock lock(&mutex_);
  listener_ = std::move(listener);
}

void RedisFleetLeases::Hear(absl::string_view payload) {
  const std::optional<Digest> key = Digest::FromHex(payload);
  // Called under the lock, so that none is called after it has been replaced.
  absl::MutexLock lock(&mutex_);
  if (key.has_value() && listener_ != nullptr) listener_({*key});
}

std::string RedisFleetLeases::LeaseKey(const LeaseName& name) const {
  return absl::StrCat(prefix_, "{", name.key.digest.ToHex(), "}:", name.identity.ToHex());
}

std::string RedisFleetLeases::LiveKey(const VariantKey& key) const {
  return absl::StrCat(live_prefix_, "{", key.digest.ToHex(), "}");
}

absl::StatusOr<LeaseAnswer> RedisFleetLeases::Take(const Wish& wish) {
  const std::string lease = LeaseKey(wish.name), live = LiveKey(wish.name.key);
  const std::string value = EncodeLease(wish.token, wish.says), lifetime = Milliseconds(wish.lifetime);
  const std::string identity = wish.name.identity.ToHex();
  const std::string others = lease.substr(0, lease.size() - identity.size());
  std::vector<std::string> over;
  for (const Digest& passed : wish.passed_over) over.push_back(passed.ToHex());
  RedisWords arguments = {wish.token, value, lifetime, identity, others};
  arguments.insert(arguments.end(), over.begin(), over.end());
  KILN_ASSIGN_OR_RETURN(const RedisReply reply, redis_->Eval(TakeScript(), {lease, live}, arguments));
  if (!reply.is_array() || reply.elements.size() % 2 != 0 || reply.elements.size() > 2 * kMaxLeasesShown + 2) {
    return NoSense("the taking of a lease");
  }
  LeaseAnswer answer;
  for (size_t i = 0; i < reply.elements.size(); i += 2) {
    const RedisReply& named = reply.elements[i];
    const RedisReply& bytes = reply.elements[i + 1];
    const std::optional<Digest> other = named.is_string() ? Digest::FromHex(named.text) : std::nullopt;
    if (!other.has_value() || !bytes.is_string()) return NoSense("the taking of a lease");
    answer.others.push_back(DecodeLease(*other, bytes.text));
  }
  answer.taken = answer.others.empty();
  return answer;
}

absl::StatusOr<bool> RedisFleetLeases::Renew(const Wish& held, bool is_news) {
  const std::string lease = LeaseKey(held.name), live = LiveKey(held.name.key);
  const std::string value = EncodeLease(held.token, held.says), lifetime = Milliseconds(held.lifetime);
  const std::string identity = held.name.identity.ToHex();
  const std::string news = is_news ? held.name.key.digest.ToHex() : "";
  KILN_ASSIGN_OR_RETURN(
      const RedisReply reply,
      redis_->Eval(RenewScript(), {lease, live}, {held.token, value, lifetime, identity, channel_, news}));
  if (!reply.is_integer()) return NoSense("the renewal of a lease");
  return reply.integer == 1;
}

absl::Status RedisFleetLeases::Release(const LeaseName& name, const std::string& token) {
  const std::string lease = LeaseKey(name), live = LiveKey(name.key);
  const std::string identity = name.identity.ToHex(), key = name.key.digest.ToHex();
  return redis_->Eval(ReleaseScript(), {lease, live}, {token, identity, channel_, key}).status();
}

}  // namespace kiln
