#include "cache/redis/redis_client.h"

#include <openssl/evp.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "cache/redis/redis_client_rep.h"

namespace kiln {
namespace {

// A slot that moves while it is asked for moves once; a map that is old leads at
// most from server to server until one has the new one.
constexpr int kMaxHops = 4;

std::string Sha1Hex(absl::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  return absl::BytesToHexString({reinterpret_cast<const char*>(digest), size});
}

bool IsReadOnly(const std::vector<RedisReply>& replies) {
  return std::any_of(replies.begin(), replies.end(),
                     [](const RedisReply& reply) { return reply.error_word() == "READONLY"; });
}

std::optional<Redirect> FindRedirect(const std::vector<RedisReply>& replies, const RedisAddress& asked) {
  for (const RedisReply& reply : replies) {
    if (std::optional<Redirect> redirect = ParseRedirect(reply, asked); redirect.has_value()) return redirect;
  }
  return std::nullopt;
}

// ASKING holds for the next command alone.
absl::StatusOr<std::vector<RedisReply>> ExchangeAsking(RedisNode& node, absl::Span<const RedisWords> commands) {
  std::vector<RedisWords> with_asking;
  for (const RedisWords& command : commands) {
    with_asking.push_back({"ASKING"});
    with_asking.push_back(command);
  }
  KILN_ASSIGN_OR_RETURN(std::vector<RedisReply> replies, node.Exchange(with_asking));
  std::vector<RedisReply> wanted;
  for (size_t i = 1; i < replies.size(); i += 2) wanted.push_back(std::move(replies[i]));
  return wanted;
}

}  // namespace

RedisScript::RedisScript(std::string source) : source_(std::move(source)), sha1_(Sha1Hex(source_)) {}

absl::StatusOr<std::vector<RedisReply>> RedisClient::Rep::Run(absl::string_view key,
                                                              absl::Span<const RedisWords> commands) {
  dialing_->traffic->calls.fetch_add(1, std::memory_order_relaxed);
  absl::StatusOr<std::vector<RedisReply>> replies = Follow(key, commands);
  if (!replies.ok()) dialing_->traffic->failures.fetch_add(1, std::memory_order_relaxed);
  return replies;
}

absl::StatusOr<std::vector<RedisReply>> RedisClient::Rep::Follow(absl::string_view key,
                                                                 absl::Span<const RedisWords> commands) {
  KILN_ASSIGN_OR_RETURN(std::shared_ptr<RedisNode> node, router_->NodeFor(key));
  for (int hop = 0; hop < kMaxHops; ++hop) {
    absl::StatusOr<std::vector<RedisReply>> replies = node->Exchange(commands);
    if (!replies.ok() || IsReadOnly(*replies)) {
      if (!router_->Reconsider(key, *node)) return replies;
      KILN_ASSIGN_OR_RETURN(node, router_->NodeFor(key));
    } else {
      const std::optional<Redirect> redirect = FindRedirect(*replies, node->address());
      std::shared_ptr<RedisNode> next = redirect.has_value() ? router_->Follow(*redirect) : nullptr;
      if (next == nullptr) return replies;
      node = std::move(next);
      if (redirect->ask) {
        dialing_->traffic->redirects.fetch_add(1, std::memory_order_relaxed);
        return ExchangeAsking(*node, commands);
      }
    }
    dialing_->traffic->redirects.fetch_add(1, std::memory_order_relaxed);
  }
  return MakeError(ErrorReason::kStorage, absl::StrCat("Redis sent a call on ", kMaxHops, " times"));
}

RedisClient::RedisClient(std::shared_ptr<Rep> rep) : rep_(std::move(rep)) {}
RedisClient::~RedisClient() = default;

absl::StatusOr<std::unique_ptr<RedisClient>> RedisClient::Create(RedisOptions options, const Clock* clock) {
  if (options.url.addresses.empty()) return MakeError(ErrorReason::kBadArgumentValue, "no address of Redis");
  auto dialing = std::make_shared<RedisDialing>();
  if (options.url.tls) {
    KILN_ASSIGN_OR_RETURN(dialing->tls, TlsContext::Create(options.tls));
  }
  dialing->options = std::move(options);
  dialing->traffic = std::make_shared<RedisTraffic>();
  return std::unique_ptr<RedisClient>(new RedisClient(std::make_shared<Rep>(std::move(dialing), clock)));
}

absl::StatusOr<RedisReply> RedisClient::Call(absl::string_view key, const RedisWords& words) {
  KILN_ASSIGN_OR_RETURN(std::vector<RedisReply> replies, rep_->Run(key, absl::MakeConstSpan(&words, 1)));
  if (!replies.front().is_error()) return std::move(replies.front());
  rep_->dialing()->traffic->failures.fetch_add(1, std::memory_order_relaxed);
  return ErrorOf(replies.front());
}

absl::StatusOr<std::vector<RedisReply>> RedisClient::Pipeline(absl::string_view key,
                                                              absl::Span<const RedisWords> commands) {
  if (commands.empty()) return std::vector<RedisReply>();
  return rep_->Run(key, commands);
}

absl::StatusOr<RedisReply> RedisClient::Eval(const RedisScript& script, const RedisWords& keys,
                                             const RedisWords& arguments) {
  const std::string num_keys = absl::StrCat(keys.size());
  RedisWords words = {"EVALSHA", script.sha1(), num_keys};
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  const absl::string_view key = keys.empty() ? "" : keys.front();
  KILN_ASSIGN_OR_RETURN(std::vector<RedisReply> replies, rep_->Run(key, absl::MakeConstSpan(&words, 1)));
  if (replies.front().error_word() != "NOSCRIPT") {
    KILN_RETURN_IF_ERROR(ErrorOf(replies.front()));
    return std::move(replies.front());
  }
  words[0] = "EVAL";
  words[1] = script.source();
  return Call(key, words);
}

std::string RedisClient::KeyPrefix(absl::string_view kind) const {
  return absl::StrCat(options().url.prefix, ":1:", kind, ":");
}

RedisClientState RedisClient::State() const {
  RedisClientState state;
  for (const std::shared_ptr<RedisNode>& node : rep_->router().Nodes()) {
    state.breaker = std::max(state.breaker, node->breaker().state());
    state.breakers_opened += node->breaker().num_opened();
  }
  const RedisTraffic& traffic = *rep_->dialing()->traffic;
  state.calls = traffic.calls.load(std::memory_order_relaxed);
  state.failures = traffic.failures.load(std::memory_order_relaxed);
  state.refused = traffic.refused.load(std::memory_order_relaxed);
  state.connects = traffic.connects.load(std::memory_order_relaxed);
  state.redirects = traffic.redirects.load(std::memory_order_relaxed);
  state.bytes_sent = traffic.bytes_sent.load(std::memory_order_relaxed);
  state.bytes_received = traffic.bytes_received.load(std::memory_order_relaxed);
  return state;
}

const RedisOptions& RedisClient::options() const { return rep_->dialing()->options; }

}  // namespace kiln
