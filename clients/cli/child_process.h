// A process that this command starts and waits for. Its standard error is ours.
#ifndef KILN_CLIENTS_CLI_CHILD_PROCESS_H_
#define KILN_CLIENTS_CLI_CHILD_PROCESS_H_

#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace kiln {

// Thread-compatible. What still runs is ended with SIGTERM, and waited for.
class ChildProcess {
 public:
  // `words[0]` is looked for on PATH. NOT_FOUND, naming it.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(const std::vector<std::string>& words,
                                                             bool reads_output = false);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // The next line of its standard output, if that is read; empty at its end.
  std::string ReadLine();
  // SIGTERM.
  void Terminate();
  // Its exit code; 128 and the signal's number if one ended it.
  int Wait();

 private:
  ChildProcess(pid_t pid, std::FILE* output) : pid_(pid), output_(output) {}

  pid_t pid_;
  std::FILE* const output_;  // null if it is not read
};

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_CHILD_PROCESS_H_
