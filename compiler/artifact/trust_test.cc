#include "compiler/artifact/trust.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

class FakeClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::UnixEpoch(); }
  absl::Duration Monotonic() const override { return now; }
  absl::Duration now = absl::Seconds(100);
};

class TrustTest : public testing::Test {
 protected:
  TrustTest() : folder_(testing::TempDir() + "/trust_test_" + absl::StrCat(getpid())) {
    mkdir(folder_.c_str(), 0700);
    files_ = {.keys = folder_ + "/keys", .revoked = folder_ + "/revoked"};
    Write(files_.keys, Hex(old_key_));
    Write(files_.revoked, "");
  }
  ~TrustTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  static std::string Hex(const SigningKey& key) { return absl::BytesToHexString(key.public_key()) + "\n"; }
  // By rename, as editors and configuration tools do: another inode.
  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path + ".new") << text;
    std::rename((path + ".new").c_str(), path.c_str());
  }
  std::shared_ptr<Trust> Load(TrustPolicy always = {}) {
    absl::StatusOr<std::shared_ptr<Trust>> trust = Trust::Load(files_, std::move(always), &clock_);
    EXPECT_TRUE(trust.ok()) << trust.status();
    return *std::move(trust);
  }
  static v1::SignedVariant Signed(const SigningKey& key) {
    v1::VariantRecord record;
    record.set_format_version(1);
    record.set_compiler_build("a build");
    return key.Sign(record.SerializeAsString());
  }
  static std::optional<ErrorReason> Reason(const Trust& trust, const SigningKey& key) {
    return GetErrorReason(trust.Open(Signed(key)).status());
  }

  const SigningKey old_key_ = SigningKey::Generate();
  const SigningKey new_key_ = SigningKey::Generate();
  const std::string folder_;
  TrustFiles files_;
  FakeClock clock_;
};

TEST_F(TrustTest, KeysRotateAndRevocationsApplyWithoutARestart) {
  std::shared_ptr<Trust> trust = Load();
  EXPECT_EQ(Reason(*trust, old_key_), std::nullopt);
  EXPECT_EQ(Reason(*trust, new_key_), ErrorReason::kArtifactUntrusted);
  const int64_t before = trust->generation();
  Write(files_.keys, Hex(old_key_) + Hex(new_key_));
  EXPECT_EQ(*trust->ReloadIfChanged(), true);
  EXPECT_GT(trust->generation(), before);
  EXPECT_EQ(Reason(*trust, old_key_), std::nullopt);
  EXPECT_EQ(Reason(*trust, new_key_), std::nullopt);
  Write(files_.revoked, absl::StrCat("key ", absl::BytesToHexString(KeyIdOf(old_key_.public_key()))));
  EXPECT_EQ(*trust->ReloadIfChanged(), true);
  EXPECT_EQ(Reason(*trust, old_key_), ErrorReason::kArtifactRevoked);
  EXPECT_EQ(Reason(*trust, new_key_), std::nullopt);
}

TEST_F(TrustTest, WhatIsAlwaysTrustedOutlivesTheFile) {
  TrustPolicy always;
  ASSERT_TRUE(always.keys.Add(new_key_.public_key()).ok());
  std::shared_ptr<Trust> trust = Load(std::move(always));
  Write(files_.keys, "");
  ASSERT_TRUE(trust->Reload().ok());
  EXPECT_EQ(Reason(*trust, old_key_), ErrorReason::kArtifactUntrusted);
  EXPECT_EQ(Reason(*trust, new_key_), std::nullopt);
}

TEST_F(TrustTest, FilesThatSayTheSameChangeNothing) {
  std::shared_ptr<Trust> trust = Load();
  const int64_t before = trust->generation();
  EXPECT_EQ(*trust->ReloadIfChanged(), false);
  Write(files_.keys, Hex(old_key_));
  EXPECT_EQ(*trust->ReloadIfChanged(), false);
  EXPECT_EQ(*trust->Reload(), false);
  EXPECT_EQ(trust->generation(), before);
}

TEST_F(TrustTest, ABadFileIsNamedOnceAndChangesNothing) {
  std::shared_ptr<Trust> trust = Load();
  Write(files_.revoked, "build a build\nbuild\n");
  const absl::Status status = trust->ReloadIfChanged().status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kParseError);
  EXPECT_THAT(std::string(status.message()), HasSubstr("revoked: revocations, line 2: a build is"));
  EXPECT_EQ(trust->last_error(), status);
  EXPECT_EQ(Reason(*trust, old_key_), std::nullopt);
  EXPECT_EQ(*trust->ReloadIfChanged(), false);
  Write(files_.revoked, "build a build\n");
  EXPECT_EQ(*trust->ReloadIfChanged(), true);
  EXPECT_TRUE(trust->last_error().ok());
  EXPECT_EQ(Reason(*trust, old_key_), ErrorReason::kArtifactRevoked);
  Write(files_.keys, "12\n");
  EXPECT_THAT(std::string(trust->ReloadIfChanged().status().message()), HasSubstr("keys: trusted keys, line 1"));
  EXPECT_EQ(Reason(*trust, old_key_), ErrorReason::kArtifactRevoked);
}

TEST_F(TrustTest, AListThatGoesAwayStillHoldsUnlessItNeedNotBeThere) {
  Write(files_.revoked, "build a build\n");
  std::shared_ptr<Trust> trust = Load();
  std::remove(files_.revoked.c_str());
  EXPECT_EQ(GetErrorReason(trust->ReloadIfChanged().status()), ErrorReason::kStorage);
  EXPECT_EQ(Reason(*trust, old_key_), ErrorReason::kArtifactRevoked);
  EXPECT_EQ(GetErrorReason(Trust::Load(files_).status()), ErrorReason::kStorage);
  files_.revoked_may_be_missing = true;
  EXPECT_EQ(Reason(*Load(), old_key_), std::nullopt);
}

TEST_F(TrustTest, PollLooksOnceASecond) {
  std::shared_ptr<Trust> trust = Load();
  trust->Poll();
  Write(files_.revoked, "build a build\n");
  clock_.now += absl::Milliseconds(999);
  trust->Poll();
  EXPECT_EQ(Reason(*trust, old_key_), std::nullopt);
  clock_.now += absl::Milliseconds(2);
  trust->Poll();
  EXPECT_EQ(Reason(*trust, old_key_), ErrorReason::kArtifactRevoked);
}

TEST_F(TrustTest, WhatIsNoFileIsRefusedWithoutWaiting) {
  files_.keys = folder_;
  EXPECT_EQ(GetErrorReason(Trust::Load(files_).status()), ErrorReason::kStorage);
  files_.keys = folder_ + "/pipe";
  ASSERT_EQ(mkfifo(files_.keys.c_str(), 0600), 0);
  EXPECT_THAT(std::string(Trust::Load(files_).status().message()), HasSubstr("is no file"));
}

}  // namespace
}  // namespace kiln
