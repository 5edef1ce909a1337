#include "compiler/codegen/manifest_object.h"

#include <elf.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "compiler/artifact/kiln_abi.h"

namespace kiln {
namespace {

template <typename T>
void Append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

Elf64_Shdr Section(uint32_t name, uint32_t type, uint64_t offset, uint64_t size) {
  Elf64_Shdr section = {};
  section.sh_name = name;
  section.sh_type = type;
  section.sh_offset = offset;
  section.sh_size = size;
  section.sh_addralign = 1;
  return section;
}

}  // namespace

// File header, manifest, section names, three section headers.
std::string MakeManifestObject(absl::string_view manifest_bytes, uint16_t machine) {
  const std::string manifest_name = KILN_MANIFEST_SECTION;
  const std::string names = absl::StrCat(std::string(1, '\0'), manifest_name, std::string(1, '\0'), ".shstrtab",
                                         std::string(1, '\0'));
  const uint64_t manifest_offset = sizeof(Elf64_Ehdr);
  const uint64_t names_offset = manifest_offset + manifest_bytes.size();
  const uint64_t sections_offset = (names_offset + names.size() + 7) / 8 * 8;
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = machine;
  header.e_version = EV_CURRENT;
  header.e_shoff = sections_offset;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shstrndx = 2;
  std::string out;
  Append(out, header);
  out.append(manifest_bytes.data(), manifest_bytes.size());
  out += names;
  out.resize(sections_offset);
  Append(out, Elf64_Shdr{});
  Append(out, Section(1, SHT_PROGBITS, manifest_offset, manifest_bytes.size()));
  Append(out, Section(static_cast<uint32_t>(manifest_name.size()) + 2, SHT_STRTAB, names_offset, names.size()));
  return out;
}

}  // namespace kiln
