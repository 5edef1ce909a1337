#include "compiler/artifact/check_shared_object.h"

#include <elf.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "compiler/artifact/elf_bytes.h"
#include "compiler/artifact/elf_machine.h"
#include "compiler/artifact/kiln_abi.h"
#include "compiler/artifact/loaded_image.h"

namespace kiln {
namespace {

// The dynamic tags that an artifact has. Values are addresses and sizes, which are
// checked where they are used, but for those that can only be one.
struct TagRow {
  int64_t tag;
  absl::string_view name;
  bool needed;
  std::optional<uint64_t> value;
};

constexpr TagRow kTags[] = {
    {DT_HASH, "DT_HASH", true, {}},
    {DT_SYMTAB, "DT_SYMTAB", true, {}},
    {DT_SYMENT, "DT_SYMENT", true, sizeof(Elf64_Sym)},
    {DT_STRTAB, "DT_STRTAB", true, {}},
    {DT_STRSZ, "DT_STRSZ", true, {}},
    {DT_RELA, "DT_RELA", false, {}},
    {DT_RELASZ, "DT_RELASZ", false, {}},
    {DT_RELAENT, "DT_RELAENT", false, sizeof(Elf64_Rela)},
    {DT_RELACOUNT, "DT_RELACOUNT", false, {}},
    {DT_FLAGS, "DT_FLAGS", false, DF_BIND_NOW},
    {DT_FLAGS_1, "DT_FLAGS_1", false, DF_1_NOW},
};

// Those that it has not, for messages.
constexpr struct {
  int64_t tag;
  absl::string_view name;
} kOtherTags[] = {
    {DT_NEEDED, "DT_NEEDED (a library)"},
    {DT_INIT, "DT_INIT (a constructor)"},
    {DT_INIT_ARRAY, "DT_INIT_ARRAY (constructors)"},
    {DT_PREINIT_ARRAY, "DT_PREINIT_ARRAY (constructors)"},
    {DT_FINI, "DT_FINI (a destructor)"},
    {DT_FINI_ARRAY, "DT_FINI_ARRAY (destructors)"},
    {DT_SONAME, "DT_SONAME (a name of its own)"},
    {DT_RPATH, "DT_RPATH (a search path)"},
    {DT_RUNPATH, "DT_RUNPATH (a search path)"},
    {DT_SYMBOLIC, "DT_SYMBOLIC"},
    {DT_TEXTREL, "DT_TEXTREL (relocations in code)"},
    {DT_PLTGOT, "DT_PLTGOT (imports)"},
    {DT_JMPREL, "DT_JMPREL (imports)"},
    {DT_PLTREL, "DT_PLTREL (imports)"},
    {DT_PLTRELSZ, "DT_PLTRELSZ (imports)"},
    {DT_REL, "DT_REL"},
    {DT_RELR, "DT_RELR"},
    {DT_GNU_HASH, "DT_GNU_HASH (symbols without a number)"},
    {DT_VERSYM, "DT_VERSYM (symbol versions)"},
    {DT_VERNEED, "DT_VERNEED (symbol versions)"},
    {DT_VERDEF, "DT_VERDEF (symbol versions)"},
    {DT_AUDIT, "DT_AUDIT (a library)"},
    {DT_DEPAUDIT, "DT_DEPAUDIT (a library)"},
    {DT_AUXILIARY, "DT_AUXILIARY (a library)"},
    {DT_FILTER, "DT_FILTER (a library)"},
};

constexpr struct {
  unsigned char type;
  absl::string_view name;
} kOtherSymbolTypes[] = {{STT_NOTYPE, "without a type"},
                         {STT_OBJECT, "an object"},
                         {STT_TLS, "thread-local"},
                         {STT_GNU_IFUNC, "an IFUNC, whose resolver the loader calls"}};

using DynamicTags = std::map<int64_t, uint64_t>;

const TagRow* FindTag(int64_t tag) {
  for (const TagRow& row : kTags) {
    if (row.tag == tag) return &row;
  }
  return nullptr;
}

absl::Status NotAllowed(int64_t tag) {
  std::string name = absl::StrCat("tag ", tag);
  for (const auto& row : kOtherTags) {
    if (row.tag == tag) name = std::string(row.name);
  }
  std::string allowed;
  for (const TagRow& row : kTags) absl::StrAppend(&allowed, allowed.empty() ? "" : ", ", row.name);
  return RefusedArtifact(absl::StrCat("its dynamic section has ", name, ", and allowed are ", allowed));
}

absl::Status AddTag(const Elf64_Dyn& entry, DynamicTags& tags) {
  const TagRow* row = FindTag(entry.d_tag);
  if (row == nullptr) return NotAllowed(entry.d_tag);
  const uint64_t value = entry.d_un.d_val;
  if (row->value.has_value() && value != *row->value) {
    return RefusedArtifact(absl::StrCat("its ", row->name, " is ", value, ", and may be ", *row->value));
  }
  if (!tags.emplace(entry.d_tag, value).second) return RefusedArtifact(absl::StrCat("it has ", row->name, " twice"));
  return absl::OkStatus();
}

// Up to DT_NULL, as the loader does.
absl::StatusOr<DynamicTags> ReadDynamicTags(absl::string_view section) {
  DynamicTags tags;
  for (uint64_t offset = 0;; offset += sizeof(Elf64_Dyn)) {
    const std::optional<Elf64_Dyn> entry = ReadAt<Elf64_Dyn>(section, offset);
    if (!entry.has_value()) return CorruptArtifact("its dynamic section has no end");
    if (entry->d_tag == DT_NULL) break;
    KILN_RETURN_IF_ERROR(AddTag(*entry, tags));
  }
  for (const TagRow& row : kTags) {
    if (row.needed && !tags.contains(row.tag)) {
      return RefusedArtifact(absl::StrCat("its dynamic section has no ", row.name));
    }
  }
  return tags;
}

// What the loader reads after relocation must not change by it, so no table is in
// writable memory.
absl::StatusOr<absl::string_view> ReadTable(const LoadedImage& image, absl::string_view name, uint64_t address,
                                            uint64_t size) {
  const std::optional<absl::string_view> bytes = image.ReadOnlyBytes(address, size);
  if (bytes.has_value()) return *bytes;
  return CorruptArtifact(absl::StrCat("its ", name, " (", size, " bytes at ", address,
                                      ") is not in the file's bytes of a read-only PT_LOAD"));
}

// As the System V ABI defines it.
uint32_t SysvHash(absl::string_view name) {
  uint32_t hash = 0;
  for (const char c : name) {
    hash = (hash << 4) + static_cast<unsigned char>(c);
    const uint32_t high = hash & 0xf0000000;
    hash ^= high >> 24;
    hash &= ~high;
  }
  return hash;
}

struct HashTable {
  // Of `words`: nbucket, nchain, buckets, chains.
  absl::string_view words;
  uint32_t num_buckets;
  uint32_t num_symbols;

  uint32_t Word(uint64_t index) const { return *ReadAt<uint32_t>(words, index * sizeof(uint32_t)); }
  uint32_t Bucket(uint32_t index) const { return Word(uint64_t{2} + index); }
  uint32_t Chain(uint32_t index) const { return Word(uint64_t{2} + num_buckets + index); }
};

absl::StatusOr<HashTable> ReadHashTable(const LoadedImage& image, uint64_t address) {
  HashTable table = {};
  KILN_ASSIGN_OR_RETURN(table.words, ReadTable(image, "DT_HASH", address, 2 * sizeof(uint32_t)));
  table.num_buckets = table.Word(0);
  table.num_symbols = table.Word(1);
  const uint64_t words = uint64_t{2} + table.num_buckets + table.num_symbols;
  KILN_ASSIGN_OR_RETURN(table.words, ReadTable(image, "DT_HASH", address, words * sizeof(uint32_t)));
  return table;
}

// With one symbol each bucket is empty or its chain, and no chain goes on: a lookup
// ends, and that of the entry finds it.
absl::Status CheckHashTable(const HashTable& table) {
  if (table.num_buckets == 0) return CorruptArtifact("its DT_HASH has no buckets");
  for (uint32_t i = 0; i < table.num_buckets; ++i) {
    if (table.Bucket(i) < table.num_symbols) continue;
    return CorruptArtifact(absl::StrCat("bucket ", i, " of its DT_HASH is symbol ", table.Bucket(i), " of ",
                                        table.num_symbols));
  }
  for (uint32_t i = 0; i < table.num_symbols; ++i) {
    if (table.Chain(i) == STN_UNDEF) continue;
    return CorruptArtifact(absl::StrCat("chain ", i, " of its DT_HASH goes on to ", table.Chain(i)));
  }
  if (table.Bucket(SysvHash(KILN_ENTRY_SYMBOL) % table.num_buckets) == 1) return absl::OkStatus();
  return CorruptArtifact("its DT_HASH does not find " KILN_ENTRY_SYMBOL);
}

// A name that a stranger made, for a message.
std::string Shown(absl::string_view name) { return absl::CHexEscape(name.substr(0, 64)); }

absl::Status CheckSymbolKind(const Elf64_Sym& symbol, absl::string_view name) {
  if (symbol.st_shndx == SHN_UNDEF) {
    return RefusedArtifact(absl::StrCat("it imports ", Shown(name), ", and may import nothing"));
  }
  if (name != KILN_ENTRY_SYMBOL) {
    return RefusedArtifact(absl::StrCat("it exports ", Shown(name), ", and may export ", KILN_ENTRY_SYMBOL));
  }
  const unsigned char type = ELF64_ST_TYPE(symbol.st_info);
  if (type != STT_FUNC) {
    std::string found = absl::StrCat("of type ", type);
    for (const auto& row : kOtherSymbolTypes) {
      if (row.type == type) found = std::string(row.name);
    }
    return RefusedArtifact(absl::StrCat("its symbol ", name, " is ", found, ", and must be a function"));
  }
  if (ELF64_ST_BIND(symbol.st_info) != STB_GLOBAL || symbol.st_other != STV_DEFAULT) {
    return RefusedArtifact(absl::StrCat("its symbol ", name, " has binding ", ELF64_ST_BIND(symbol.st_info),
                                        " and visibility ", symbol.st_other, ", and must be global and visible"));
  }
  return absl::OkStatus();
}

absl::Status CheckEntry(const LoadedImage& image, const Elf64_Sym& symbol, absl::string_view name) {
  KILN_RETURN_IF_ERROR(CheckSymbolKind(symbol, name));
  // Of an absolute one the loader takes the value as an address of the process.
  if (symbol.st_shndx >= SHN_LORESERVE) {
    return RefusedArtifact(absl::StrCat("its symbol ", name, " is in section ", symbol.st_shndx,
                                        ", and must be in one of the object's"));
  }
  if (symbol.st_size > 0 && image.ExecutableBytes(symbol.st_value, symbol.st_size).has_value()) return absl::OkStatus();
  return RefusedArtifact(absl::StrCat("its symbol ", name, " (", symbol.st_size, " bytes at ", symbol.st_value,
                                      ") is not in the file's bytes of an executable PT_LOAD"));
}

absl::Status CheckSymbols(const LoadedImage& image, const DynamicTags& tags) {
  KILN_ASSIGN_OR_RETURN(const HashTable hash, ReadHashTable(image, tags.at(DT_HASH)));
  KILN_ASSIGN_OR_RETURN(const absl::string_view names,
                        ReadTable(image, "DT_STRTAB", tags.at(DT_STRTAB), tags.at(DT_STRSZ)));
  if (names.empty() || names.back() != '\0') return CorruptArtifact("its DT_STRTAB does not end its last name");
  KILN_ASSIGN_OR_RETURN(
      const absl::string_view symbols,
      ReadTable(image, "DT_SYMTAB", tags.at(DT_SYMTAB), uint64_t{hash.num_symbols} * sizeof(Elf64_Sym)));
  for (uint32_t i = 0; i < hash.num_symbols; ++i) {
    const absl::string_view bytes = symbols.substr(i * sizeof(Elf64_Sym), sizeof(Elf64_Sym));
    if (i == 0) {
      if (bytes.find_first_not_of('\0') != bytes.npos) return RefusedArtifact("its symbol 0 is not the null symbol");
      continue;
    }
    const Elf64_Sym symbol = *ReadAt<Elf64_Sym>(bytes, 0);
    KILN_RETURN_IF_ERROR(CheckEntry(image, symbol, NameAt(names, symbol.st_name)));
  }
  if (hash.num_symbols != 2) {
    return RefusedArtifact(absl::StrCat("it has ", hash.num_symbols,
                                        " dynamic symbols, and needs 2: the null symbol and ", KILN_ENTRY_SYMBOL));
  }
  return CheckHashTable(hash);
}

absl::Status CheckRelocation(const LoadedImage& image, const ElfMachine& machine, const Elf64_Rela& relocation) {
  if (relocation.r_info != ELF64_R_INFO(0, machine.relative)) {
    return RefusedArtifact(absl::StrCat("a relocation has type ", ELF64_R_TYPE(relocation.r_info), " of symbol ",
                                        ELF64_R_SYM(relocation.r_info), ", and allowed is ", machine.relative_name));
  }
  const uint64_t place = relocation.r_offset;
  if (!image.IsWritable(place, sizeof(uint64_t))) {
    return RefusedArtifact(absl::StrCat("a relocation writes at ", place, ", which is not in a writable PT_LOAD"));
  }
  // Lookups after it go by the dynamic section in memory.
  const uint64_t dynamic_end = image.dynamic_address() + image.dynamic_bytes().size();
  if (place < dynamic_end && place + sizeof(uint64_t) > image.dynamic_address()) {
    return RefusedArtifact(absl::StrCat("a relocation writes at ", place, ", into the dynamic section"));
  }
  if (static_cast<uint64_t>(relocation.r_addend) > image.end()) {
    return RefusedArtifact(absl::StrCat("a relocation makes a pointer to ", relocation.r_addend,
                                        ", and the image ends at ", image.end()));
  }
  return absl::OkStatus();
}

absl::Status CheckRelocations(const LoadedImage& image, const ElfMachine& machine, const DynamicTags& tags) {
  const size_t has = tags.count(DT_RELA);
  if (tags.count(DT_RELASZ) != has || tags.count(DT_RELAENT) != has || tags.count(DT_RELACOUNT) > has) {
    return RefusedArtifact("it has only some of DT_RELA, DT_RELASZ and DT_RELAENT");
  }
  if (has == 0) return absl::OkStatus();
  const uint64_t size = tags.at(DT_RELASZ);
  if (size % sizeof(Elf64_Rela) != 0) {
    return CorruptArtifact(absl::StrCat("its DT_RELASZ is ", size, ", not a multiple of ", sizeof(Elf64_Rela)));
  }
  const uint64_t count = size / sizeof(Elf64_Rela);
  const auto relative = tags.find(DT_RELACOUNT);
  if (relative != tags.end() && relative->second != count) {
    return RefusedArtifact(absl::StrCat("its DT_RELACOUNT is ", relative->second, " of ", count, " relocations"));
  }
  KILN_ASSIGN_OR_RETURN(const absl::string_view table, ReadTable(image, "DT_RELA", tags.at(DT_RELA), size));
  for (uint64_t i = 0; i < count; ++i) {
    const Elf64_Rela relocation = *ReadAt<Elf64_Rela>(table, i * sizeof(Elf64_Rela));
    KILN_RETURN_IF_ERROR(CheckRelocation(image, machine, relocation));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSharedObject(absl::string_view elf, absl::string_view arch) {
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kArtifactBytes, static_cast<int64_t>(elf.size()), "artifact"));
  KILN_ASSIGN_OR_RETURN(const ElfMachine* machine, FindElfMachine(arch));
  KILN_ASSIGN_OR_RETURN(const LoadedImage image, LoadedImage::Read(elf, *machine));
  KILN_ASSIGN_OR_RETURN(const DynamicTags tags, ReadDynamicTags(image.dynamic_bytes()));
  KILN_RETURN_IF_ERROR(CheckSymbols(image, tags));
  return CheckRelocations(image, *machine, tags);
}

}  // namespace kiln
