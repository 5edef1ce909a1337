// Each rule of CheckSharedObject by an object that breaks it and nothing else.
#include <elf.h>

#include <cstring>
#include <string>
#include <utility>

#include "base/error.h"
#include "compiler/artifact/check_shared_object.h"
#include "compiler/artifact/testing/tiny_elf.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using testing::HasSubstr;

constexpr ErrorReason kCorrupt = ErrorReason::kArtifactCorrupt;
constexpr ErrorReason kRefused = ErrorReason::kArtifactRefused;

// A tag in the place of the last one, with the end behind it.
void AddTag(TinyObject& object, int64_t tag, uint64_t value) {
  object.dynamic[TinyObject::kNull] = {.d_tag = tag, .d_un = {.d_val = value}};
  object.dynamic[TinyObject::kNull + 1] = {};
}

void SetTag(TinyObject& object, TinyObject::Tag place, uint64_t value) { object.dynamic[place].d_un.d_val = value; }

void RemoveTag(TinyObject& object, TinyObject::Tag place) {
  object.dynamic[place] = object.dynamic[TinyObject::kNull - 1];
  object.dynamic[TinyObject::kNull - 1] = {};
}

void AddSegment(TinyObject& object, uint32_t type, uint32_t flags) {
  Elf64_Phdr& added = object.segments[object.header.e_phnum++];
  added = object.segments[TinyObject::kDynamic];
  added.p_type = type;
  added.p_flags = flags;
}

void AddSymbol(TinyObject& object, absl::string_view name, uint16_t section) {
  std::memcpy(object.names + 20, name.data(), name.size());
  object.symbols[2] = object.symbols[1];
  object.symbols[2].st_name = 20;
  object.symbols[2].st_shndx = section;
  object.hash[1] = 3;
}

uint64_t DataAddress(const TinyObject& object) { return object.segments[TinyObject::kData].p_vaddr; }

struct Alteration {
  const char* name;
  void (*alter)(TinyObject& object);
  ErrorReason reason;
  const char* message;
};

constexpr Alteration kHeaders[] = {
    {"Magic", [](TinyObject& o) { o.header.e_ident[0] = 0; }, kCorrupt, "magic"},
    {"Executable", [](TinyObject& o) { o.header.e_type = ET_EXEC; }, kCorrupt, "its ELF type is 2"},
    {"Machine", [](TinyObject& o) { o.header.e_machine = EM_AARCH64; }, kRefused,
     "it is for ELF machine 183, and x86_64 is 62"},
    {"HeaderSize", [](TinyObject& o) { o.header.e_phentsize = 32; }, kCorrupt,
     "its program headers have 32 bytes, not 56"},
    {"HeadersOutside", [](TinyObject& o) { o.header.e_phoff = ~uint64_t{0}; }, kCorrupt,
     "its program headers are outside the file"},
    {"ManyHeaders", [](TinyObject& o) { o.header.e_phnum = 17; }, kRefused, "it has 17 program headers"},
    {"NoHeaders", [](TinyObject& o) { o.header.e_phnum = 0; }, kRefused, "it has 0 program headers PT_LOAD"},
};

constexpr Alteration kSegments[] = {
    {"ThreadLocal", [](TinyObject& o) { AddSegment(o, PT_TLS, PF_R); }, kRefused, "program header 7 is a PT_TLS"},
    {"Interpreter", [](TinyObject& o) { AddSegment(o, PT_INTERP, PF_R); }, kRefused, "is a PT_INTERP"},
    {"UnknownType", [](TinyObject& o) { AddSegment(o, 0x70000000, PF_R); }, kRefused, "is a type 1879048192"},
    {"TwoDynamicSections", [](TinyObject& o) { AddSegment(o, PT_DYNAMIC, PF_R | PF_W); }, kRefused,
     "it has 2 program headers PT_DYNAMIC, and needs 1 and may have 1"},
    {"NoDynamicSection",
     [](TinyObject& o) {
       o.segments[TinyObject::kDynamic] = o.segments[TinyObject::kStack];
       --o.header.e_phnum;
     },
     kRefused, "it has 0 program headers PT_DYNAMIC"},
    {"WritableCode", [](TinyObject& o) { o.segments[TinyObject::kCode].p_flags |= PF_W; }, kRefused,
     "program header 2 (PT_LOAD) is RWX, and allowed are R, RX, RW"},
    {"ExecutableData", [](TinyObject& o) { o.segments[TinyObject::kData].p_flags |= PF_X; }, kRefused,
     "program header 3 (PT_LOAD) is RWX"},
    {"ExecutableStack", [](TinyObject& o) { o.segments[TinyObject::kStack].p_flags |= PF_X; }, kRefused,
     "program header 6 (PT_GNU_STACK) is RWX, and allowed are RW"},
    {"NoStack", [](TinyObject& o) { --o.header.e_phnum; }, kRefused, "it has 0 program headers PT_GNU_STACK"},
    {"BytesOutside", [](TinyObject& o) { o.segments[TinyObject::kData].p_offset += 0x1000; }, kCorrupt,
     "PT_LOAD 2 has bytes outside the file"},
    {"OffsetOverflows", [](TinyObject& o) { o.segments[TinyObject::kCode].p_offset = ~uint64_t{0}; }, kCorrupt,
     "PT_LOAD 1 has bytes outside the file"},
    {"LessInMemory", [](TinyObject& o) { o.segments[TinyObject::kData].p_memsz = 8; }, kCorrupt,
     "PT_LOAD 2 has 8 bytes in memory"},
    {"MoreInReadOnlyMemory", [](TinyObject& o) { ++o.segments[TinyObject::kCode].p_memsz; }, kRefused,
     "PT_LOAD 1 is not writable, but has bytes (1) beyond the file's"},
    {"HugeMemory", [](TinyObject& o) { o.segments[TinyObject::kData].p_memsz = uint64_t{1} << 40; }, kRefused,
     "1099511627776 bytes, and an image may have 134217728"},
    {"AddressOverflows", [](TinyObject& o) { o.segments[TinyObject::kData].p_vaddr = ~uint64_t{0xfff}; }, kRefused,
     "and an image may have"},
    {"Alignment", [](TinyObject& o) { o.segments[TinyObject::kCode].p_align = 1; }, kRefused,
     "PT_LOAD 1 is aligned to 1, and pages have 4096 bytes"},
    {"AddressOffThePage", [](TinyObject& o) { o.segments[TinyObject::kCode].p_vaddr += 8; }, kCorrupt,
     "which is another place on a page of 4096 bytes"},
    {"SamePage", [](TinyObject& o) { o.segments[TinyObject::kCode].p_vaddr -= 0x1000; }, kRefused,
     "is not on a page behind PT_LOAD 0"},
    {"Descending", [](TinyObject& o) { std::swap(o.segments[TinyObject::kCode], o.segments[TinyObject::kData]); },
     kRefused, "is not on a page behind PT_LOAD 1"},
    {"HeadersInCode", [](TinyObject& o) { o.segments[TinyObject::kReadOnly].p_flags |= PF_X; }, kRefused,
     "its first PT_LOAD is not read-only memory"},
    {"HeadersNotLoaded",
     [](TinyObject& o) {
       o.segments[TinyObject::kReadOnly].p_filesz = sizeof(Elf64_Ehdr) + 1;
       o.segments[TinyObject::kReadOnly].p_memsz = sizeof(Elf64_Ehdr) + 1;
     },
     kRefused,
     "its first PT_LOAD is not read-only memory"},
    {"OtherHeadersInMemory", [](TinyObject& o) { o.segments[TinyObject::kPhdr].p_vaddr += 56; }, kRefused,
     "its PT_PHDR is at 120, and its program headers are at 64"},
    {"StaysWritable",
     [](TinyObject& o) {
       std::swap(o.segments[TinyObject::kRelro], o.segments[TinyObject::kStack]);
       --o.header.e_phnum;
     },
     kRefused, "PT_LOAD 2 stays writable"},
    {"PartStaysWritable", [](TinyObject& o) { --o.segments[TinyObject::kRelro].p_memsz; }, kRefused,
     "PT_LOAD 2 stays writable"},
    {"LastPageStaysWritable",
     [](TinyObject& o) {
       --o.segments[TinyObject::kRelro].p_memsz;
       --o.segments[TinyObject::kData].p_memsz;
     },
     kRefused, "PT_LOAD 2 stays writable"},
    {"RelroOfAnotherLibrary", [](TinyObject& o) { o.segments[TinyObject::kRelro].p_vaddr += 1 << 20; }, kRefused,
     "PT_LOAD 2 stays writable"},
    {"DynamicInNoSegment", [](TinyObject& o) { o.segments[TinyObject::kDynamic].p_vaddr += 1 << 20; }, kRefused,
     "its PT_DYNAMIC is not in the file's bytes of a writable PT_LOAD"},
    {"DynamicBeyondTheFile", [](TinyObject& o) { ++o.segments[TinyObject::kDynamic].p_memsz; }, kRefused,
     "its PT_DYNAMIC is not in the file's bytes of a writable PT_LOAD"},
    {"ReadOnlyDynamic", [](TinyObject& o) { o.segments[TinyObject::kDynamic].p_vaddr = 0; }, kRefused,
     "its PT_DYNAMIC is not in the file's bytes of a writable PT_LOAD"},
};

constexpr Alteration kDynamic[] = {
    {"Library", [](TinyObject& o) { AddTag(o, DT_NEEDED, 1); }, kRefused,
     "has DT_NEEDED (a library), and allowed are DT_HASH"},
    {"Constructor", [](TinyObject& o) { AddTag(o, DT_INIT, o.symbols[1].st_value); }, kRefused,
     "has DT_INIT (a constructor)"},
    {"Constructors", [](TinyObject& o) { AddTag(o, DT_INIT_ARRAY, DataAddress(o)); }, kRefused, "has DT_INIT_ARRAY"},
    {"Destructor", [](TinyObject& o) { AddTag(o, DT_FINI, o.symbols[1].st_value); }, kRefused, "has DT_FINI"},
    {"Destructors", [](TinyObject& o) { AddTag(o, DT_FINI_ARRAY, DataAddress(o)); }, kRefused, "has DT_FINI_ARRAY"},
    {"SearchPath", [](TinyObject& o) { AddTag(o, DT_RUNPATH, 1); }, kRefused, "has DT_RUNPATH"},
    {"RelocatedCode", [](TinyObject& o) { AddTag(o, DT_TEXTREL, 0); }, kRefused, "has DT_TEXTREL"},
    {"Audit", [](TinyObject& o) { AddTag(o, DT_AUDIT, 1); }, kRefused, "has DT_AUDIT"},
    {"Imports", [](TinyObject& o) { AddTag(o, DT_JMPREL, 0); }, kRefused, "has DT_JMPREL"},
    {"GnuHash", [](TinyObject& o) { AddTag(o, DT_GNU_HASH, 0); }, kRefused, "has DT_GNU_HASH"},
    {"Versions", [](TinyObject& o) { AddTag(o, DT_VERSYM, 0); }, kRefused, "has DT_VERSYM"},
    {"UnknownTag", [](TinyObject& o) { AddTag(o, 0x6ffffef0, 0); }, kRefused, "has tag 1879047920"},
    {"Twice", [](TinyObject& o) { AddTag(o, DT_HASH, o.dynamic[TinyObject::kHash].d_un.d_val); }, kRefused,
     "it has DT_HASH twice"},
    {"Flags", [](TinyObject& o) { SetTag(o, TinyObject::kFlags, DF_BIND_NOW | DF_TEXTREL); }, kRefused,
     "its DT_FLAGS is 12, and may be 8"},
    {"Flags1", [](TinyObject& o) { SetTag(o, TinyObject::kFlags1, DF_1_NOW | DF_1_GLOBAL); }, kRefused,
     "its DT_FLAGS_1 is 3, and may be 1"},
    {"SymbolSize", [](TinyObject& o) { SetTag(o, TinyObject::kSyment, 16); }, kRefused,
     "its DT_SYMENT is 16, and may be 24"},
    {"NoHash", [](TinyObject& o) { RemoveTag(o, TinyObject::kHash); }, kRefused, "has no DT_HASH"},
    {"NoNames", [](TinyObject& o) { RemoveTag(o, TinyObject::kStrtab); }, kRefused, "has no DT_STRTAB"},
    {"NoEnd",
     [](TinyObject& o) {
       const size_t room = std::size(o.dynamic) - TinyObject::kNull;
       o.segments[TinyObject::kDynamic].p_memsz -= room * sizeof(Elf64_Dyn);
     },
     kCorrupt, "its dynamic section has no end"},
    {"HashOutside", [](TinyObject& o) { SetTag(o, TinyObject::kHash, ~uint64_t{0}); }, kCorrupt,
     "its DT_HASH (8 bytes at"},
    {"HashInCode", [](TinyObject& o) { SetTag(o, TinyObject::kHash, o.symbols[1].st_value); }, kCorrupt,
     "is not in the file's bytes of a read-only PT_LOAD"},
    {"HashInData", [](TinyObject& o) { SetTag(o, TinyObject::kHash, DataAddress(o)); }, kCorrupt,
     "is not in the file's bytes of a read-only PT_LOAD"},
    {"NamesInData", [](TinyObject& o) { SetTag(o, TinyObject::kStrtab, DataAddress(o)); }, kCorrupt,
     "its DT_STRTAB (32"},
    {"NamesOutside", [](TinyObject& o) { SetTag(o, TinyObject::kStrsz, ~uint64_t{0}); }, kCorrupt, "its DT_STRTAB"},
    {"SymbolsInData", [](TinyObject& o) { SetTag(o, TinyObject::kSymtab, DataAddress(o)); }, kCorrupt,
     "its DT_SYMTAB (48"},
};

constexpr Alteration kSymbols[] = {
    {"SecondExport", [](TinyObject& o) { AddSymbol(o, "malloc", 1); }, kRefused,
     "it exports malloc, and may export kiln_entry"},
    {"Import", [](TinyObject& o) { AddSymbol(o, "puts", SHN_UNDEF); }, kRefused,
     "it imports puts, and may import nothing"},
    {"EntryTwice", [](TinyObject& o) { AddSymbol(o, "kiln_entry", 1); }, kRefused, "it has 3 dynamic symbols"},
    {"NothingExported", [](TinyObject& o) { o.hash[1] = 1; }, kRefused, "it has 1 dynamic symbols"},
    {"NoSymbols", [](TinyObject& o) { o.hash[1] = 0; }, kRefused, "it has 0 dynamic symbols"},
    {"ManySymbols", [](TinyObject& o) { o.hash[1] = ~uint32_t{0}; }, kCorrupt, "its DT_HASH (17179869192 bytes"},
    {"ManyBuckets", [](TinyObject& o) { o.hash[0] = ~uint32_t{0}; }, kCorrupt, "its DT_HASH (17179869196 bytes"},
    {"NoBuckets",
     [](TinyObject& o) {
       o.hash[0] = 0;
       o.hash[2] = 0;
     },
     kCorrupt, "its DT_HASH has no buckets"},
    {"BucketOutside", [](TinyObject& o) { o.hash[2] = 2; }, kCorrupt, "bucket 0 of its DT_HASH is symbol 2 of 2"},
    {"NotFound", [](TinyObject& o) { o.hash[2] = 0; }, kCorrupt, "its DT_HASH does not find kiln_entry"},
    {"EndlessChain", [](TinyObject& o) { o.hash[4] = 1; }, kCorrupt, "chain 1 of its DT_HASH goes on to 1"},
    {"NullSymbol", [](TinyObject& o) { o.symbols[0].st_value = 1; }, kRefused, "its symbol 0 is not the null symbol"},
    {"NameOutside", [](TinyObject& o) { o.symbols[1].st_name = ~uint32_t{0}; }, kRefused, "it exports , and"},
    {"NameWithoutEnd", [](TinyObject& o) { o.names[31] = 'x'; }, kCorrupt, "its DT_STRTAB does not end its last name"},
    {"NameOfAStranger", [](TinyObject& o) { std::strcpy(o.names + 1, "a\n\x1b[2J"); }, kRefused,
     "it exports a\\n\\x1b[2J, and"},
    {"IndirectFunction", [](TinyObject& o) { o.symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC); },
     kRefused, "is an IFUNC, whose resolver the loader calls, and must be a function"},
    {"ThreadLocalSymbol", [](TinyObject& o) { o.symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_TLS); }, kRefused,
     "is thread-local, and must be a function"},
    {"DataSymbol", [](TinyObject& o) { o.symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT); }, kRefused,
     "is an object, and must be a function"},
    {"Unique", [](TinyObject& o) { o.symbols[1].st_info = ELF64_ST_INFO(STB_GNU_UNIQUE, STT_FUNC); }, kRefused,
     "has binding 10 and visibility 0"},
    {"Hidden", [](TinyObject& o) { o.symbols[1].st_other = STV_HIDDEN; }, kRefused, "has binding 1 and visibility 2"},
    {"Absolute", [](TinyObject& o) { o.symbols[1].st_shndx = SHN_ABS; }, kRefused, "is in section 65521"},
    {"EntryInData", [](TinyObject& o) { o.symbols[1].st_value = DataAddress(o); }, kRefused,
     "is not in the file's bytes of an executable PT_LOAD"},
    {"EntryOutside", [](TinyObject& o) { o.symbols[1].st_value = ~uint64_t{0}; }, kRefused,
     "is not in the file's bytes of an executable PT_LOAD"},
    {"EntryTooLong", [](TinyObject& o) { o.symbols[1].st_size = 17; }, kRefused, "kiln_entry (17 bytes"},
    {"EntryWithoutBytes", [](TinyObject& o) { o.symbols[1].st_size = 0; }, kRefused, "kiln_entry (0 bytes"},
};

constexpr Alteration kRelocations[] = {
    {"IndirectRelative", [](TinyObject& o) { o.relocations[0].r_info = R_X86_64_IRELATIVE; }, kRefused,
     "a relocation has type 37 of symbol 0, and allowed is R_X86_64_RELATIVE"},
    {"OfSymbol", [](TinyObject& o) { o.relocations[1].r_info = ELF64_R_INFO(1, R_X86_64_GLOB_DAT); }, kRefused,
     "has type 6 of symbol 1"},
    {"RelativeOfSymbol", [](TinyObject& o) { o.relocations[1].r_info = ELF64_R_INFO(1, R_X86_64_RELATIVE); },
     kRefused, "has type 8 of symbol 1"},
    {"IntoCode", [](TinyObject& o) { o.relocations[0].r_offset = o.symbols[1].st_value; }, kRefused,
     "which is not in a writable PT_LOAD"},
    {"IntoNothing", [](TinyObject& o) { o.relocations[0].r_offset = ~uint64_t{0}; }, kRefused,
     "which is not in a writable PT_LOAD"},
    {"PastTheEnd", [](TinyObject& o) { o.relocations[0].r_offset = 3 * 0x1000 - 7; }, kRefused,
     "which is not in a writable PT_LOAD"},
    {"IntoTheDynamicSection",
     [](TinyObject& o) { o.relocations[0].r_offset = o.segments[TinyObject::kDynamic].p_vaddr + 8; }, kRefused,
     "into the dynamic section"},
    {"IntoTheDynamicSectionsBegin",
     [](TinyObject& o) { o.relocations[0].r_offset = o.segments[TinyObject::kDynamic].p_vaddr - 7; }, kRefused,
     "into the dynamic section"},
    {"PointerOutside", [](TinyObject& o) { o.relocations[0].r_addend = 3 * 0x1000 + 1; }, kRefused,
     "a relocation makes a pointer to 12289, and the image ends at 12288"},
    {"NegativePointer", [](TinyObject& o) { o.relocations[0].r_addend = -1; }, kRefused, "makes a pointer to -1"},
    {"TableInData", [](TinyObject& o) { SetTag(o, TinyObject::kRela, DataAddress(o)); }, kCorrupt, "its DT_RELA (48"},
    {"TableOutside",
     [](TinyObject& o) {
       SetTag(o, TinyObject::kRelasz, 24 * 1000);
       SetTag(o, TinyObject::kRelacount, 1000);
     },
     kCorrupt, "its DT_RELA (24000"},
    {"HalfARelocation", [](TinyObject& o) { SetTag(o, TinyObject::kRelasz, 36); }, kCorrupt,
     "its DT_RELASZ is 36, not a multiple of 24"},
    {"Count", [](TinyObject& o) { SetTag(o, TinyObject::kRelacount, 3); }, kRefused,
     "its DT_RELACOUNT is 3 of 2 relocations"},
    {"SizeWithoutTable", [](TinyObject& o) { RemoveTag(o, TinyObject::kRela); }, kRefused, "only some of DT_RELA"},
    {"TableWithoutSize", [](TinyObject& o) { RemoveTag(o, TinyObject::kRelasz); }, kRefused, "only some of DT_RELA"},
};

class AlteredObjectTest : public testing::TestWithParam<Alteration> {};

TEST_P(AlteredObjectTest, IsRefusedWithWhatWasFound) {
  TinyObject object = MakeTinyObject("x86_64");
  GetParam().alter(object);
  const absl::Status status = CheckSharedObject(TinyElf(object, v1::Manifest()), "x86_64");
  EXPECT_EQ(GetErrorReason(status), GetParam().reason) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().message));
}

std::string NameOfRow(const testing::TestParamInfo<Alteration>& row) { return row.param.name; }

INSTANTIATE_TEST_SUITE_P(Headers, AlteredObjectTest, testing::ValuesIn(kHeaders), NameOfRow);
INSTANTIATE_TEST_SUITE_P(Segments, AlteredObjectTest, testing::ValuesIn(kSegments), NameOfRow);
INSTANTIATE_TEST_SUITE_P(Dynamic, AlteredObjectTest, testing::ValuesIn(kDynamic), NameOfRow);
INSTANTIATE_TEST_SUITE_P(Symbols, AlteredObjectTest, testing::ValuesIn(kSymbols), NameOfRow);
INSTANTIATE_TEST_SUITE_P(Relocations, AlteredObjectTest, testing::ValuesIn(kRelocations), NameOfRow);

}  // namespace
}  // namespace kiln
