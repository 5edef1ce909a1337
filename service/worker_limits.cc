#include "service/worker_limits.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

// Address space of this process in bytes; 0 if /proc is not there.
int64_t AddressSpaceBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  long long pages = 0;
  const int fields = std::fscanf(file, "%lld", &pages);
  std::fclose(file);
  return fields == 1 ? static_cast<int64_t>(pages) * sysconf(_SC_PAGESIZE) : 0;
}

absl::Status SetLimit(int resource, rlim_t value, absl::string_view name) {
  const rlimit limit = {value, value};
  if (setrlimit(resource, &limit) == 0) return absl::OkStatus();
  return MakeError(ErrorReason::kCompilerBug, absl::StrCat("setrlimit ", name, " to ", value, ": ", strerror(errno)));
}

}  // namespace

absl::Status ConfineWorker(int64_t additional_bytes) {
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0) dup2(nothing, STDIN_FILENO);
  if (nothing > STDERR_FILENO) close(nothing);
  // The front's stdout carries the line that says where it serves.
  dup2(STDERR_FILENO, STDOUT_FILENO);
  KILN_RETURN_IF_ERROR(SetLimit(RLIMIT_CORE, 0, "RLIMIT_CORE"));
  return SetLimit(RLIMIT_AS, static_cast<rlim_t>(AddressSpaceBytes() + additional_bytes), "RLIMIT_AS");
}

}  // namespace kiln
