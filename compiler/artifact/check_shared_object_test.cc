#include "compiler/artifact/check_shared_object.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "compiler/artifact/kiln_abi.h"
#include "compiler/artifact/testing/tiny_elf.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using testing::HasSubstr;

constexpr ErrorReason kCorrupt = ErrorReason::kArtifactCorrupt;
constexpr ErrorReason kRefused = ErrorReason::kArtifactRefused;

std::string ElfOf(const TinyObject& object) { return TinyElf(object, v1::Manifest()); }

absl::Status Check(const TinyObject& object, absl::string_view arch = "x86_64") {
  return CheckSharedObject(ElfOf(object), arch);
}

TEST(CheckSharedObjectTest, TheUnalteredObjectPasses) {
  for (const char* arch : {"x86_64", "aarch64"}) {
    const absl::Status status = Check(MakeTinyObject(arch), arch);
    EXPECT_TRUE(status.ok()) << arch << ": " << status;
  }
}

// What a host's loader makes of it: the same as this check.
TEST(CheckSharedObjectTest, TheUnalteredObjectCanBeLoaded) {
#ifndef __x86_64__
  GTEST_SKIP() << "another machine's code";
#endif
  const int fd = memfd_create("tiny", MFD_CLOEXEC);
  const std::string elf = ElfOf(MakeTinyObject("x86_64"));
  ASSERT_EQ(write(fd, elf.data(), elf.size()), static_cast<ssize_t>(elf.size()));
  void* library = dlopen(absl::StrCat("/proc/self/fd/", fd).c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto entry = reinterpret_cast<KilnEntry>(dlsym(library, KILN_ENTRY_SYMBOL));
  ASSERT_NE(entry, nullptr) << dlerror();
  EXPECT_EQ(entry(nullptr, nullptr, nullptr), KILN_OK);
  dlclose(library);
  close(fd);
}

TEST(CheckSharedObjectTest, RelocationsAndBindingAtOnceMayBeMissing) {
  TinyObject object = MakeTinyObject("x86_64");
  for (int place = TinyObject::kRela; place < TinyObject::kNull; ++place) object.dynamic[place] = {};
  EXPECT_TRUE(Check(object).ok()) << Check(object);
}

TEST(CheckSharedObjectTest, AnotherTargetThanTheTableHasIsUnsupported) {
  const absl::Status status = Check(MakeTinyObject("x86_64"), "riscv64");
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kUnsupportedTarget);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'riscv64' is not known, only for x86_64 and aarch64"));
}

TEST(CheckSharedObjectTest, AFileOverTheLimitIsRefusedUnread) {
  const size_t limit = GetLimit(Limit::kArtifactBytes);
  EXPECT_EQ(GetErrorReason(CheckSharedObject(std::string(limit, 'x'), "x86_64")), kCorrupt);
  EXPECT_EQ(GetErrorReason(CheckSharedObject(std::string(limit + 1, 'x'), "x86_64")), ErrorReason::kLimitExceeded);
}

// In memory of just its size, so that a sanitizer sees a read past it.
absl::Status CheckCopy(absl::string_view elf) {
  const std::unique_ptr<char[]> copy(new char[elf.size()]);
  std::memcpy(copy.get(), elf.data(), elf.size());
  return CheckSharedObject({copy.get(), elf.size()}, "x86_64");
}

TEST(CheckSharedObjectTest, CorruptTruncationsAreRefused) {
  const std::string elf = ElfOf(MakeTinyObject("x86_64"));
  // Behind the object is what the loader does not read.
  for (size_t size = 0; size < sizeof(TinyObject); ++size) {
    EXPECT_EQ(GetErrorReason(CheckCopy(absl::string_view(elf).substr(0, size))), kCorrupt) << size;
  }
  for (size_t size = sizeof(TinyObject); size < elf.size(); ++size) {
    EXPECT_TRUE(CheckCopy(absl::string_view(elf).substr(0, size)).ok()) << size;
  }
}

TEST(CheckSharedObjectTest, CorruptBytesNeverReadOutside) {
  const std::string elf = ElfOf(MakeTinyObject("x86_64"));
  size_t refused = 0;
  for (size_t i = 0; i < elf.size(); ++i) {
    for (const unsigned char value : {0x00, 0x7f, 0x80, 0xff}) {
      std::string bad = elf;
      bad[i] = static_cast<char>(value);
      const absl::Status status = CheckCopy(bad);
      if (status.ok()) continue;
      ++refused;
      const std::optional<ErrorReason> reason = GetErrorReason(status);
      EXPECT_TRUE(reason == kCorrupt || reason == kRefused) << status;
    }
  }
  EXPECT_GT(refused, elf.size());
}

// Shared objects that the build's own compiler and linker made.
std::string BuiltObject(absl::string_view name) {
  std::ifstream file(absl::StrCat(KILN_SHARED_OBJECTS, "/", name, ".so"), std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST(CheckSharedObjectTest, ARealObjectPasses) {
  const absl::Status status = CheckSharedObject(BuiltObject("plain"), KILN_BUILD_ARCH);
  EXPECT_TRUE(status.ok()) << status;
}

struct BuiltRow {
  const char* name;
  const char* message;
};

class BuiltObjectTest : public testing::TestWithParam<BuiltRow> {};

TEST_P(BuiltObjectTest, IsRefused) {
  const absl::Status status = CheckSharedObject(BuiltObject(GetParam().name), KILN_BUILD_ARCH);
  EXPECT_EQ(GetErrorReason(status), kRefused) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(Rules, BuiltObjectTest,
                         testing::Values(BuiltRow{"constructor", "DT_INIT_ARRAY (constructors)"},
                                         BuiltRow{"destructor", "DT_FINI_ARRAY (destructors)"},
                                         BuiltRow{"import", "it imports puts"},
                                         BuiltRow{"library", "DT_NEEDED (a library)"},
                                         BuiltRow{"second_export", "it exports another"},
                                         BuiltRow{"indirect", "an IFUNC"},
                                         BuiltRow{"thread_local", "PT_TLS"},
                                         BuiltRow{"state", "stays writable"},
                                         BuiltRow{"executable_stack", "(PT_GNU_STACK) is RWX"},
                                         BuiltRow{"writable_code", "(PT_LOAD) is RWX"},
                                         BuiltRow{"relocated_code", "DT_TEXTREL"},
                                         BuiltRow{"gnu_hash", "DT_GNU_HASH"},
                                         BuiltRow{"headers_in_code", "its first PT_LOAD is not read-only memory"}),
                         [](const testing::TestParamInfo<BuiltRow>& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace kiln
