#include "clients/runtime/node_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "clients/runtime/mapped_library.h"
#include "clients/runtime/testing/hand_made_artifact.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

// A library that answers with `number`.
std::string Library(int number) {
  absl::StatusOr<std::string> elf = CompileHandMade(
      absl::StrCat("#include \"compiler/artifact/kiln_abi.h\"\n"
                   "int32_t kiln_entry(const KilnHost* host, KilnContext* context, const KilnCall* call) { return ",
                   number, "; }\n"),
      BareManifest(absl::StrCat("library ", number)));
  EXPECT_TRUE(elf.ok()) << elf.status();
  return *std::move(elf);
}

int Answer(const MappedLibrary& library) {
  return reinterpret_cast<int32_t (*)(const void*, void*, const void*)>(library.Find("kiln_entry"))(nullptr, nullptr,
                                                                                                  nullptr);
}

// The inode of the file that is mapped at the address.
int64_t InodeAt(const void* address) {
  std::ifstream maps("/proc/self/maps");
  const auto at = reinterpret_cast<uintptr_t>(address);
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0, end = 0;
    int64_t inode = 0;
    const int fields = std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %" SCNd64, &begin, &end, &inode);
    if (fields == 3 && begin <= at && at < end) return inode;
  }
  return -1;
}

class NodeCacheTest : public testing::Test {
 protected:
  NodeCacheTest() : folder_(absl::StrCat(testing::TempDir(), "/node_cache_test_", getpid())) {
    std::filesystem::remove_all(folder_);
    cache_ = Open();
  }
  ~NodeCacheTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<NodeCache> Open(int64_t max_bytes = 1 << 30) {
    absl::StatusOr<std::unique_ptr<NodeCache>> cache = NodeCache::Open({folder_, max_bytes});
    EXPECT_TRUE(cache.ok()) << cache.status();
    return *std::move(cache);
  }
  std::shared_ptr<const MappedLibrary> Map(const std::string& elf, NodeCache* cache) {
    absl::StatusOr<std::shared_ptr<const MappedLibrary>> library = MappedLibrary::Map(elf, Sha256(elf), cache);
    EXPECT_TRUE(library.ok()) << library.status();
    return *std::move(library);
  }
  std::shared_ptr<const MappedLibrary> Map(const std::string& elf) { return Map(elf, cache_.get()); }
  std::string PathOf(const std::string& elf) const { return absl::StrCat(folder_, "/", Sha256(elf).ToHex(), ".so"); }
  static struct stat StatOf(const std::string& path) {
    struct stat info = {};
    EXPECT_EQ(lstat(path.c_str(), &info), 0) << path;
    return info;
  }
  static std::string Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  const std::string folder_;
  std::unique_ptr<NodeCache> cache_;
};

TEST_F(NodeCacheTest, TwoProcessesMapOneFile) {
  const std::string elf = Library(41);
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // It maps first, and the parent finds what it left.
    absl::StatusOr<std::shared_ptr<const MappedLibrary>> library = MappedLibrary::Map(elf, Sha256(elf), cache_.get());
    const int64_t inode = library.ok() ? InodeAt((*library)->Find("kiln_entry")) : -2;
    _exit(write(fds[1], &inode, sizeof(inode)) == sizeof(inode) && library.ok() && Answer(**library) == 41 ? 0 : 1);
  }
  int64_t inode = 0;
  ASSERT_EQ(read(fds[0], &inode, sizeof(inode)), static_cast<ssize_t>(sizeof(inode)));
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  const std::shared_ptr<const MappedLibrary> library = Map(elf);
  EXPECT_EQ(Answer(*library), 41);
  EXPECT_EQ(InodeAt(library->Find("kiln_entry")), inode);
  EXPECT_EQ(static_cast<int64_t>(StatOf(PathOf(elf)).st_ino), inode);
  EXPECT_EQ(StatOf(PathOf(elf)).st_mode & 0777, 0400u);
  EXPECT_EQ(StatOf(folder_).st_mode & 0777, 0700u);
}

TEST_F(NodeCacheTest, LibrariesAreNotTakenForEachOther) {
  std::vector<std::shared_ptr<const MappedLibrary>> libraries;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 5; ++i) libraries.push_back(Map(Library(i)));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(Answer(*libraries[i]), i);
    libraries.clear();
  }
}

TEST_F(NodeCacheTest, WhatIsNotTheArtifactIsReplaced) {
  const std::string elf = Library(42);
  const std::string path = PathOf(elf);
  const std::string precious = folder_ + "/precious";
  std::ofstream(precious) << "not to be touched";
  struct Case {
    const char* name;
    std::function<void()> plant;
  };
  const Case cases[] = {
      {"a flipped byte",
       [&] {
         std::string bad = elf;
         bad[bad.size() / 2] ^= 1;
         std::ofstream(path, std::ios::binary) << bad;
         chmod(path.c_str(), 0400);
       }},
      {"cut short", [&] { std::ofstream(path) << elf.substr(0, 100); chmod(path.c_str(), 0400); }},
      {"writable", [&] { std::ofstream(path, std::ios::binary) << elf; chmod(path.c_str(), 0600); }},
      {"readable for others", [&] { std::ofstream(path, std::ios::binary) << elf; chmod(path.c_str(), 0444); }},
      {"a link", [&] { ASSERT_EQ(symlink(precious.c_str(), path.c_str()), 0); }},
      {"a pipe", [&] { ASSERT_EQ(mkfifo(path.c_str(), 0400), 0); }},
  };
  for (const Case& c : cases) {
    unlink(path.c_str());
    c.plant();
    EXPECT_EQ(Answer(*Map(elf)), 42) << c.name;
    EXPECT_TRUE(S_ISREG(StatOf(path).st_mode)) << c.name;
    EXPECT_EQ(StatOf(path).st_mode & 0777, 0400u) << c.name;
    EXPECT_EQ(Read(path), elf) << c.name;
    EXPECT_EQ(Read(precious), "not to be touched") << c.name;
  }
}

TEST_F(NodeCacheTest, BytesOfAnotherDigestAreNotPut) {
  const std::string elf = Library(43);
  const Digest other = Sha256("other");
  EXPECT_EQ(GetErrorReason(MappedLibrary::Map(elf, other, cache_.get()).status()), ErrorReason::kArtifactCorrupt);
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(NodeCacheTest, TheOldestGoAndStayCallable) {
  const std::string elves[] = {Library(1), Library(2), Library(3)};
  const std::unique_ptr<NodeCache> small = Open(static_cast<int64_t>(elves[0].size() + elves[1].size() + 10));
  std::vector<std::shared_ptr<const MappedLibrary>> libraries;
  for (int i = 0; i < 3; ++i) {
    libraries.push_back(Map(elves[i], small.get()));
    // The order of use, whatever the clock of the file system says.
    const timespec when[2] = {{1000 + i, 0}, {1000 + i, 0}};
    utimensat(AT_FDCWD, PathOf(elves[i]).c_str(), when, 0);
  }
  EXPECT_FALSE(std::filesystem::exists(PathOf(elves[0])));
  EXPECT_TRUE(std::filesystem::exists(PathOf(elves[1])));
  EXPECT_TRUE(std::filesystem::exists(PathOf(elves[2])));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Answer(*libraries[i]), i + 1);
}

TEST_F(NodeCacheTest, AFolderThatOthersMayEnterIsRefused) {
  chmod(folder_.c_str(), 0755);
  EXPECT_EQ(GetErrorReason(NodeCache::Open({folder_}).status()), ErrorReason::kStorage);
  const std::string link = folder_ + "_link";
  ASSERT_EQ(symlink(folder_.c_str(), link.c_str()), 0);
  chmod(folder_.c_str(), 0700);
  EXPECT_EQ(GetErrorReason(NodeCache::Open({link}).status()), ErrorReason::kStorage);
  unlink(link.c_str());
  EXPECT_EQ(GetErrorReason(NodeCache::Open({folder_ + "/a/b"}).status()), ErrorReason::kStorage);
}

TEST_F(NodeCacheTest, AFolderThatIsGoneCostsTheFileNotTheRun) {
  std::filesystem::remove_all(folder_);
  EXPECT_EQ(Answer(*Map(Library(44))), 44);
}

TEST_F(NodeCacheTest, DraftsOfTheDeadAreRemoved) {
  const std::string draft = folder_ + "/.draft-1-0-0";
  std::ofstream(draft) << "half";
  const timespec when[2] = {{1000, 0}, {1000, 0}};
  utimensat(AT_FDCWD, draft.c_str(), when, 0);
  Map(Library(45));
  EXPECT_FALSE(std::filesystem::exists(draft));
}

}  // namespace
}  // namespace kiln
