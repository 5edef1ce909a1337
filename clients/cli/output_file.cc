#include "clients/cli/output_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kiln {
namespace {

// What a new file's mode is: that of one that open() would make.
mode_t NewFileMode() {
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

}  // namespace

OutputFile::OutputFile(std::string path, std::string target, std::string partial, int fd)
    : path_(std::move(path)), target_(std::move(target)), partial_(std::move(partial)), fd_(fd) {}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      partial_(std::exchange(other.partial_, std::string())),
      fd_(std::exchange(other.fd_, -1)) {}

OutputFile::~OutputFile() {
  if (fd_ >= 0) close(fd_);
  if (!partial_.empty()) unlink(partial_.c_str());
}

absl::Status OutputFile::Failed() const { return absl::ErrnoToStatus(errno, path_); }

absl::StatusOr<OutputFile> OutputFile::Create(const std::string& path) {
  struct stat there;
  const bool is_there = stat(path.c_str(), &there) == 0;
  if (is_there && S_ISDIR(there.st_mode)) return absl::ErrnoToStatus(EISDIR, path);
  if (is_there && !S_ISREG(there.st_mode)) {
    OutputFile file(path, path, "", open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.fd_ < 0) return file.Failed();
    return file;
  }
  std::error_code error;
  const std::filesystem::path linked = std::filesystem::canonical(path, error);
  const std::string target = error ? path : linked.string();
  std::string partial = absl::StrCat(target, ".XXXXXX");
  const int fd = mkostemp(partial.data(), O_CLOEXEC);
  OutputFile file(path, target, fd < 0 ? "" : partial, fd);
  if (fd < 0 || fchmod(fd, is_there ? there.st_mode & 07777 : NewFileMode()) != 0) return file.Failed();
  return file;
}

absl::Status OutputFile::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed();
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status OutputFile::Commit() {
  if (close(std::exchange(fd_, -1)) != 0) return Failed();
  if (partial_.empty()) return absl::OkStatus();
  if (rename(partial_.c_str(), target_.c_str()) != 0) return Failed();
  partial_.clear();
  return absl::OkStatus();
}

}  // namespace kiln
