#include "compiler/artifact/read_manifest.h"

#include "base/error.h"
#include "base/limits.h"
#include "compiler/artifact/testing/tiny_elf.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

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

TEST(ReadManifestTest, AFileOverTheLimitIsRefusedUnread) {
  const size_t limit = GetLimit(Limit::kArtifactBytes);
  const size_t overhead = TinyElf(SomeManifest()).size();
  EXPECT_TRUE(ReadManifest(TinyElf(SomeManifest(), limit - overhead)).ok());
  absl::Status status = ReadManifest(TinyElf(SomeManifest(), limit - overhead + 1)).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kLimitExceeded);
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
