#include "clients/runtime/testing/hand_made_artifact.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "compiler/artifact/kiln_abi.h"

namespace kiln {
namespace {

// What CheckSharedObject() lets pass: no start files, no library, symbols that can
// be counted, nothing executable but code, everything bound and read-only after
// loading.
constexpr absl::string_view kCompile =
    "cc -std=c11 -O1 -shared -fPIC -nostdlib -fno-stack-protector -fno-asynchronous-unwind-tables "
    "-fcf-protection=none -fuse-ld=bfd -Wl,--hash-style=sysv,--build-id=none,-z,now,-z,relro,-z,noexecstack";

// A folder that goes away with everything in it.
class ScratchFolder {
 public:
  ScratchFolder() {
    const char* base = std::getenv("TMPDIR");
    std::string pattern = absl::StrCat(base == nullptr ? "/tmp" : base, "/kiln-artifact-XXXXXX");
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~ScratchFolder() {
    for (const char* name : {"code.c", "code.so", "manifest", "artifact.so", "log"}) unlink(File(name).c_str());
    rmdir(path_.c_str());
  }
  std::string File(absl::string_view name) const { return absl::StrCat(path_, "/", name); }

 private:
  std::string path_;
};

void Write(const std::string& path, absl::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string Read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

absl::Status Run(const std::string& command, const std::string& log) {
  if (std::system(absl::StrCat(command, " >", log, " 2>&1").c_str()) == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(command, ": ", Read(log)));
}

}  // namespace

absl::StatusOr<std::string> CompileHandMade(absl::string_view c_source, const v1::Manifest& manifest) {
  ScratchFolder folder;
  Write(folder.File("code.c"), c_source);
  Write(folder.File("manifest"), manifest.SerializeAsString());
  const std::string log = folder.File("log");
  absl::Status compiled = Run(absl::StrCat(kCompile, " -I", KILN_SOURCE_DIR, " -o ", folder.File("code.so"), " ",
                                           folder.File("code.c")),
                              log);
  if (!compiled.ok()) return compiled;
  absl::Status packed = Run(absl::StrCat("objcopy --add-section ", KILN_MANIFEST_SECTION, "=", folder.File("manifest"),
                                         " ", folder.File("code.so"), " ", folder.File("artifact.so")),
                            log);
  if (!packed.ok()) return packed;
  return Read(folder.File("artifact.so"));
}

v1::VariantRecord RecordOf(absl::string_view elf, const v1::Manifest& manifest) {
  v1::VariantRecord record;
  record.set_format_version(1);
  *record.mutable_key() = manifest.key();
  *record.mutable_guards() = manifest.guards();
  record.set_abi_version(manifest.abi_version());
  *record.mutable_isa_features() = manifest.isa_features();
  record.set_artifact_sha256(std::string(Sha256(elf).bytes()));
  record.set_artifact_bytes(static_cast<int64_t>(elf.size()));
  record.set_compiler_build(manifest.compiler_build());
  for (const v1::ExternOp& op : manifest.extern_ops()) record.add_extern_ops(op.name());
  *record.mutable_symbols() = manifest.symbols();
  return record;
}

v1::Manifest BareManifest(absl::string_view name) {
  v1::Manifest manifest;
  manifest.set_format_version(1);
  manifest.set_abi_version(KILN_ABI_VERSION);
  manifest.set_arch("x86_64");
  manifest.set_compiler_build("by hand");
  v1::EntryPoint* entry = manifest.add_entry_points();
  entry->set_name("main");
  entry->set_symbol(KILN_ENTRY_SYMBOL);
  v1::KeyComponents* key = manifest.mutable_key();
  key->set_graph(std::string(Sha256(absl::StrCat("graph ", name)).bytes()));
  key->set_signature(std::string(Sha256(absl::StrCat("signature ", name)).bytes()));
  key->set_options(std::string(Sha256("options").bytes()));
  key->set_compiler_build(std::string(Sha256("by hand").bytes()));
  key->set_target_family("cpu/x86_64");
  return manifest;
}

}  // namespace kiln
