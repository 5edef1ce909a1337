#include "compiler/artifact/signed_variant.h"

#include "absl/strings/escaping.h"
#include "base/error.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

std::string Record(absl::string_view requester) {
  v1::VariantRecord record;
  record.set_format_version(1);
  record.set_requester(std::string(requester));
  return record.SerializeAsString();
}

TrustedKeys Trusting(const SigningKey& key) {
  TrustedKeys trusted;
  EXPECT_TRUE(trusted.Add(key.public_key()).ok());
  return trusted;
}

TEST(SignedVariantTest, OpensWhatATrustedKeySigned) {
  SigningKey key = SigningKey::Generate();
  absl::StatusOr<v1::VariantRecord> record = Trusting(key).Open(key.Sign(Record("job")));
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->requester(), "job");
}

TEST(SignedVariantTest, RefusesAKeyItDoesNotTrust) {
  SigningKey key = SigningKey::Generate();
  absl::Status status = Trusting(SigningKey::Generate()).Open(key.Sign(Record("job"))).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kArtifactUntrusted);
}

TEST(SignedVariantTest, CorruptEveryBitOfTheRecordIsRefused) {
  SigningKey key = SigningKey::Generate();
  const v1::SignedVariant good = key.Sign(Record("job"));
  TrustedKeys trusted = Trusting(key);
  for (size_t bit = 0; bit < good.record().size() * 8; ++bit) {
    v1::SignedVariant bad = good;
    (*bad.mutable_record())[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_EQ(GetErrorReason(trusted.Open(bad).status()), ErrorReason::kArtifactUntrusted) << bit;
  }
}

TEST(SignedVariantTest, CorruptSignatureIsRefused) {
  SigningKey key = SigningKey::Generate();
  v1::SignedVariant bad = key.Sign(Record("job"));
  bad.mutable_signature()->pop_back();
  EXPECT_EQ(GetErrorReason(Trusting(key).Open(bad).status()), ErrorReason::kArtifactUntrusted);
}

TEST(SignedVariantTest, ASeedGivesTheSameKeyAgain) {
  SigningKey key = SigningKey::Generate();
  absl::StatusOr<SigningKey> again = SigningKey::FromSeed(key.seed());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->public_key(), key.public_key());
}

TEST(TrustedKeysTest, ReadsLinesOfHexWithComments) {
  SigningKey a = SigningKey::Generate();
  SigningKey b = SigningKey::Generate();
  TrustedKeys trusted;
  std::string text = "# fleet\n" + absl::BytesToHexString(a.public_key()) + "  # first\n\n" +
                     absl::BytesToHexString(b.public_key()) + "\n";
  ASSERT_TRUE(trusted.AddText(text).ok());
  EXPECT_TRUE(trusted.Open(a.Sign(Record("x"))).ok());
  EXPECT_TRUE(trusted.Open(b.Sign(Record("x"))).ok());
}

TEST(TrustedKeysTest, NamesTheLineThatIsNotAKey) {
  TrustedKeys trusted;
  absl::Status status = trusted.AddText("\nnot a key\n");
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kParseError);
  EXPECT_NE(status.message().find("line 2"), absl::string_view::npos);
}

}  // namespace
}  // namespace kiln
