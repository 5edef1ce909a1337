#include "compiler/artifact/read_manifest.h"

#include <elf.h>

#include <cstring>

#include "base/error.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

// The smallest file that ReadManifest takes: a header, the manifest, the section
// names and a table of three sections.
std::string TinyElf(const v1::Manifest& manifest) {
  const std::string body = manifest.SerializeAsString();
  const std::string names = std::string("\0.kiln.manifest\0.shstrtab\0", 26);
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_DYN;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shstrndx = 2;
  header.e_shoff = sizeof(header) + body.size() + names.size();
  Elf64_Shdr sections[3] = {};
  sections[1].sh_name = 1;
  sections[1].sh_offset = sizeof(header);
  sections[1].sh_size = body.size();
  sections[2].sh_name = 16;
  sections[2].sh_offset = sizeof(header) + body.size();
  sections[2].sh_size = names.size();
  std::string elf(reinterpret_cast<const char*>(&header), sizeof(header));
  elf += body + names;
  elf.append(reinterpret_cast<const char*>(sections), sizeof(sections));
  return elf;
}

v1::Manifest SomeManifest() {
  v1::Manifest manifest;
  manifest.set_format_version(1);
  manifest.set_arch("x86_64");
  return manifest;
}

TEST(ReadManifestTest, FindsTheManifest) {
  absl::StatusOr<v1::Manifest> manifest = ReadManifest(TinyElf(SomeManifest()));
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->arch(), "x86_64");
}

TEST(ReadManifestTest, CorruptTruncationsAreRefused) {
  const std::string elf = TinyElf(SomeManifest());
  for (size_t size = 0; size < elf.size(); ++size) {
    absl::Status status = ReadManifest(absl::string_view(elf).substr(0, size)).status();
    EXPECT_EQ(GetErrorReason(status), ErrorReason::kArtifactCorrupt) << size;
  }
}

TEST(ReadManifestTest, CorruptBytesNeverReadOutside) {
  const std::string elf = TinyElf(SomeManifest());
  for (size_t i = 0; i < elf.size(); ++i) {
    for (unsigned char value : {0x00, 0x7f, 0x80, 0xff}) {
      std::string bad = elf;
      bad[i] = static_cast<char>(value);
      ReadManifest(bad).IgnoreError();
    }
  }
}

TEST(ReadManifestTest, RefusesAnotherFormat) {
  v1::Manifest manifest = SomeManifest();
  manifest.set_format_version(2);
  EXPECT_EQ(GetErrorReason(ReadManifest(TinyElf(manifest)).status()), ErrorReason::kArtifactCorrupt);
}

}  // namespace
}  // namespace kiln
