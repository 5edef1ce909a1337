// What the server leaves on disk: it outlives a crash, and what is damaged is a miss or a refusal to start.
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/service_fixture.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

using DataFolderTest = ServiceTest;

TEST_F(DataFolderTest, ARestartAfterKillNineCompilesNothing) {
  const CompileAnswer before = Compile();
  ASSERT_TRUE(before.ok()) << before.status;
  server_->KillHard();
  Restart();
  const CompileAnswer after = Compile();
  ASSERT_TRUE(after.ok()) << after.status;
  EXPECT_EQ(after.tier(), v1::TIER_DISK);
  EXPECT_EQ(after.result.variant().artifact(), before.result.variant().artifact());
  EXPECT_EQ(client_->Counters().compiles(), 0);
  EXPECT_EQ(Compile().tier(), v1::TIER_MEMORY);
}

// Every file of the store, changed one bit at several places.
void FlipBits(const std::string& folder) {
  DIR* dir = opendir(folder.c_str());
  ASSERT_NE(dir, nullptr) << folder;
  for (dirent* entry; (entry = readdir(dir)) != nullptr;) {
    const std::string path = folder + "/" + entry->d_name;
    struct stat info;
    if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    const std::string name = entry->d_name;
    if (name.find(".sst") == std::string::npos && name.find(".blob") == std::string::npos &&
        name.find(".log") == std::string::npos) {
      continue;
    }
    FILE* file = fopen(path.c_str(), "r+b");
    for (long at = info.st_size / 4; at < info.st_size; at += info.st_size / 4 + 1) {
      fseek(file, at, SEEK_SET);
      const int byte = fgetc(file);
      fseek(file, at, SEEK_SET);
      fputc(byte ^ 1, file);
    }
    fclose(file);
  }
  closedir(dir);
}

TEST_F(DataFolderTest, AFlippedBitInTheStoreIsAMissOrAClearRefusalToStart) {
  ASSERT_TRUE(Compile({{"bytes", "100000"}}).ok());
  server_->Stop();
  FlipBits(Data() + "/cache");
  server_ = ServerProcess::Start(Data(), {"--compiler=fake"});
  if (server_ == nullptr) {
    const EndedServer ended = RunServerToItsEnd(Data(), {"--compiler=fake"});
    EXPECT_EQ(ended.exit_code, 3);
    EXPECT_THAT(ended.stderr_text, HasSubstr(Data()));
    return;
  }
  client_ = std::make_unique<TestClient>(server_->address());
  const CompileAnswer again = Compile({{"bytes", "100000"}});
  ASSERT_TRUE(again.ok()) << again.status;
  EXPECT_EQ(again.tier(), v1::TIER_COMPILED);
}

TEST_F(DataFolderTest, AnArtifactOfAnotherKeyIsAMiss) {
  ASSERT_TRUE(Compile().ok());
  server_->Stop();
  ASSERT_EQ(unlink((Data() + "/signing_key").c_str()), 0);
  Restart();
  EXPECT_EQ(Compile().tier(), v1::TIER_COMPILED);
}

TEST_F(DataFolderTest, AServerThatCannotStartSaysWhyInOneLine) {
  const EndedServer locked = RunServerToItsEnd(Data(), {"--compiler=fake"});
  EXPECT_EQ(locked.exit_code, 3);
  EXPECT_THAT(locked.stderr_text, HasSubstr(Data()));
  EXPECT_EQ(std::count(locked.stderr_text.begin(), locked.stderr_text.end(), '\n'), 1) << locked.stderr_text;

  const EndedServer no_folder = RunServerToItsEnd("/proc/kiln", {"--compiler=fake"});
  EXPECT_EQ(no_folder.exit_code, 3);
  EXPECT_THAT(no_folder.stderr_text, HasSubstr("/proc/kiln"));

  const EndedServer taken =
      RunServerToItsEnd(folder_.path() + "/other", {"--compiler=fake", "--listen=" + server_->address()});
  EXPECT_EQ(taken.exit_code, 4);
  EXPECT_THAT(taken.stderr_text, HasSubstr(server_->address()));

  const std::string key = folder_.path() + "/bad/signing_key";
  mkdir((folder_.path() + "/bad").c_str(), 0700);
  FILE* file = fopen(key.c_str(), "w");
  fputs("not a key\n", file);
  fclose(file);
  chmod(key.c_str(), 0600);
  const EndedServer bad_key = RunServerToItsEnd(folder_.path() + "/bad", {"--compiler=fake"});
  EXPECT_EQ(bad_key.exit_code, 3);
  EXPECT_THAT(bad_key.stderr_text, HasSubstr(key));
  chmod(key.c_str(), 0644);
  EXPECT_THAT(RunServerToItsEnd(folder_.path() + "/bad", {"--compiler=fake"}).stderr_text, HasSubstr("0644"));
}

TEST_F(DataFolderTest, KeyFilesAreForTheirReaders) {
  struct stat info;
  ASSERT_EQ(stat((Data() + "/signing_key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(stat((Data() + "/signing_key.pub").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644u);
}

}  // namespace
}  // namespace kiln
