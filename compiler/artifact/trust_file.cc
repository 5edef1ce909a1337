#include "compiler/artifact/trust_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/error.h"

namespace kiln {
namespace {

// kRevocations lines of 128 bytes.
constexpr int64_t kMaxFileBytes = int64_t{8} << 20;

absl::Status Unreadable(const std::string& path, absl::string_view why) {
  return MakeError(ErrorReason::kStorage, absl::StrCat(path, ": ", why));
}

absl::StatusOr<std::string> ReadFd(int fd, const std::string& path) {
  struct stat info;
  if (fstat(fd, &info) != 0) return Unreadable(path, std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return Unreadable(path, "is no file");
  if (info.st_size > kMaxFileBytes) return Unreadable(path, absl::StrCat("has more than ", kMaxFileBytes, " bytes"));
  std::string text;
  char buffer[1 << 14];
  while (true) {
    const ssize_t got = read(fd, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unreadable(path, std::strerror(errno));
    if (got == 0) return text;
    text.append(buffer, static_cast<size_t>(got));
    if (static_cast<int64_t>(text.size()) > kMaxFileBytes) return Unreadable(path, "grows while it is read");
  }
}

}  // namespace

absl::StatusOr<std::string> ReadTrustFile(const std::string& path) {
  // Without O_NONBLOCK a pipe of that name would be waited for.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT) return absl::NotFoundError(path);
  if (fd < 0) return Unreadable(path, std::strerror(errno));
  absl::StatusOr<std::string> text = ReadFd(fd, path);
  close(fd);
  return text;
}

}  // namespace kiln
