#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
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

// The linker makes its output beside its final place and renames it, so that
// needs a folder.
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

  absl::Status Make() {
    const char* base = getenv("TMPDIR");
    std::string pattern = absl::StrCat(base == nullptr ? "/tmp" : base, "/kiln-link-XXXXXX");
    if (mkdtemp(pattern.data()) == nullptr) return Failed(pattern);
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

}  // namespace

absl::StatusOr<std::string> LinkArtifact(const ObjectCode& code, const v1::Manifest& manifest) {
  KILN_ASSIGN_OR_RETURN(const ElfMachine* machine, FindElfMachine(code.arch));
  std::vector<MemoryFile> objects(code.units.size());
  MemoryFile manifest_object, exports;
  OutputFolder folder;
  for (size_t i = 0; i < objects.size(); ++i) KILN_RETURN_IF_ERROR(objects[i].Write(code.units[i].object));
  KILN_RETURN_IF_ERROR(manifest_object.Write(MakeManifestObject(manifest.SerializeAsString(), machine->machine)));
  KILN_RETURN_IF_ERROR(exports.Write("{ global: " KILN_ENTRY_SYMBOL "; local: *; };\n"));
  KILN_RETURN_IF_ERROR(folder.Make());
  const std::string output = folder.file();
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
      "--hash-style=sysv", "--build-id=none", "--threads=1", "--gc-sections", version_script.c_str(),
      "-o", output.c_str()};
  for (const std::string& input : inputs) args.push_back(input.c_str());
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  const lld::Result result = lld::lldMain(args, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0) {
    return MakeError(ErrorReason::kCompilerBug, absl::StrCat("link: ", stream.str()));
  }
  return ReadFile(output);
}

}  // namespace kiln
