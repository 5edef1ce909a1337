#include "clients/runtime/node_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

constexpr absl::string_view kSuffix = ".so";
constexpr absl::string_view kDraftPrefix = ".draft-";
// A process that was killed in the middle of a write leaves its draft.
constexpr int64_t kDraftSeconds = 3600;
// Somebody else's bad file may come back between the removal and the put.
constexpr int kAttempts = 3;

absl::Status Failed(absl::string_view what) {
  return MakeError(ErrorReason::kStorage, absl::StrCat("node cache: ", what, ": ", std::strerror(errno)));
}

absl::Status Bad(absl::string_view what) { return MakeError(ErrorReason::kStorage, absl::StrCat("node cache: ", what)); }

absl::Status WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("write");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

NodeCacheOptions OptionsOfEnvironment() {
  NodeCacheOptions options;
  if (const char* size = std::getenv("KILN_NODE_CACHE_MIB"); size != nullptr && *size != '\0') {
    int64_t mib = 0;
    if (absl::SimpleAtoi(size, &mib) && mib > 0 && mib < (int64_t{1} << 40)) {
      options.max_bytes = mib << 20;
    } else {
      // Said once a process; there is nobody to return an error to.
      std::fprintf(stderr, "kiln: KILN_NODE_CACHE_MIB is '%s', which is no number of MiB; %d are used\n", size,
                   static_cast<int>(options.max_bytes >> 20));
    }
  }
  if (const char* folder = std::getenv("KILN_NODE_CACHE"); folder != nullptr) {
    options.folder = absl::string_view(folder) == "none" ? "" : folder;
  } else if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime == '/') {
    options.folder = absl::StrCat(runtime, "/kiln");
  }
  return options;
}

struct FileRow {
  std::string name;
  int64_t used_ns;
  int64_t bytes;
};

}  // namespace

absl::StatusOr<Digest> DigestOfFile(int fd, size_t size) {
  if (size == 0) return Sha256("");
  void* bytes = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (bytes == MAP_FAILED) return Failed("mmap");
  const Digest digest = Sha256({static_cast<const char*>(bytes), size});
  munmap(bytes, size);
  return digest;
}

NodeCache::NodeCache(OwnedFd folder, NodeCacheOptions options)
    : folder_(std::move(folder)), options_(std::move(options)) {}

absl::StatusOr<std::unique_ptr<NodeCache>> NodeCache::Open(const NodeCacheOptions& options) {
  if (mkdir(options.folder.c_str(), 0700) != 0 && errno != EEXIST) return Failed(options.folder);
  OwnedFd folder(open(options.folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info;
  if (folder.get() < 0 || fstat(folder.get(), &info) != 0) return Failed(options.folder);
  if (info.st_uid != geteuid() || (info.st_mode & 077) != 0) {
    return Bad(absl::StrCat(options.folder, " is not its user's alone; chmod 700 it"));
  }
  return std::unique_ptr<NodeCache>(new NodeCache(std::move(folder), options));
}

NodeCache* NodeCache::Shared() {
  // Lives for ever: libraries may be unloaded by static destructors.
  static NodeCache* const shared = []() -> NodeCache* {
    const NodeCacheOptions options = OptionsOfEnvironment();
    if (options.folder.empty()) return nullptr;
    absl::StatusOr<std::unique_ptr<NodeCache>> cache = Open(options);
    return cache.ok() ? cache->release() : nullptr;
  }();
  return shared;
}

absl::StatusOr<OwnedFd> NodeCache::OpenVerified(const std::string& name, size_t size, const Digest& expected) const {
  // Without O_NONBLOCK a pipe of that name would be waited for.
  OwnedFd fd(openat(folder_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (fd.get() < 0 && errno == ENOENT) return absl::NotFoundError(name);
  struct stat info;
  if (fd.get() < 0 || fstat(fd.get(), &info) != 0) return Failed(name);
  const bool is_ours = S_ISREG(info.st_mode) && info.st_uid == geteuid() && (info.st_mode & 0377) == 0;
  if (!is_ours) return Bad(absl::StrCat(name, " is not a file that only its user may read"));
  if (info.st_size != static_cast<off_t>(size)) return Bad(absl::StrCat(name, " has another size"));
  KILN_ASSIGN_OR_RETURN(const Digest digest, DigestOfFile(fd.get(), size));
  if (digest != expected) return Bad(absl::StrCat(name, " has another digest"));
  // For the order of eviction. It may fail without harm.
  futimens(fd.get(), nullptr);
  return fd;
}

absl::Status NodeCache::Put(const std::string& name, absl::string_view elf) const {
  static std::atomic<int64_t> number{0};
  const std::string draft = absl::StrCat(kDraftPrefix, getpid(), "-", number.fetch_add(1), "-", std::time(nullptr));
  OwnedFd fd(openat(folder_.get(), draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (fd.get() < 0) return Failed(draft);
  absl::Status status = WriteAll(fd.get(), elf);
  if (status.ok() && fchmod(fd.get(), 0400) != 0) status = Failed(draft);
  // Never over a file that is there: processes that map it and those that come later
  // would have two.
  if (status.ok() && renameat2(folder_.get(), draft.c_str(), folder_.get(), name.c_str(), RENAME_NOREPLACE) != 0 &&
      errno != EEXIST) {
    status = Failed(name);
  } else if (status.ok()) {
    Evict(name);
  }
  unlinkat(folder_.get(), draft.c_str(), 0);
  return status;
}

absl::StatusOr<OwnedFd> NodeCache::Obtain(absl::string_view elf, const Digest& expected) {
  const std::string name = absl::StrCat(expected.ToHex(), kSuffix);
  absl::Status last;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    absl::StatusOr<OwnedFd> fd = OpenVerified(name, elf.size(), expected);
    if (fd.ok()) return fd;
    last = fd.status();
    if (attempt == 0 && Sha256(elf) != expected) {
      return MakeError(ErrorReason::kArtifactCorrupt, absl::StrCat("the artifact's SHA-256 is ", Sha256(elf).ToHex(),
                                                                   " but its signed record says ", expected.ToHex()));
    }
    if (!absl::IsNotFound(last)) unlinkat(folder_.get(), name.c_str(), 0);
    KILN_RETURN_IF_ERROR(Put(name, elf));
  }
  return last;
}

void NodeCache::Evict(const std::string& newest) const {
  const int fd = openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const dir = fd < 0 ? nullptr : fdopendir(fd);
  if (dir == nullptr) return;
  std::vector<FileRow> files;
  int64_t total = 0;
  const int64_t now = std::time(nullptr);
  while (const dirent* entry = readdir(dir)) {
    const absl::string_view name = entry->d_name;
    struct stat info;
    if (fstatat(folder_.get(), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (absl::StartsWith(name, kDraftPrefix) && info.st_mtim.tv_sec < now - kDraftSeconds) {
      unlinkat(folder_.get(), entry->d_name, 0);
    }
    if (!absl::EndsWith(name, kSuffix)) continue;
    files.push_back({std::string(name), info.st_mtim.tv_sec * int64_t{1000000000} + info.st_mtim.tv_nsec, info.st_size});
    total += info.st_size;
  }
  closedir(dir);
  std::sort(files.begin(), files.end(), [](const FileRow& a, const FileRow& b) { return a.used_ns < b.used_ns; });
  for (const FileRow& file : files) {
    if (total <= options_.max_bytes) return;
    if (file.name == newest) continue;
    // Whoever has it mapped keeps it.
    if (unlinkat(folder_.get(), file.name.c_str(), 0) == 0) total -= file.bytes;
  }
}

}  // namespace kiln
