// Real redis-servers of a test's own, gone with the object: a folder, free ports,
// nothing on disk that outlives them.
#ifndef KILN_CACHE_TESTING_REDIS_PROCESS_H_
#define KILN_CACHE_TESTING_REDIS_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "cache/redis/redis_client.h"
#include "cache/testing/temp_folder.h"
#include "cache/testing/throwaway_ca.h"

namespace kiln {

// A port that nobody listened on a moment ago.
int FreePort();

struct RedisProcessOptions {
  // More words of the command line.
  std::vector<std::string> arguments;
  bool tls = false;
  bool client_certificates = false;
  // Not empty: the user kiln has it, and the default user is off.
  std::string password;
  // Not empty: it is a Sentinel, and these are lines of its configuration.
  std::string sentinel;
};

// Not thread-safe.
class RedisProcess {
 public:
  // Returns once it answers; null if it does not start.
  static std::unique_ptr<RedisProcess> Start(RedisProcessOptions options = {});
  // kill -9.
  ~RedisProcess();
  RedisProcess(const RedisProcess&) = delete;
  RedisProcess& operator=(const RedisProcess&) = delete;

  int port() const { return port_; }
  // "redis://[kiln:PASSWORD@]127.0.0.1:PORT" or "rediss://...".
  std::string url() const;
  const ThrowawayCa& ca() const { return ca_; }
  // For a client that has no doubts; timeouts are long, so that a slow machine is no
  // failure.
  RedisOptions ClientOptions() const;
  std::unique_ptr<RedisClient> Connect() const;

  void KillHard();
  // Another at the same port, empty.
  bool Restart();
  // It hangs: connections are accepted by the kernel, and nothing answers.
  void Pause();
  void Resume();

 private:
  explicit RedisProcess(RedisProcessOptions options) : options_(std::move(options)) {}
  bool Launch();
  std::vector<std::string> CommandLine() const;

  const RedisProcessOptions options_;
  TempFolder folder_;
  ThrowawayCa ca_;
  int port_ = 0;
  pid_t pid_ = -1;
};

// Options with timeouts that no slow machine reaches.
RedisOptions PatientOptions(const std::string& url);

// Three masters that share the slots of one cluster.
class RedisClusterProcesses {
 public:
  // Returns once every node knows every slot; null if that does not come about.
  static std::unique_ptr<RedisClusterProcesses> Start();
  RedisProcess& node(int index) { return *nodes_[static_cast<size_t>(index)]; }
  // "redis+cluster://" of the first one alone.
  std::string url() const;

 private:
  std::vector<std::unique_ptr<RedisProcess>> nodes_;
};

}  // namespace kiln

#endif  // KILN_CACHE_TESTING_REDIS_PROCESS_H_
