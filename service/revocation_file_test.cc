#include "service/revocation_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/error.h"
#include "cache/testing/temp_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

class RevocationFileTest : public ::testing::Test {
 protected:
  static void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  const TempFolder folder_;
  const std::string path_ = folder_.path() + "/revoked";
};

TEST_F(RevocationFileTest, AMissingFileIsMade) {
  ASSERT_TRUE(RevocationFile(path_).Add({"build a"}).ok());
  EXPECT_EQ(Read(path_), "build a\n");
}

TEST_F(RevocationFileTest, KeepsWhatIsThere) {
  Write(path_, "# ours\nbuild a");
  ASSERT_TRUE(RevocationFile(path_).Add({"build a", "build b"}).ok());
  EXPECT_EQ(Read(path_), "# ours\nbuild a\nbuild b\n");
}

// A folder stands for all that cannot be read: permissions do not keep root away.
TEST_F(RevocationFileTest, WhatCannotBeReadIsNotTakenForEmpty) {
  ASSERT_EQ(mkdir(path_.c_str(), 0700), 0);
  const absl::Status status = RevocationFile(path_).Add({"build a"});
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kStorage);
  EXPECT_THAT(std::string(status.message()), HasSubstr("nothing is revoked"));
  EXPECT_TRUE(std::filesystem::is_directory(path_));
}

TEST_F(RevocationFileTest, WhoMayNotReadItChangesNothing) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  Write(path_, "build a\n");
  ASSERT_EQ(chmod(path_.c_str(), 0), 0);
  EXPECT_EQ(GetErrorReason(RevocationFile(path_).Add({"build b"})), ErrorReason::kStorage);
  ASSERT_EQ(chmod(path_.c_str(), 0600), 0);
  EXPECT_EQ(Read(path_), "build a\n");
}

TEST_F(RevocationFileTest, AListThatIsTooLargeStays) {
  Write(path_, std::string(9 << 20, '#'));
  EXPECT_EQ(GetErrorReason(RevocationFile(path_).Add({"build a"})), ErrorReason::kStorage);
  EXPECT_EQ(std::filesystem::file_size(path_), 9 << 20);
}

TEST_F(RevocationFileTest, FollowsALink) {
  const std::string shared = folder_.path() + "/shared";
  Write(shared, "build a\n");
  ASSERT_EQ(symlink("shared", path_.c_str()), 0);
  ASSERT_TRUE(RevocationFile(path_).Add({"build b"}).ok());
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
  EXPECT_EQ(Read(shared), "build a\nbuild b\n");
}

TEST_F(RevocationFileTest, ALinkToNothingIsRefused) {
  ASSERT_EQ(symlink("nothing", path_.c_str()), 0);
  EXPECT_EQ(GetErrorReason(RevocationFile(path_).Add({"build a"})), ErrorReason::kStorage);
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
}

}  // namespace
}  // namespace kiln
