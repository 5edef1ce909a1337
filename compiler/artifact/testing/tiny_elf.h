// A small shared object that passes every check of an artifact and can be loaded:
// its entry returns 0. It is a struct, so that a test alters just what it is about:
//
//   TinyObject object = MakeTinyObject("x86_64");
//   object.segments[TinyObject::kStack].p_flags |= PF_X;
//   CheckSharedObject(TinyElf(object, manifest), "x86_64");  // refused
#ifndef KILN_COMPILER_ARTIFACT_TESTING_TINY_ELF_H_
#define KILN_COMPILER_ARTIFACT_TESTING_TINY_ELF_H_

#include <elf.h>

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// The file's first bytes as they are. There is room behind each table for what a
// test adds: a program header, a symbol, dynamic tags.
struct TinyObject {
  // Places in `segments`.
  enum Segment { kPhdr, kReadOnly, kCode, kData, kDynamic, kRelro, kStack, kNumSegments };
  // Places in `dynamic`.
  enum Tag {
    kHash,
    kSymtab,
    kSyment,
    kStrtab,
    kStrsz,
    kRela,
    kRelasz,
    kRelaent,
    kRelacount,
    kFlags,
    kFlags1,
    kNull,
    // Behind the end, for a test that overwrites it.
    kNumTags
  };

  Elf64_Ehdr header = {};
  Elf64_Phdr segments[kNumSegments + 1] = {};
  // nbucket, nchain, one bucket, two chains and room for a third.
  uint32_t hash[6] = {};
  Elf64_Sym symbols[3] = {};
  char names[32] = {};
  Elf64_Rela relocations[2] = {};
  unsigned char code[16] = {};
  uint64_t pointers[2] = {};
  Elf64_Dyn dynamic[kNumTags + 2] = {};
};

// For "x86_64" and "aarch64".
TinyObject MakeTinyObject(absl::string_view arch);

// The object's address of the byte at `offset` of the file.
uint64_t TinyAddress(const TinyObject& object, TinyObject::Segment segment, size_t offset);

// The whole file: the object, the manifest in its section, `padding_bytes` zeros for
// artifacts of any size, the section names and table.
std::string TinyElf(const TinyObject& object, const v1::Manifest& manifest, size_t padding_bytes = 0);

// The object of the manifest's arch as it is, x86_64 if there is none.
std::string TinyElf(const v1::Manifest& manifest, size_t padding_bytes = 0);

}  // namespace kiln

#endif  // KILN_COMPILER_ARTIFACT_TESTING_TINY_ELF_H_
