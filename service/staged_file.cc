#include "service/staged_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {
namespace {

absl::Status Failed(absl::string_view what) {
  return MakeError(ErrorReason::kStorage, absl::StrCat(what, ": ", std::strerror(errno)));
}

// Not every file system has files without a name.
int OpenNameless(const std::string& folder) {
  const int fd = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) return fd;
  std::string path = absl::StrCat(folder, "/staged_XXXXXX");
  const int named = mkostemp(path.data(), O_CLOEXEC);
  if (named >= 0) unlink(path.c_str());
  return named;
}

}  // namespace

absl::StatusOr<StagedFile> StagedFile::Create(const std::string& folder) {
  UniqueFd fd(folder.empty() ? memfd_create("kiln-import", MFD_CLOEXEC) : OpenNameless(folder));
  if (!fd.valid()) return Failed(absl::StrCat("a file in ", folder.empty() ? "memory" : folder));
  return StagedFile(std::move(fd));
}

absl::Status StagedFile::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(fd_.get(), bytes.data(), bytes.size(), size_);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("keeping what is imported");
    bytes.remove_prefix(static_cast<size_t>(written));
    size_ += written;
  }
  return absl::OkStatus();
}

absl::StatusOr<ByteSource> StagedFile::Source() const {
  auto at = std::make_shared<int64_t>(0);
  return [fd = fd_.get(), at](char* buffer, size_t size) -> absl::StatusOr<size_t> {
    size_t got = 0;
    while (got < size) {
      const ssize_t now = pread(fd, buffer + got, size - got, *at);
      if (now < 0 && errno == EINTR) continue;
      if (now < 0) return Failed("reading what is imported");
      if (now == 0) break;
      got += static_cast<size_t>(now);
      *at += now;
    }
    return got;
  };
}

}  // namespace kiln
