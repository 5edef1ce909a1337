#include "compiler/artifact/revocation_list.h"

#include <limits>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/limits.h"
#include "compiler/artifact/signed_variant.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kNoon = 1796040000;  // 2026-11-30T12:00:00Z

v1::VariantRecord Record() {
  v1::VariantRecord record;
  record.set_artifact_sha256(std::string(Sha256("elf").bytes()));
  record.set_compiler_build("kiln-0.1.0+llvm-19.1.7+abc");
  record.set_created_unix_seconds(kNoon);
  return record;
}

const std::string& PublicKey() {
  static const std::string key(32, 'p');
  return key;
}

std::string Hex(absl::string_view bytes) { return absl::BytesToHexString(bytes); }

// The reason for Record() under these lines, or nullopt.
std::optional<ErrorReason> Under(const std::string& text) {
  RevocationList list;
  const absl::Status added = list.AddText(text);
  EXPECT_TRUE(added.ok()) << added;
  return GetErrorReason(list.Check(Record(), KeyIdOf(PublicKey())));
}

TEST(RevocationListTest, EachRuleRevokesWhatItNames) {
  const std::string lines[] = {
      absl::StrCat("artifact ", Sha256("elf").ToHex()),
      absl::StrCat("key ", Hex(PublicKey())),
      absl::StrCat("key ", Hex(KeyIdOf(PublicKey()))),
      "build kiln-0.1.0+llvm-19.1.7+abc",
      "build kiln-0.1.0+llvm-19*",
      "before 2026-11-30T12:00:01Z",
      "before 2026-11-30T13:00:01+01:00",
      absl::StrCat("# why\n\n  artifact   ", Sha256("elf").ToHex(), "  # it was miscompiled\n"),
  };
  for (const std::string& line : lines) EXPECT_EQ(Under(line), ErrorReason::kArtifactRevoked) << line;
}

TEST(RevocationListTest, NothingElseIsRevoked) {
  const std::string lines[] = {
      "",
      absl::StrCat("artifact ", Sha256("another").ToHex()),
      absl::StrCat("key ", Hex(std::string(32, 'q'))),
      "key 0000000000000000",
      "build kiln-0.1.0+llvm-19.1.7+ab",
      "build kiln-0.2*",
      "before 2026-11-30T12:00:00Z",
  };
  for (const std::string& line : lines) EXPECT_EQ(Under(line), std::nullopt) << line;
}

TEST(RevocationListTest, TheLatestEpochCounts) {
  EXPECT_EQ(Under("before 2026-12-01T00:00:00Z\nbefore 2001-01-01T00:00:00Z"), ErrorReason::kArtifactRevoked);
}

TEST(RevocationListTest, MalformedLinesAreNamedAndNothingIsAdded) {
  const std::pair<std::string, std::string> cases[] = {
      {"artefact 12", "line 3: 'artefact' is none of"},
      {"artifact 12", "line 3: an artifact is 64"},
      {"artifact", "line 3: an artifact is 64"},
      {absl::StrCat("artifact ", std::string(64, 'G')), "line 3: an artifact is 64"},
      {"key 123", "line 3: a key is 64"},
      {"key zzzzzzzzzzzzzzzz", "line 3: a key is 64"},
      {"key AAAAAAAAAAAAAAAA", "line 3: a key is 64"},
      {"build", "line 3: a build is"},
      {"build *", "line 3: a build is"},
      {"before noon", "line 3: an epoch is a time"},
      {"before infinite-future", "line 3: an epoch is a time"},
      {"before", "line 3: an epoch is a time"},
  };
  for (const auto& [line, message] : cases) {
    RevocationList list;
    const absl::Status status = list.AddText(absl::StrCat("build kiln*\n# comment\n", line, "\nbuild x"));
    EXPECT_EQ(GetErrorReason(status), ErrorReason::kParseError) << line;
    EXPECT_THAT(std::string(status.message()), HasSubstr(message)) << line;
    EXPECT_EQ(list.size(), 0) << line;
  }
}

TEST(RevocationListTest, HasALimit) {
  std::string text;
  for (int64_t i = 0; i <= GetLimit(Limit::kRevocations); ++i) absl::StrAppend(&text, "build b", i, "\n");
  RevocationList list;
  EXPECT_EQ(GetErrorReason(list.AddText(text)), ErrorReason::kLimitExceeded);
  EXPECT_EQ(list.size(), 0);
}

TEST(RevocationListTest, RulesAreCountedOnce) {
  RevocationList list;
  ASSERT_TRUE(list.AddText("build a\nbuild a\nbuild a*\nbefore 2001-01-01T00:00:00Z").ok());
  ASSERT_TRUE(list.AddText("build a").ok());
  EXPECT_EQ(list.size(), 3);
}

}  // namespace
}  // namespace kiln
