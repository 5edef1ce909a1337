#include "tests/chaos/fault_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <list>
#include <random>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "cache/redis/redis_reply.h"

namespace kiln {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// A close that says so at once, and throws away what is on its way.
void Reset(int fd) {
  const linger now = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  close(fd);
}

// What is to be sent, and not before when.
struct Piece {
  std::string bytes;
  absl::Duration due;
};

struct Pair {
  int client = -1;
  int server = -1;
  std::string to_server;
  std::deque<Piece> to_client;
  // Commands, for answers of the proxy's own.
  RedisReplyReader commands{{.max_bytes = 1 << 28, .max_elements = 1 << 20}};
  bool dead = false;
};

}  // namespace

class FaultProxy::Loop {
 public:
  explicit Loop(FaultProxy& proxy) : proxy_(proxy), random_(proxy.seed_) {}
  ~Loop() {
    for (Pair& pair : pairs_) Close(pair);
  }

  void Run() {
    while (!proxy_.stopping_) {
      Wait();
      Accept();
      for (Pair& pair : pairs_) Move(pair);
      for (Pair& pair : pairs_) {
        if (pair.dead) Close(pair);
      }
      pairs_.remove_if([](const Pair& pair) { return pair.dead; });
    }
  }

 private:
  static absl::Duration Now() { return Clock::Real()->Monotonic(); }

  static void Close(Pair& pair) {
    Reset(pair.client);
    if (pair.server >= 0) close(pair.server);
  }

  void Wait() {
    std::vector<pollfd> waits = {{proxy_.listener_, POLLIN, 0}, {proxy_.wake_, POLLIN, 0}};
    int millis = 1000;
    for (const Pair& pair : pairs_) {
      const bool sends = !pair.to_client.empty() && pair.to_client.front().due <= Now();
      if (!pair.to_client.empty() && !sends) millis = 1;
      waits.push_back({pair.client, static_cast<short>(sends ? POLLIN | POLLOUT : POLLIN), 0});
      waits.push_back({pair.server, static_cast<short>(pair.to_server.empty() ? POLLIN : POLLIN | POLLOUT), 0});
    }
    poll(waits.data(), waits.size(), millis);
    uint64_t ignored;
    [[maybe_unused]] const ssize_t drained = read(proxy_.wake_, &ignored, sizeof(ignored));
  }

  void Accept() {
    for (int fd; (fd = accept4(proxy_.listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      ++proxy_.connections_;
      if (proxy_.fault_ == Fault::kRefuse) {
        ++proxy_.faults_;
        Reset(fd);
        continue;
      }
      const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_in address = Loopback(proxy_.upstream_port_);
      if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        close(server);
        Reset(fd);
        continue;
      }
      fcntl(server, F_SETFL, O_NONBLOCK);
      Pair& pair = pairs_.emplace_back();
      pair.client = fd;
      pair.server = server;
    }
  }

  // What came, up to 64 KiB; sets `dead` at the end.
  static std::string Take(int fd, Pair& pair) {
    std::string bytes(64 << 10, '\0');
    const ssize_t size = recv(fd, bytes.data(), bytes.size(), 0);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) pair.dead = true;
    bytes.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return bytes;
  }

  // Sends from the front of `bytes` what goes.
  static void Give(int fd, std::string& bytes, Pair& pair) {
    const ssize_t size = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size > 0) bytes.erase(0, static_cast<size_t>(size));
    if (size < 0 && errno != EAGAIN && errno != EINTR) pair.dead = true;
  }

  void Move(Pair& pair) {
    const Fault fault = proxy_.fault_;
    if (fault == Fault::kRefuse) {
      ++proxy_.faults_;
      pair.dead = true;
      return;
    }
    if (std::string bytes = Take(pair.client, pair); !bytes.empty()) FromClient(fault, std::move(bytes), pair);
    if (!pair.to_server.empty()) Give(pair.server, pair.to_server, pair);
    if (std::string bytes = Take(pair.server, pair); !bytes.empty()) FromServer(fault, std::move(bytes), pair);
    while (!pair.to_client.empty() && pair.to_client.front().due <= Now() && !pair.dead) {
      Give(pair.client, pair.to_client.front().bytes, pair);
      if (!pair.to_client.front().bytes.empty()) break;
      pair.to_client.pop_front();
    }
  }

  void FromClient(Fault fault, std::string bytes, Pair& pair) {
    if (fault == Fault::kBlackhole) {
      ++proxy_.faults_;
      return;
    }
    if (fault != Fault::kAnswer) {
      pair.to_server += bytes;
      return;
    }
    std::string answer;
    {
      absl::MutexLock lock(&proxy_.mutex_);
      answer = proxy_.answer_ + "\r\n";
    }
    if (!pair.commands.Feed(bytes).ok()) pair.dead = true;
    while (!pair.dead) {
      absl::StatusOr<std::optional<RedisReply>> command = pair.commands.Next();
      // Bytes of a command whose beginning went to the server, for one.
      if (!command.ok()) pair.dead = true;
      if (!command.ok() || !command->has_value()) return;
      ++proxy_.faults_;
      pair.to_client.push_back({answer, Now()});
    }
  }

  size_t Draw(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }

  void FromServer(Fault fault, std::string bytes, Pair& pair) {
    absl::Duration due = Now();
    if (fault != Fault::kNone && fault != Fault::kAnswer) ++proxy_.faults_;
    switch (fault) {
      case Fault::kNone:
      case Fault::kAnswer:
      case Fault::kRefuse:
        break;
      case Fault::kBlackhole:
        return;
      case Fault::kDelay:
        due += absl::Nanoseconds(proxy_.delay_nanos_.load());
        break;
      case Fault::kCut:
        bytes.resize(Draw(bytes.size()));
        Give(pair.client, bytes, pair);
        pair.dead = true;
        return;
      case Fault::kGarbage:
        for (char& byte : bytes) byte = static_cast<char>(Draw(256));
        break;
      case Fault::kFlip:
        bytes[Draw(bytes.size())] ^= static_cast<char>(1 << Draw(8));
        break;
    }
    pair.to_client.push_back({std::move(bytes), due});
  }

  FaultProxy& proxy_;
  std::mt19937_64 random_;
  std::list<Pair> pairs_;
};

FaultProxy::FaultProxy(int upstream_port, uint64_t seed) : upstream_port_(upstream_port), seed_(seed) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 128) != 0) std::abort();
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  thread_ = std::thread([this] { Loop(*this).Run(); });
}

FaultProxy::~FaultProxy() {
  stopping_ = true;
  Set(Fault::kNone);
  thread_.join();
  close(listener_);
  close(wake_);
}

void FaultProxy::Set(Fault fault, std::string answer) {
  {
    absl::MutexLock lock(&mutex_);
    answer_ = std::move(answer);
  }
  fault_ = fault;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));
}

}  // namespace kiln
