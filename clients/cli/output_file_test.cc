#include "clients/cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "cache/testing/temp_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

class OutputFileTest : public ::testing::Test {
 protected:
  static void Put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  static absl::Status WriteTo(const std::string& path, absl::string_view bytes, bool commits = true) {
    absl::StatusOr<OutputFile> file = OutputFile::Create(path);
    if (!file.ok()) return file.status();
    if (absl::Status status = file->Write(bytes); !status.ok() || !commits) return status;
    return file->Commit();
  }
  int NumFiles() const {
    return static_cast<int>(std::distance(std::filesystem::directory_iterator(folder_.path()), {}));
  }

  const TempFolder folder_;
  const std::string path_ = folder_.path() + "/out";
};

TEST_F(OutputFileTest, WritesAFileThatWasNotThere) {
  ASSERT_TRUE(WriteTo(path_, "new").ok());
  EXPECT_EQ(Read(path_), "new");
  EXPECT_EQ(NumFiles(), 1);
}

TEST_F(OutputFileTest, ReplacesAFileAndKeepsItsMode) {
  Put(path_, "old");
  ASSERT_EQ(chmod(path_.c_str(), 0640), 0);
  ASSERT_TRUE(WriteTo(path_, "new").ok());
  EXPECT_EQ(Read(path_), "new");
  struct stat info;
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
}

TEST_F(OutputFileTest, WithoutACommitEverythingIsAsItWas) {
  Put(path_, "old");
  // Whoever has a file of such a name keeps it.
  Put(path_ + ".partial", "theirs");
  ASSERT_TRUE(WriteTo(path_, "new", /*commits=*/false).ok());
  EXPECT_EQ(Read(path_), "old");
  EXPECT_EQ(Read(path_ + ".partial"), "theirs");
  EXPECT_EQ(NumFiles(), 2);
}

TEST_F(OutputFileTest, FollowsALink) {
  Put(folder_.path() + "/real", "old");
  ASSERT_EQ(symlink("real", path_.c_str()), 0);
  ASSERT_TRUE(WriteTo(path_, "new").ok());
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
  EXPECT_EQ(Read(folder_.path() + "/real"), "new");
}

TEST_F(OutputFileTest, WritesIntoAPipeThatStays) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = Read(path_); });
  ASSERT_TRUE(WriteTo(path_, "through").ok());
  reader.join();
  EXPECT_EQ(read, "through");
  EXPECT_TRUE(std::filesystem::is_fifo(path_));
}

TEST_F(OutputFileTest, WhatCannotBeWrittenIsNamed) {
  EXPECT_THAT(std::string(WriteTo(folder_.path() + "/no/out", "x").message()), HasSubstr("/no/out: No such file"));
  EXPECT_THAT(std::string(WriteTo(folder_.path(), "x").message()), HasSubstr("Is a directory"));
}

}  // namespace
}  // namespace kiln
