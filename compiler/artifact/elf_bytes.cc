#include "compiler/artifact/elf_bytes.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {

absl::Status CorruptArtifact(absl::string_view what) {
  return MakeError(ErrorReason::kArtifactCorrupt, absl::StrCat("artifact: ", what));
}

std::optional<absl::string_view> Slice(absl::string_view bytes, uint64_t offset, uint64_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
  return bytes.substr(offset, size);
}

absl::string_view NameAt(absl::string_view names, uint32_t offset) {
  if (offset >= names.size()) return "";
  const absl::string_view rest = names.substr(offset);
  return rest.substr(0, rest.find('\0'));
}

absl::StatusOr<Elf64_Ehdr> ReadElfHeader(absl::string_view elf) {
  const std::optional<Elf64_Ehdr> header = ReadAt<Elf64_Ehdr>(elf, 0);
  if (!header.has_value()) return CorruptArtifact(absl::StrCat("it has only ", elf.size(), " bytes"));
  if (std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
    return CorruptArtifact("it does not start with ELF's magic");
  }
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB) {
    return CorruptArtifact("it is not a 64-bit little-endian object");
  }
  if (header->e_type != ET_DYN) {
    return CorruptArtifact(absl::StrCat("its ELF type is ", header->e_type, ", not a shared object"));
  }
  return *header;
}

}  // namespace kiln
