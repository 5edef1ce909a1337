#include "tests/e2e/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <utility>

extern char** environ;

namespace kiln {
namespace {

struct Child {
  pid_t pid;
  FILE* output;  // of the descriptor that was asked for
};

// This binary again.
Child Spawn(std::vector<std::string> words, int captured) {
  std::vector<char*> argv;
  words.insert(words.begin(), "/proc/self/exe");
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {-1, nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], captured);
  Child child = {-1, fdopen(ends[0], "r")};
  posix_spawn(&child.pid, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  return child;
}

Child SpawnServer(const std::string& data_folder, const std::vector<std::string>& flags, int captured) {
  std::vector<std::string> words = {"--serve", "--data=" + data_folder};
  words.insert(words.end(), flags.begin(), flags.end());
  return Spawn(std::move(words), captured);
}

int ExitCode(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::unique_ptr<ServerProcess> ServerProcess::Start(const std::string& data_folder, std::vector<std::string> flags) {
  const Child child = SpawnServer(data_folder, flags, STDOUT_FILENO);
  std::unique_ptr<ServerProcess> server(new ServerProcess);
  server->pid_ = child.pid;
  char address[256] = {};
  char metrics[256] = {};
  const int fields = fscanf(child.output, "kiln: serving on %255s metrics %255s", address, metrics);
  fclose(child.output);
  if (fields != 2) return nullptr;
  server->address_ = address;
  server->metrics_url_ = metrics;
  return server;
}

ServerProcess::~ServerProcess() { KillHard(); }

void ServerProcess::KillHard() {
  // kill(-1) would be everybody.
  if (pid_ <= 1) return;
  kill(pid_, SIGKILL);
  ExitCode(std::exchange(pid_, -1));
}

int ServerProcess::Stop() {
  if (pid_ > 1) kill(pid_, SIGTERM);
  return Wait();
}

int ServerProcess::Wait() { return ExitCode(std::exchange(pid_, -1)); }

pid_t ServerProcess::ZygotePid() const {
  for (pid_t nanny : ChildrenOf(pid_)) {
    for (pid_t zygote : ChildrenOf(nanny)) return zygote;
  }
  return -1;
}

std::vector<pid_t> ServerProcess::Workers() const { return ChildrenOf(ZygotePid()); }

std::vector<pid_t> ServerProcess::StoppedWorkers() const {
  std::vector<pid_t> stopped;
  for (pid_t pid : Workers()) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(file, line);
    // "123 (kiln-worker) T ..."
    const size_t name_end = line.rfind(") ");
    if (name_end != std::string::npos && line[name_end + 2] == 'T') stopped.push_back(pid);
  }
  return stopped;
}

EndedServer RunServerToItsEnd(const std::string& data_folder, std::vector<std::string> flags) {
  const Child child = SpawnServer(data_folder, flags, STDERR_FILENO);
  std::string text;
  for (int c; (c = fgetc(child.output)) != EOF;) text.push_back(static_cast<char>(c));
  fclose(child.output);
  return {ExitCode(child.pid), text};
}

std::vector<int> AskFromProcesses(const std::string& address, int processes, int threads_each,
                                  const std::vector<std::string>& options) {
  std::vector<std::string> words = {"--ask", address, std::to_string(threads_each)};
  words.insert(words.end(), options.begin(), options.end());
  std::vector<Child> children;
  for (int i = 0; i < processes; ++i) children.push_back(Spawn(words, STDOUT_FILENO));
  std::vector<int> exit_codes;
  for (const Child& child : children) {
    exit_codes.push_back(ExitCode(child.pid));
    fclose(child.output);
  }
  return exit_codes;
}

std::vector<pid_t> ChildrenOf(pid_t pid) {
  std::vector<pid_t> children;
  if (pid < 0) return children;
  std::ostringstream path;
  path << "/proc/" << pid << "/task/" << pid << "/children";
  std::ifstream file(path.str());
  for (pid_t child; file >> child;) children.push_back(child);
  return children;
}

}  // namespace kiln
