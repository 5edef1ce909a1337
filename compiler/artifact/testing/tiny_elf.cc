#include "compiler/artifact/testing/tiny_elf.h"

#include <cstring>

namespace kiln {
namespace {

struct Machine {
  absl::string_view arch;
  uint16_t machine;
  uint64_t page_bytes;
  uint32_t relative;
  // The entry's: return 0.
  absl::string_view code;
};

// All of it lies on the first page of the file.
static_assert(sizeof(TinyObject) < 0x1000);

constexpr Machine kMachines[] = {
    // xor eax, eax; ret
    {"x86_64", EM_X86_64, 0x1000, R_X86_64_RELATIVE, "\x31\xc0\xc3"},
    // mov w0, wzr; ret
    {"aarch64", EM_AARCH64, 0x10000, R_AARCH64_RELATIVE, {"\xe0\x03\x1f\x2a\xc0\x03\x5f\xd6", 8}},
};

const Machine& MachineOf(absl::string_view arch) {
  for (const Machine& row : kMachines) {
    if (row.arch == arch) return row;
  }
  return kMachines[0];
}

Elf64_Phdr Segment(uint32_t type, uint32_t flags, uint64_t offset, uint64_t address, uint64_t size, uint64_t align) {
  return {.p_type = type,
          .p_flags = flags,
          .p_offset = offset,
          .p_vaddr = address,
          .p_paddr = address,
          .p_filesz = size,
          .p_memsz = size,
          .p_align = align};
}

Elf64_Ehdr Header(uint16_t machine) {
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_DYN;
  header.e_machine = machine;
  header.e_version = EV_CURRENT;
  header.e_phoff = offsetof(TinyObject, segments);
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = TinyObject::kNumSegments;
  header.e_shentsize = sizeof(Elf64_Shdr);
  return header;
}

// Each loadable segment begins a page later in memory than the one before it, and
// where that ends in the file.
void AddSegments(uint64_t page, TinyObject& object) {
  constexpr uint64_t code = offsetof(TinyObject, code), data = offsetof(TinyObject, pointers);
  constexpr uint64_t dynamic = offsetof(TinyObject, dynamic);
  Elf64_Phdr* segments = object.segments;
  segments[TinyObject::kPhdr] = Segment(PT_PHDR, PF_R, object.header.e_phoff, object.header.e_phoff,
                                        TinyObject::kNumSegments * sizeof(Elf64_Phdr), 8);
  segments[TinyObject::kReadOnly] = Segment(PT_LOAD, PF_R, 0, 0, code, page);
  segments[TinyObject::kCode] = Segment(PT_LOAD, PF_R | PF_X, code, page + code, data - code, page);
  segments[TinyObject::kData] =
      Segment(PT_LOAD, PF_R | PF_W, data, 2 * page + data, sizeof(TinyObject) - data, page);
  segments[TinyObject::kData].p_memsz = page - data;
  segments[TinyObject::kDynamic] =
      Segment(PT_DYNAMIC, PF_R | PF_W, dynamic, 2 * page + dynamic, sizeof(object.dynamic), 8);
  segments[TinyObject::kRelro] = segments[TinyObject::kData];
  segments[TinyObject::kRelro].p_type = PT_GNU_RELRO;
  segments[TinyObject::kRelro].p_flags = PF_R;
  segments[TinyObject::kStack] = Segment(PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 16);
}

void AddSymbol(size_t code_bytes, TinyObject& object) {
  std::strcpy(object.names + 1, "kiln_entry");
  object.symbols[1].st_name = 1;
  object.symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
  object.symbols[1].st_shndx = 1;
  object.symbols[1].st_value = TinyAddress(object, TinyObject::kCode, offsetof(TinyObject, code));
  object.symbols[1].st_size = code_bytes;
  object.hash[0] = 1;
  object.hash[1] = 2;
  object.hash[2] = 1;
}

// The pointers point to the names.
void AddRelocations(uint32_t relative, TinyObject& object) {
  for (size_t i = 0; i < 2; ++i) {
    const size_t place = offsetof(TinyObject, pointers) + i * sizeof(uint64_t);
    object.relocations[i].r_offset = TinyAddress(object, TinyObject::kData, place);
    object.relocations[i].r_info = ELF64_R_INFO(0, relative);
    object.relocations[i].r_addend = offsetof(TinyObject, names);
  }
}

void AddDynamic(TinyObject& object) {
  const auto set = [&](TinyObject::Tag place, int64_t tag, uint64_t value) {
    object.dynamic[place] = {.d_tag = tag, .d_un = {.d_val = value}};
  };
  set(TinyObject::kHash, DT_HASH, offsetof(TinyObject, hash));
  set(TinyObject::kSymtab, DT_SYMTAB, offsetof(TinyObject, symbols));
  set(TinyObject::kSyment, DT_SYMENT, sizeof(Elf64_Sym));
  set(TinyObject::kStrtab, DT_STRTAB, offsetof(TinyObject, names));
  set(TinyObject::kStrsz, DT_STRSZ, sizeof(object.names));
  set(TinyObject::kRela, DT_RELA, offsetof(TinyObject, relocations));
  set(TinyObject::kRelasz, DT_RELASZ, sizeof(object.relocations));
  set(TinyObject::kRelaent, DT_RELAENT, sizeof(Elf64_Rela));
  set(TinyObject::kRelacount, DT_RELACOUNT, 2);
  set(TinyObject::kFlags, DT_FLAGS, DF_BIND_NOW);
  set(TinyObject::kFlags1, DT_FLAGS_1, DF_1_NOW);
}

}  // namespace

uint64_t TinyAddress(const TinyObject& object, TinyObject::Segment segment, size_t offset) {
  return object.segments[segment].p_vaddr + (offset - object.segments[segment].p_offset);
}

TinyObject MakeTinyObject(absl::string_view arch) {
  const Machine& machine = MachineOf(arch);
  TinyObject object;
  object.header = Header(machine.machine);
  std::memcpy(object.code, machine.code.data(), machine.code.size());
  AddSegments(machine.page_bytes, object);
  AddSymbol(machine.code.size(), object);
  AddRelocations(machine.relative, object);
  AddDynamic(object);
  return object;
}

std::string TinyElf(const TinyObject& object, const v1::Manifest& manifest, size_t padding_bytes) {
  const std::string body = manifest.SerializeAsString();
  const std::string names("\0.kiln.manifest\0.shstrtab\0", 26);
  TinyObject whole = object;
  whole.header.e_shnum = 3;
  whole.header.e_shstrndx = 2;
  whole.header.e_shoff = sizeof(whole) + body.size() + names.size() + padding_bytes;
  Elf64_Shdr sections[3] = {};
  sections[1].sh_name = 1;
  sections[1].sh_offset = sizeof(whole);
  sections[1].sh_size = body.size();
  sections[2].sh_name = 16;
  sections[2].sh_offset = sizeof(whole) + body.size();
  sections[2].sh_size = names.size();
  std::string elf(reinterpret_cast<const char*>(&whole), sizeof(whole));
  elf += body + names + std::string(padding_bytes, '\0');
  elf.append(reinterpret_cast<const char*>(sections), sizeof(sections));
  return elf;
}

std::string TinyElf(const v1::Manifest& manifest, size_t padding_bytes) {
  return TinyElf(MakeTinyObject(manifest.arch()), manifest, padding_bytes);
}

}  // namespace kiln
