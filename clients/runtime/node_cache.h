// Artifacts on a node: one file for all processes of a user, which each of them maps, so
// that sixteen ranks have one copy of the code in memory.
//
// What is promised: the bytes that a descriptor had when it was verified are those of the
// file that is mapped through it; nothing under a name is believed, whoever put it there.
// What is not: that a process of the same user does not change the file afterwards. Files
// have mode 0400 in a folder of mode 0700, and whoever can write there could as well
// change this process. Where that is not so (the folder belongs to another, or others may
// enter it) there is no node cache, and every process has its own sealed copy.
//
//   <folder>/<SHA-256 in hex>.so
#ifndef KILN_CLIENTS_RUNTIME_NODE_CACHE_H_
#define KILN_CLIENTS_RUNTIME_NODE_CACHE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/digest.h"
#include "clients/runtime/owned_fd.h"

namespace kiln {

struct NodeCacheOptions {
  // Made if it is not there, but not what is above it.
  std::string folder;
  // The files that were obtained longest ago go first; the newest stays.
  int64_t max_bytes = int64_t{1} << 30;
};

// Thread-safe, and safe beside other processes.
class NodeCache {
 public:
  // STORAGE, naming the folder, for one that cannot be made or is not this user's alone.
  static absl::StatusOr<std::unique_ptr<NodeCache>> Open(const NodeCacheOptions& options);

  // The process's own: of KILN_NODE_CACHE, else of `kiln` in XDG_RUNTIME_DIR, with
  // KILN_NODE_CACHE_MIB for its size. Null if neither is set, KILN_NODE_CACHE is "none", or
  // the folder is refused.
  static NodeCache* Shared();

  // The artifact's file, open for reading and verified: the one that is there, or `elf`
  // put there. What is there and is not the artifact is replaced.
  //   ARTIFACT_CORRUPT: `elf` is not what `expected` says. STORAGE: no file can be had.
  absl::StatusOr<OwnedFd> Obtain(absl::string_view elf, const Digest& expected);

 private:
  NodeCache(OwnedFd folder, NodeCacheOptions options);
  absl::StatusOr<OwnedFd> OpenVerified(const std::string& name, size_t size, const Digest& expected) const;
  absl::Status Put(const std::string& name, absl::string_view elf) const;
  void Evict(const std::string& newest) const;

  // Constant after construction.
  const OwnedFd folder_;
  const NodeCacheOptions options_;
};

// The SHA-256 of what the descriptor's file holds now, `size` bytes. STORAGE.
absl::StatusOr<Digest> DigestOfFile(int fd, size_t size);

}  // namespace kiln

#endif  // KILN_CLIENTS_RUNTIME_NODE_CACHE_H_
