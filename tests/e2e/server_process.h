// A real server in a process of its own, for as long as the object lives: this
// very binary, started again with --serve (see serve_or_test.cc).
#ifndef KILN_TESTS_E2E_SERVER_PROCESS_H_
#define KILN_TESTS_E2E_SERVER_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

namespace kiln {

class ServerProcess {
 public:
  // Returns once it says that it serves; null if it ends instead (see
  // RunServerToItsEnd). `flags` as serve_or_test.cc takes them.
  static std::unique_ptr<ServerProcess> Start(const std::string& data_folder, std::vector<std::string> flags = {});
  // kill -9, if it still lives.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& address() const { return address_; }
  const std::string& metrics_url() const { return metrics_url_; }
  pid_t pid() const { return pid_; }
  // Workers that live now: children of the zygote.
  std::vector<pid_t> Workers() const;
  // Those of them that have stopped themselves (the fake compiler's "stop").
  std::vector<pid_t> StoppedWorkers() const;
  // The zygote: the nanny's child.
  pid_t ZygotePid() const;

  void KillHard();
  // SIGTERM; the exit code.
  int Stop();
  // Until it ends by itself; the exit code.
  int Wait();

 private:
  ServerProcess() = default;

  pid_t pid_ = -1;
  std::string address_;
  std::string metrics_url_;
};

struct EndedServer {
  int exit_code;
  std::string stderr_text;
};
// Starts a server that is expected not to come up.
EndedServer RunServerToItsEnd(const std::string& data_folder, std::vector<std::string> flags = {});

// Client processes that ask at once for what takes the compiler NAME=VALUE options,
// see serve_or_test.cc; their exit codes.
std::vector<int> AskFromProcesses(const std::string& address, int processes, int threads_each,
                                  const std::vector<std::string>& options);

// The pids of a process's children, from /proc.
std::vector<pid_t> ChildrenOf(pid_t pid);

}  // namespace kiln

#endif  // KILN_TESTS_E2E_SERVER_PROCESS_H_
