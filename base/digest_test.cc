#include "base/digest.h"

#include "gtest/gtest.h"

namespace kiln {
namespace {

TEST(DigestTest, MatchesPublishedVectors) {
  // FIPS 180-4, examples for SHA-256.
  EXPECT_EQ(Sha256("abc").ToHex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256("").ToHex(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(DigestTest, IncrementalEqualsOneShot) {
  Sha256Hasher hasher;
  hasher.Update("a");
  hasher.Update("");
  hasher.Update("bc");
  EXPECT_EQ(hasher.Finish(), Sha256("abc"));
}

TEST(DigestTest, HexRoundTrips) {
  const Digest d = Sha256("x");
  EXPECT_EQ(Digest::FromHex(d.ToHex()), d);
  EXPECT_EQ(Digest::FromBytes(d.bytes()), d);
}

TEST(DigestTest, RefusesBadHex) {
  EXPECT_EQ(Digest::FromHex(""), std::nullopt);
  EXPECT_EQ(Digest::FromHex(std::string(64, 'g')), std::nullopt);
  EXPECT_EQ(Digest::FromHex(std::string(64, 'A')), std::nullopt);
  EXPECT_EQ(Digest::FromHex(std::string(63, 'a')), std::nullopt);
}

TEST(DigestBuilderTest, FieldBoundariesCount) {
  const Digest a = DigestBuilder("t").AddBytes("ab").AddBytes("c").Finish();
  const Digest b = DigestBuilder("t").AddBytes("a").AddBytes("bc").Finish();
  EXPECT_NE(a, b);
}

TEST(DigestBuilderTest, KindsAndDomainsCount) {
  EXPECT_NE(DigestBuilder("t").AddInt(1).Finish(),
            DigestBuilder("u").AddInt(1).Finish());
  EXPECT_NE(DigestBuilder("t").AddInt(1).Finish(),
            DigestBuilder("t").AddBytes("1").Finish());
}

}  // namespace
}  // namespace kiln
