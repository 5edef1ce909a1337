#include "cache/testing/redis_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

extern char** environ;

namespace kiln {
namespace {

constexpr int kTries = 500;
constexpr useconds_t kPauseMicros = 10000;

// Calls `done` until it is true, for a few seconds at most.
template <typename Done>
bool AwaitTrue(Done done) {
  for (int i = 0; i < kTries; ++i) {
    if (done()) return true;
    usleep(kPauseMicros);
  }
  return false;
}

pid_t Spawn(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  if (posix_spawnp(&pid, argv[0], nullptr, nullptr, argv.data(), environ) != 0) return -1;
  return pid;
}

// Another process may take a free port before the server has it.
constexpr int kPorts = 5;

}  // namespace

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) std::abort();
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

RedisOptions PatientOptions(const std::string& url) {
  absl::StatusOr<RedisUrl> parsed = ParseRedisUrl(url);
  if (!parsed.ok()) std::abort();
  RedisOptions options;
  options.url = *std::move(parsed);
  options.connect_timeout = absl::Seconds(10);
  options.call_timeout = absl::Seconds(10);
  return options;
}

std::unique_ptr<RedisProcess> RedisProcess::Start(RedisProcessOptions options) {
  std::unique_ptr<RedisProcess> server(new RedisProcess(std::move(options)));
  if (server->options_.tls) server->ca_ = MakeThrowawayCa(server->folder_.path());
  for (int i = 0; i < kPorts; ++i) {
    server->port_ = FreePort();
    if (server->Launch()) return server;
  }
  return nullptr;
}

RedisProcess::~RedisProcess() { KillHard(); }

std::vector<std::string> RedisProcess::CommandLine() const {
  const std::string port = std::to_string(port_);
  if (!options_.sentinel.empty()) {
    // A Sentinel writes into its own file.
    const std::string config = folder_.path() + "/sentinel.conf";
    std::ofstream(config) << "bind 127.0.0.1\nport " << port << "\ndir " << folder_.path() << "\nlogfile "
                          << folder_.path() << "/log\n" << options_.sentinel << "\n";
    return {"redis-server", config, "--sentinel"};
  }
  std::vector<std::string> words = {"redis-server", "--bind",    "127.0.0.1",   "--dir", folder_.path(),
                                    "--logfile",    folder_.path() + "/log", "--save", "",      "--appendonly",
                                    "no"};
  if (options_.tls) {
    words.insert(words.end(), {"--port", "0", "--tls-port", port, "--tls-cert-file", ca_.server_cert, "--tls-key-file",
                               ca_.server_key, "--tls-ca-cert-file", ca_.ca, "--tls-auth-clients",
                               options_.client_certificates ? "yes" : "no"});
  } else {
    words.insert(words.end(), {"--port", port});
  }
  if (!options_.password.empty()) {
    words.insert(words.end(), {"--user", "default", "off", "--user", "kiln", "on", ">" + options_.password, "~*", "&*",
                               "+@all"});
  }
  words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
  return words;
}

bool RedisProcess::Launch() {
  pid_ = Spawn(CommandLine());
  if (pid_ < 0) return false;
  return AwaitTrue([this] {
    int status;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return true;
    }
    // Somebody else's server may have the port.
    const absl::StatusOr<RedisReply> info = Connect()->Call("", {"INFO", "server"});
    return info.ok() && absl::StrContains(info->text, absl::StrCat("process_id:", pid_, "\r\n"));
  }) && pid_ > 1;
}

std::string RedisProcess::url() const {
  const std::string login = options_.password.empty() ? "" : absl::StrCat("kiln:", options_.password, "@");
  return absl::StrCat(options_.tls ? "rediss" : "redis", "://", login, "127.0.0.1:", port_);
}

RedisOptions RedisProcess::ClientOptions() const {
  RedisOptions options = PatientOptions(url());
  if (!options_.tls) return options;
  options.tls.ca_file = ca_.ca;
  if (options_.client_certificates) {
    options.tls.cert_file = ca_.client_cert;
    options.tls.key_file = ca_.client_key;
  }
  return options;
}

std::unique_ptr<RedisClient> RedisProcess::Connect() const {
  return *RedisClient::Create(ClientOptions(), Clock::Real());
}

void RedisProcess::KillHard() {
  // kill(-1) would be everybody.
  if (pid_ <= 1) return;
  kill(pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

bool RedisProcess::Restart() {
  KillHard();
  return Launch();
}

void RedisProcess::Pause() {
  if (pid_ > 1) kill(pid_, SIGSTOP);
}

void RedisProcess::Resume() {
  if (pid_ > 1) kill(pid_, SIGCONT);
}

std::unique_ptr<RedisClusterProcesses> RedisClusterProcesses::Start() {
  constexpr int kNodes = 3;
  auto cluster = std::make_unique<RedisClusterProcesses>();
  std::vector<int> bus_ports;
  for (int i = 0; i < kNodes; ++i) {
    bus_ports.push_back(FreePort());
    std::unique_ptr<RedisProcess> node =
        RedisProcess::Start({.arguments = {"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
                                           "--cluster-port", std::to_string(bus_ports.back())}});
    if (node == nullptr) return nullptr;
    cluster->nodes_.push_back(std::move(node));
  }
  for (int i = 0; i < kNodes; ++i) {
    const auto client = cluster->nodes_[static_cast<size_t>(i)]->Connect();
    const std::string first = std::to_string(16384 * i / kNodes);
    const std::string last = std::to_string(16384 * (i + 1) / kNodes - 1);
    if (!client->Call("", {"CLUSTER", "ADDSLOTSRANGE", first, last}).ok()) return nullptr;
    const std::string port = std::to_string(cluster->nodes_[0]->port());
    const std::string bus = std::to_string(bus_ports[0]);
    if (i > 0 && !client->Call("", {"CLUSTER", "MEET", "127.0.0.1", port, bus}).ok()) return nullptr;
  }
  for (const auto& node : cluster->nodes_) {
    const auto client = node->Connect();
    const bool whole = AwaitTrue([&] {
      absl::StatusOr<RedisReply> info = client->Call("", {"CLUSTER", "INFO"});
      return info.ok() && info->text.find("cluster_state:ok") != std::string::npos &&
             info->text.find("cluster_known_nodes:3") != std::string::npos;
    });
    if (!whole) return nullptr;
  }
  return cluster;
}

std::string RedisClusterProcesses::url() const {
  return absl::StrCat("redis+cluster://127.0.0.1:", nodes_.front()->port());
}

}  // namespace kiln
