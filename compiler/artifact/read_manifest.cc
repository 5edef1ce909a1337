#include "compiler/artifact/read_manifest.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "compiler/artifact/elf_bytes.h"
#include "compiler/artifact/kiln_abi.h"

namespace kiln {
namespace {

absl::StatusOr<absl::string_view> FindManifest(absl::string_view elf) {
  KILN_ASSIGN_OR_RETURN(const Elf64_Ehdr header, ReadElfHeader(elf));
  if (header.e_shentsize != sizeof(Elf64_Shdr)) {
    return CorruptArtifact(
        absl::StrCat("its section headers have ", header.e_shentsize, " bytes, not ", sizeof(Elf64_Shdr)));
  }
  if (header.e_shstrndx >= header.e_shnum) {
    return CorruptArtifact("its section name table is outside the section table");
  }
  auto section = [&](uint32_t index) -> std::optional<Elf64_Shdr> {
    const uint64_t step = uint64_t{index} * sizeof(Elf64_Shdr);
    if (header.e_shoff > elf.size()) return std::nullopt;
    return ReadAt<Elf64_Shdr>(elf, header.e_shoff + step);
  };
  std::optional<Elf64_Shdr> names_header = section(header.e_shstrndx);
  if (!names_header.has_value()) return CorruptArtifact("its section table is outside the file");
  std::optional<absl::string_view> names = Slice(elf, names_header->sh_offset, names_header->sh_size);
  if (!names.has_value()) return CorruptArtifact("its section names are outside the file");
  std::optional<absl::string_view> found;
  for (uint32_t i = 0; i < header.e_shnum; ++i) {
    std::optional<Elf64_Shdr> entry = section(i);
    if (!entry.has_value()) return CorruptArtifact(absl::StrCat("section ", i, " is outside the file"));
    if (NameAt(*names, entry->sh_name) != KILN_MANIFEST_SECTION) continue;
    if (found.has_value()) return CorruptArtifact("it has two manifests");
    found = Slice(elf, entry->sh_offset, entry->sh_size);
    if (!found.has_value()) return CorruptArtifact("its manifest is outside the file");
  }
  if (!found.has_value()) return CorruptArtifact(absl::StrCat("it has no section ", KILN_MANIFEST_SECTION));
  return *found;
}

}  // namespace

absl::StatusOr<v1::Manifest> ReadManifest(absl::string_view elf) {
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kArtifactBytes, static_cast<int64_t>(elf.size()), "artifact"));
  KILN_ASSIGN_OR_RETURN(absl::string_view bytes, FindManifest(elf));
  v1::Manifest manifest;
  if (!manifest.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return CorruptArtifact("its manifest does not parse");
  }
  if (manifest.format_version() != 1) {
    return CorruptArtifact(
        absl::StrCat("its manifest has format ", manifest.format_version(), " but this build knows 1"));
  }
  return manifest;
}

}  // namespace kiln
