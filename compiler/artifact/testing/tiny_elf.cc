#include "compiler/artifact/testing/tiny_elf.h"

#include <elf.h>

#include <cstring>

namespace kiln {

std::string TinyElf(const v1::Manifest& manifest, size_t padding_bytes) {
  const std::string body = manifest.SerializeAsString();
  const std::string names("\0.kiln.manifest\0.shstrtab\0", 26);
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_DYN;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shstrndx = 2;
  header.e_shoff = sizeof(header) + body.size() + names.size() + padding_bytes;
  Elf64_Shdr sections[3] = {};
  sections[1].sh_name = 1;
  sections[1].sh_offset = sizeof(header);
  sections[1].sh_size = body.size();
  sections[2].sh_name = 16;
  sections[2].sh_offset = sizeof(header) + body.size();
  sections[2].sh_size = names.size();
  std::string elf(reinterpret_cast<const char*>(&header), sizeof(header));
  elf += body + names + std::string(padding_bytes, '\0');
  elf.append(reinterpret_cast<const char*>(sections), sizeof(sections));
  return elf;
}

}  // namespace kiln
