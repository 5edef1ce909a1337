#include "cache/redis/name_lookup.h"

#include <netdb.h>
#include <sys/un.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/error.h"

namespace kiln {
namespace {

using Addresses = std::vector<SocketAddress>;

constexpr absl::Duration kFresh = absl::Seconds(30);
// Names of servers of one cluster. Over it all are asked for again.
constexpr size_t kMaxNames = 1024;

// Empty, and `error` set, if there is none.
Addresses Resolve(const std::string& host, int port, int flags, std::string& error) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failure = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failure != 0) {
    error = gai_strerror(failure);
    return {};
  }
  Addresses addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.size = at->ai_addrlen;
  }
  freeaddrinfo(found);
  return addresses;
}

absl::StatusOr<Addresses> UnixAddress(const std::string& path) {
  SocketAddress address;
  auto* socket = reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.size() >= sizeof(socket->sun_path)) {
    return MakeError(ErrorReason::kStorage, absl::StrCat("the path of a Redis socket has ", path.size(), " bytes"));
  }
  socket->sun_family = AF_UNIX;
  std::memcpy(socket->sun_path, path.data(), path.size());
  address.size = sizeof(sockaddr_un);
  return Addresses{address};
}

// What is known of one name. Threads that ask hold it, whoever has given up.
struct Name {
  absl::Mutex mutex;
  bool asking ABSL_GUARDED_BY(mutex) = false;
  Addresses addresses ABSL_GUARDED_BY(mutex);
  std::string error ABSL_GUARDED_BY(mutex);
  absl::Duration asked_at ABSL_GUARDED_BY(mutex) = -absl::InfiniteDuration();
};

void Ask(const std::shared_ptr<Name>& name, const std::string& host, int port) {
  std::string error;
  Addresses addresses = Resolve(host, port, 0, error);
  absl::MutexLock lock(&name->mutex);
  name->asking = false;
  name->asked_at = Clock::Real()->Monotonic();
  name->error = error;
  if (error.empty()) name->addresses = std::move(addresses);
}

std::shared_ptr<Name> NameOf(const RedisAddress& address) {
  static absl::Mutex mutex(absl::kConstInit);
  // Never destroyed: threads may outlive main().
  static auto& names = *new absl::flat_hash_map<std::string, std::shared_ptr<Name>>;
  absl::MutexLock lock(&mutex);
  if (names.size() >= kMaxNames) names.clear();
  std::shared_ptr<Name>& name = names[address.ToString()];
  if (name == nullptr) name = std::make_shared<Name>();
  return name;
}

}  // namespace

absl::StatusOr<Addresses> FindAddresses(const RedisAddress& address, absl::Duration deadline) {
  if (address.is_unix()) return UnixAddress(address.host);
  std::string error;
  Addresses literal = Resolve(address.host, address.port, AI_NUMERICHOST, error);
  if (!literal.empty()) return literal;
  const std::shared_ptr<Name> name = NameOf(address);
  absl::MutexLock lock(&name->mutex);
  const bool fresh = Clock::Real()->Monotonic() - name->asked_at < kFresh && name->error.empty();
  if (!fresh && !name->asking) {
    name->asking = true;
    std::thread([name, host = address.host, port = address.port] { Ask(name, host, port); }).detach();
  }
  const auto answered = [&name]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !name->asking; };
  if (!fresh) name->mutex.AwaitWithTimeout(absl::Condition(&answered), deadline - Clock::Real()->Monotonic());
  if (!name->addresses.empty()) return name->addresses;
  return MakeError(ErrorReason::kStorage,
                   absl::StrCat(address.host, " has no address: ",
                                name->error.empty() ? "the name server takes too long" : name->error));
}

}  // namespace kiln
