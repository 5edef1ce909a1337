#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/artifact/elf_machine.h"
#include "compiler/artifact/kiln_abi.h"
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/manifest_object.h"
#include "lld/Common/Driver.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(elf)

namespace kiln {
namespace {

absl::Status Failed(absl::string_view what) {
  return MakeError(ErrorReason::kCompilerBug, absl::StrCat("link: ", what, ": ", std::strerror(errno)));
}

// A file in memory that the linker reads by its path under /proc.
class MemoryFile {
 public:
  MemoryFile() = default;
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() {
    if (fd_ >= 0) close(fd_);
  }

  absl::Status Write(absl::string_view bytes) {
    fd_ = memfd_create("kiln", MFD_CLOEXEC);
    if (fd_ < 0) return Failed("memfd_create");
    while (!bytes.empty()) {
      const ssize_t n = write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return Failed("write");
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return absl::OkStatus();
  }
  std::string path() const { return absl::StrCat("/proc/self/fd/", fd_); }

 private:
  int fd_ = -1;
};

// Where to link: the linker makes its output beside its final place and renames it, so
// that needs a folder. The next one is for where the first is full or read-only.
std::vector<std::string> OutputPlaces() {
  const char* said = getenv("TMPDIR");
  return {said != nullptr && *said != '\0' ? said : "/tmp", "/dev/shm"};
}

class OutputFolder {
 public:
  OutputFolder() = default;
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;
  ~OutputFolder() {
    if (path_.empty()) return;
    unlink(file().c_str());
    rmdir(path_.c_str());
  }

  // For an output of at most `bytes`. The linker itself ends the process on a full disk.
  absl::Status Make(const std::string& place, uint64_t bytes) {
    struct statvfs room;
    if (statvfs(place.c_str(), &room) == 0 && room.f_bavail * room.f_frsize < bytes) {
      return MakeError(ErrorReason::kStorage, absl::StrCat(place, " has no room for ", bytes, " bytes"));
    }
    std::string pattern = absl::StrCat(place, "/kiln-link-XXXXXX");
    if (mkdtemp(pattern.data()) == nullptr) {
      return MakeError(ErrorReason::kStorage, absl::StrCat(place, ": ", std::strerror(errno)));
    }
    path_ = pattern;
    return absl::OkStatus();
  }
  std::string file() const { return path_ + "/artifact.so"; }

 private:
  std::string path_;
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Failed(path);
  std::string bytes;
  char block[1 << 16];
  ssize_t n = 0;
  while ((n = read(fd, block, sizeof(block))) > 0) bytes.append(block, static_cast<size_t>(n));
  close(fd);
  if (n < 0) return Failed(path);
  return bytes;
}

// Links with `args`, and an output of at most `bytes` in `place`.
absl::StatusOr<std::string> LinkIn(const std::string& place, uint64_t bytes, std::vector<const char*> args) {
  OutputFolder folder;
  KILN_RETURN_IF_ERROR(folder.Make(place, bytes));
  const std::string output = folder.file();
  args.insert(args.end(), {"-o", output.c_str()});
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  const lld::Result result = lld::lldMain(args, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode == 0) return ReadFile(output);
  return MakeError(ErrorReason::kCompilerBug, absl::StrCat("link: ", stream.str()));
}

}  // namespace

absl::StatusOr<std::string> LinkArtifact(const ObjectCode& code, const v1::Manifest& manifest) {
  KILN_ASSIGN_OR_RETURN(const ElfMachine* machine, FindElfMachine(code.arch));
  std::vector<MemoryFile> objects(code.units.size());
  MemoryFile manifest_object, exports;
  for (size_t i = 0; i < objects.size(); ++i) KILN_RETURN_IF_ERROR(objects[i].Write(code.units[i].object));
  KILN_RETURN_IF_ERROR(manifest_object.Write(MakeManifestObject(manifest.SerializeAsString(), machine->machine)));
  KILN_RETURN_IF_ERROR(exports.Write("{ global: " KILN_ENTRY_SYMBOL "; local: *; };\n"));
  const std::string version_script = "--version-script=" + exports.path();
  std::vector<std::string> inputs;
  for (const MemoryFile& object : objects) inputs.push_back(object.path());
  inputs.push_back(manifest_object.path());
  // No kernel of this processor has larger pages: what is read-only after
  // relocation shares none with anything else.
  const std::string max_page = absl::StrCat("max-page-size=", machine->page_bytes);
  const std::string common_page = absl::StrCat("common-page-size=", machine->page_bytes);
  // DT_HASH says how many symbols there are: CheckSharedObject() looks at all of them.
  // One thread: lld's pool of threads would outlive the call.
  std::vector<const char*> args = {
      "ld.lld", "-shared", "-z", "defs", "-z", "now", "-z", "relro", "-z", "noexecstack",
      "-z", max_page.c_str(), "-z", common_page.c_str(),
      "--hash-style=sysv", "--build-id=none", "--threads=1", "--gc-sections", version_script.c_str()};
  for (const std::string& input : inputs) args.push_back(input.c_str());
  // Beside what comes in there are tables and padding between segments.
  uint64_t most = uint64_t{1} << 20;
  for (const auto& unit : code.units) most += unit.object.size();
  most += manifest.ByteSizeLong();
  std::vector<std::string> refusals;
  for (const std::string& place : OutputPlaces()) {
    absl::StatusOr<std::string> linked = LinkIn(place, most, args);
    if (GetErrorReason(linked.status()) != ErrorReason::kStorage) return linked;
    refusals.emplace_back(linked.status().message());
  }
  // Of the machine's, not the graph's: another server, or this one later, may do it.
  return MakeError(ErrorReason::kStorage, absl::StrCat("link: no folder takes the linked file: ", absl::StrJoin(refusals, "; "),
                                                       "; set the server's TMPDIR to one that does"));
}

}  // namespace kiln
