// Keys that are rotated and things that are revoked while a server serves.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "compiler/artifact/signed_variant.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/service_fixture.h"

namespace kiln {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class TrustTest : public ServiceTest {
 protected:
  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path + ".new") << text;
    std::rename((path + ".new").c_str(), path.c_str());
  }
  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  std::string PublicKey() const { return Read(Data() + "/signing_key.pub"); }

  v1::LookupResponse Look(const CompileAnswer& answer) {
    v1::LookupResponse response;
    const absl::Status status = client_->Lookup(LookupFor(RequestFor(kAdd, kSizes), answer, {8, 16}), response);
    EXPECT_TRUE(status.ok()) << status;
    return response;
  }
  // Asks until the server has read its files again; the test's own limit ends it.
  v1::LookupResponse LookUntilFoundIs(bool found, const CompileAnswer& answer) {
    v1::LookupResponse response = Look(answer);
    for (int i = 0; i < 2000 && response.found() != found; ++i) {
      usleep(5000);
      response = Look(answer);
    }
    EXPECT_EQ(response.found(), found);
    return response;
  }
  std::string KeyIdOfAnswer(const CompileAnswer& answer) {
    return absl::BytesToHexString(answer.result.variant().signed_().key_id());
  }
};

TEST_F(TrustTest, KeysRotateWithoutAFlush) {
  const CompileAnswer before = Compile();
  ASSERT_TRUE(before.ok()) << before.status;
  const std::string old_keys = folder_.path() + "/old_keys";
  Write(old_keys, PublicKey());
  server_->Stop();
  ASSERT_EQ(unlink((Data() + "/signing_key").c_str()), 0);
  Restart({"--trusted_keys=" + old_keys});
  const CompileAnswer after = Compile();
  ASSERT_TRUE(after.ok()) << after.status;
  EXPECT_EQ(after.tier(), v1::TIER_DISK);
  EXPECT_EQ(KeyIdOfAnswer(after), KeyIdOfAnswer(before));
  // The new key signs what is new.
  const CompileAnswer other = Compile({{"bytes", "10"}});
  ASSERT_TRUE(other.ok()) << other.status;
  EXPECT_NE(KeyIdOfAnswer(other), KeyIdOfAnswer(before));
  // Trusted no longer: gone without a restart, and compiled again under the new key.
  Write(old_keys, "# nobody\n");
  kill(server_->pid(), SIGHUP);
  EXPECT_THAT(LookUntilFoundIs(false, before).reasons(), Contains(v1::MISS_REASON_UNTRUSTED));
  EXPECT_EQ(KeyIdOfAnswer(Compile()), KeyIdOfAnswer(other));
  EXPECT_EQ(Compile({{"bytes", "10"}}).tier(), v1::TIER_MEMORY);
}

TEST_F(TrustTest, AKeyIsRevokedWhileItsRowsAreServed) {
  const CompileAnswer before = Compile();
  ASSERT_TRUE(before.ok()) << before.status;
  const std::string old_keys = folder_.path() + "/old_keys";
  Write(old_keys, PublicKey());
  server_->Stop();
  ASSERT_EQ(unlink((Data() + "/signing_key").c_str()), 0);
  Restart({"--trusted_keys=" + old_keys});
  EXPECT_TRUE(Look(before).found());
  // The file of the data folder is noticed by itself.
  Write(Data() + "/revoked", absl::StrCat("key ", KeyIdOfAnswer(before), "\n"));
  EXPECT_THAT(LookUntilFoundIs(false, before).reasons(), Contains(v1::MISS_REASON_REVOKED));
  const CompileAnswer after = Compile();
  ASSERT_TRUE(after.ok()) << after.status;
  EXPECT_EQ(after.tier(), v1::TIER_COMPILED);
  EXPECT_NE(KeyIdOfAnswer(after), KeyIdOfAnswer(before));
}

TEST_F(TrustTest, ARevokedArtifactIsDroppedAndNotMadeAgain) {
  const CompileAnswer answer = Compile();
  ASSERT_TRUE(answer.ok()) << answer.status;
  Write(Data() + "/revoked", absl::StrCat("artifact ", absl::BytesToHexString(answer.record().artifact_sha256())));
  kill(server_->pid(), SIGHUP);
  EXPECT_THAT(LookUntilFoundIs(false, answer).reasons(), Contains(v1::MISS_REASON_REVOKED));
  // The same compile makes the same bytes.
  EXPECT_EQ(Compile().reason(), "ARTIFACT_REVOKED");
  EXPECT_TRUE(Compile({{"bytes", "10"}}).ok());
  // A restart does not bring it back; when the line goes, it is made again.
  Restart();
  EXPECT_EQ(Compile().reason(), "ARTIFACT_REVOKED");
  Write(Data() + "/revoked", "");
  Restart();
  EXPECT_EQ(Compile().tier(), v1::TIER_COMPILED);
}

TEST_F(TrustTest, ABuildAndAnEpochAreRevoked) {
  const CompileAnswer answer = Compile();
  ASSERT_TRUE(answer.ok()) << answer.status;
  const std::string build = absl::StrCat("build ", answer.record().compiler_build(), "\n");
  for (const std::string& line : {build, std::string("before 2100-01-01T00:00:00Z\n")}) {
    Write(Data() + "/revoked", line);
    Restart();
    EXPECT_EQ(Compile().reason(), "ARTIFACT_REVOKED") << line;
    Write(Data() + "/revoked", "before 2001-01-01T00:00:00Z\n");
    Restart();
    EXPECT_TRUE(Compile().ok());
  }
}

TEST_F(TrustTest, AFileThatTurnsBadChangesNothing) {
  const CompileAnswer answer = Compile();
  ASSERT_TRUE(answer.ok()) << answer.status;
  const std::string line = absl::StrCat("artifact ", absl::BytesToHexString(answer.record().artifact_sha256()), "\n");
  Write(Data() + "/revoked", "artefact\n" + line);
  kill(server_->pid(), SIGHUP);
  EXPECT_TRUE(Look(answer).found());
  Write(Data() + "/revoked", line);
  LookUntilFoundIs(false, answer);
  // At a start it is refused, by its line.
  Write(Data() + "/revoked", line + "\n\nbuild\n");
  server_->Stop();
  const EndedServer ended = RunServerToItsEnd(Data(), {"--compiler=fake"});
  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_THAT(ended.stderr_text, HasSubstr("/revoked: revocations, line 4: a build is"));
  const EndedServer missing = RunServerToItsEnd(Data(), {"--compiler=fake", "--revoked=/nowhere/revoked"});
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_THAT(missing.stderr_text, HasSubstr("/nowhere/revoked: No such file"));
}

}  // namespace
}  // namespace kiln
