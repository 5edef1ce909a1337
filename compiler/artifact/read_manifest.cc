#include "compiler/artifact/read_manifest.h"

#include <elf.h>

#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "compiler/artifact/kiln_abi.h"

namespace kiln {
namespace {

absl::Status Corrupt(absl::string_view what) {
  return MakeError(ErrorReason::kArtifactCorrupt, absl::StrCat("artifact: ", what));
}

// The bytes [offset, offset + size) of `elf`, if they are there.
std::optional<absl::string_view> Slice(absl::string_view elf, uint64_t offset, uint64_t size) {
  if (offset > elf.size() || size > elf.size() - offset) return std::nullopt;
  return elf.substr(offset, size);
}

template <typename T>
std::optional<T> ReadAt(absl::string_view elf, uint64_t offset) {
  std::optional<absl::string_view> bytes = Slice(elf, offset, sizeof(T));
  if (!bytes.has_value()) return std::nullopt;
  T value;
  std::memcpy(&value, bytes->data(), sizeof(T));
  return value;
}

absl::Status CheckHeader(const Elf64_Ehdr& header) {
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return Corrupt("it does not start with ELF's magic");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) {
    return Corrupt("it is not a 64-bit little-endian object");
  }
  if (header.e_type != ET_DYN) return Corrupt(absl::StrCat("its ELF type is ", header.e_type, ", not a shared object"));
  if (header.e_shentsize != sizeof(Elf64_Shdr)) {
    return Corrupt(absl::StrCat("its section headers have ", header.e_shentsize, " bytes, not ", sizeof(Elf64_Shdr)));
  }
  if (header.e_shstrndx >= header.e_shnum) return Corrupt("its section name table is outside the section table");
  return absl::OkStatus();
}

// The name at `offset` of the string table `names`, empty when it runs out.
absl::string_view NameAt(absl::string_view names, uint32_t offset) {
  if (offset >= names.size()) return "";
  absl::string_view rest = names.substr(offset);
  return rest.substr(0, rest.find('\0'));
}

absl::StatusOr<absl::string_view> FindManifest(absl::string_view elf) {
  std::optional<Elf64_Ehdr> header = ReadAt<Elf64_Ehdr>(elf, 0);
  if (!header.has_value()) return Corrupt(absl::StrCat("it has only ", elf.size(), " bytes"));
  KILN_RETURN_IF_ERROR(CheckHeader(*header));
  auto section = [&](uint32_t index) -> std::optional<Elf64_Shdr> {
    const uint64_t step = uint64_t{index} * sizeof(Elf64_Shdr);
    if (header->e_shoff > elf.size()) return std::nullopt;
    return ReadAt<Elf64_Shdr>(elf, header->e_shoff + step);
  };
  std::optional<Elf64_Shdr> names_header = section(header->e_shstrndx);
  if (!names_header.has_value()) return Corrupt("its section table is outside the file");
  std::optional<absl::string_view> names = Slice(elf, names_header->sh_offset, names_header->sh_size);
  if (!names.has_value()) return Corrupt("its section names are outside the file");
  std::optional<absl::string_view> found;
  for (uint32_t i = 0; i < header->e_shnum; ++i) {
    std::optional<Elf64_Shdr> entry = section(i);
    if (!entry.has_value()) return Corrupt(absl::StrCat("section ", i, " is outside the file"));
    if (NameAt(*names, entry->sh_name) != KILN_MANIFEST_SECTION) continue;
    if (found.has_value()) return Corrupt("it has two manifests");
    found = Slice(elf, entry->sh_offset, entry->sh_size);
    if (!found.has_value()) return Corrupt("its manifest is outside the file");
  }
  if (!found.has_value()) return Corrupt(absl::StrCat("it has no section ", KILN_MANIFEST_SECTION));
  return *found;
}

}  // namespace

absl::StatusOr<v1::Manifest> ReadManifest(absl::string_view elf) {
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kArtifactBytes, static_cast<int64_t>(elf.size()), "artifact"));
  KILN_ASSIGN_OR_RETURN(absl::string_view bytes, FindManifest(elf));
  v1::Manifest manifest;
  if (!manifest.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Corrupt("its manifest does not parse");
  }
  if (manifest.format_version() != 1) {
    return Corrupt(absl::StrCat("its manifest has format ", manifest.format_version(), " but this build knows 1"));
  }
  return manifest;
}

}  // namespace kiln
