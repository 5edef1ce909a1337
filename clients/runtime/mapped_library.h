// The bytes of a shared object as code in this process: the node's one file of them
// (node_cache.h), or, where there is none, a copy in a sealed memfd, which nobody can
// change any more. Hashed through the descriptor that is then handed to the dynamic
// linker, so that what was verified is what runs.
//
// One digest is mapped once; holders share it and the last one unloads it.
#ifndef KILN_CLIENTS_RUNTIME_MAPPED_LIBRARY_H_
#define KILN_CLIENTS_RUNTIME_MAPPED_LIBRARY_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/digest.h"
#include "clients/runtime/node_cache.h"

namespace kiln {

// Thread-safe.
class MappedLibrary {
 public:
  // ARTIFACT_CORRUPT if the sealed bytes' SHA-256 is not `expected`;
  // ARTIFACT_REFUSED, with the system's words, if they cannot be mapped here.
  // `node` may be null.
  static absl::StatusOr<std::shared_ptr<const MappedLibrary>> Map(absl::string_view elf, const Digest& expected,
                                                                  NodeCache* node = NodeCache::Shared());
  ~MappedLibrary();
  MappedLibrary(const MappedLibrary&) = delete;
  MappedLibrary& operator=(const MappedLibrary&) = delete;

  // nullptr if the library exports no such symbol.
  void* Find(const std::string& symbol) const;

 private:
  MappedLibrary(int fd, void* handle) : fd_(fd), handle_(handle) {}
  static absl::StatusOr<std::shared_ptr<const MappedLibrary>> MapAnew(absl::string_view elf, const Digest& expected,
                                                                      NodeCache* node);
  static absl::StatusOr<std::shared_ptr<const MappedLibrary>> LoadFrom(OwnedFd fd);

  // dlopen knows a library by its path, here /proc/self/fd/<fd_>. The descriptor
  // stays open while the library is loaded, so that no other gets its number.
  const int fd_;
  void* const handle_;
};

}  // namespace kiln

#endif  // KILN_CLIENTS_RUNTIME_MAPPED_LIBRARY_H_
