#include "service/atomic_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "service/unique_fd.h"

namespace kiln {
namespace {

absl::Status Failed(absl::string_view what, const std::string& path) {
  return MakeError(ErrorReason::kStorage, absl::StrCat(what, " ", path, ": ", std::strerror(errno)));
}

bool WriteAll(int fd, absl::string_view contents) {
  while (!contents.empty()) {
    const ssize_t written = write(fd, contents.data(), contents.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) contents.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

absl::Status WriteFileAtomically(const std::string& path, absl::string_view contents, mode_t mode) {
  const std::string draft = absl::StrCat(path, ".", getpid(), ".tmp");
  UniqueFd fd(open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd.valid()) return Failed("cannot write", draft);
  // The mode again, since open() takes the umask off it.
  const bool written = fchmod(fd.get(), mode) == 0 && WriteAll(fd.get(), contents) && fsync(fd.get()) == 0;
  if (written && rename(draft.c_str(), path.c_str()) == 0) return absl::OkStatus();
  absl::Status status = Failed("cannot write", path);
  unlink(draft.c_str());
  return status;
}

}  // namespace kiln
