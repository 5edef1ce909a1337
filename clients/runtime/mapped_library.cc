#include "clients/runtime/mapped_library.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"

// Newer than Debian 12's headers; kernels before 6.3 refuse it.
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace kiln {
namespace {

absl::Status Refused(absl::string_view what) {
  return MakeError(ErrorReason::kArtifactRefused, absl::StrCat("the artifact cannot be mapped: ", what));
}

absl::Status SystemRefused(absl::string_view call) {
  return Refused(absl::StrCat(call, ": ", std::strerror(errno)));
}

int CreateMemfd() {
  const int fd = memfd_create("kiln-artifact", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (fd >= 0 || errno != EINVAL) return fd;
  return memfd_create("kiln-artifact", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

absl::Status WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemRefused("write to memfd");
    bytes.remove_prefix(written);
  }
  return absl::OkStatus();
}

struct Registry {
  std::mutex mutex;
  std::map<Digest, std::weak_ptr<const MappedLibrary>> libraries;
};

// Lives for ever: libraries may be unloaded by static destructors.
Registry& LoadedLibraries() {
  static Registry* registry = new Registry;
  return *registry;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const MappedLibrary>> MappedLibrary::LoadFrom(OwnedFd fd) {
  const std::string path = absl::StrCat("/proc/self/fd/", fd.get());
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* error = dlerror();
    return Refused(error == nullptr ? "dlopen failed" : error);
  }
  return std::shared_ptr<const MappedLibrary>(new MappedLibrary(fd.release(), handle));
}

absl::StatusOr<std::shared_ptr<const MappedLibrary>> MappedLibrary::MapAnew(absl::string_view elf,
                                                                            const Digest& expected, NodeCache* node) {
  if (node != nullptr) {
    absl::StatusOr<OwnedFd> file = node->Obtain(elf, expected);
    if (GetErrorReason(file.status()) == ErrorReason::kArtifactCorrupt) return file.status();
    // A folder that is full, gone or on a file system without code is no reason not to
    // run: this process then has a copy of its own.
    if (file.ok()) {
      absl::StatusOr<std::shared_ptr<const MappedLibrary>> library = LoadFrom(*std::move(file));
      if (library.ok()) return library;
    }
  }
  OwnedFd fd(CreateMemfd());
  if (fd.get() < 0) return SystemRefused("memfd_create");
  KILN_RETURN_IF_ERROR(WriteAll(fd.get(), elf));
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    return SystemRefused("sealing the memfd");
  }
  KILN_ASSIGN_OR_RETURN(Digest digest, DigestOfFile(fd.get(), elf.size()));
  if (digest != expected) {
    return MakeError(ErrorReason::kArtifactCorrupt, absl::StrCat("the artifact's SHA-256 is ", digest.ToHex(),
                                                                 " but its signed record says ", expected.ToHex()));
  }
  return LoadFrom(std::move(fd));
}

absl::StatusOr<std::shared_ptr<const MappedLibrary>> MappedLibrary::Map(absl::string_view elf,
                                                                        const Digest& expected, NodeCache* node) {
  Registry& loaded = LoadedLibraries();
  std::lock_guard<std::mutex> lock(loaded.mutex);
  // Bytes of this digest that are mapped already were verified then; those of
  // this call are not used, but must be what they say.
  if (std::shared_ptr<const MappedLibrary> library = loaded.libraries[expected].lock()) {
    if (Sha256(elf) == expected) return library;
  }
  absl::StatusOr<std::shared_ptr<const MappedLibrary>> library = MapAnew(elf, expected, node);
  if (library.ok()) loaded.libraries[expected] = *library;
  return library;
}

MappedLibrary::~MappedLibrary() {
  const std::string path = absl::StrCat("/proc/self/fd/", fd_);
  dlclose(handle_);
  // If something else still holds the library, its path must stay taken.
  if (void* still = dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD)) {
    dlclose(still);
    return;
  }
  close(fd_);
}

void* MappedLibrary::Find(const std::string& symbol) const { return dlsym(handle_, symbol.c_str()); }

}  // namespace kiln
