#include "compiler/artifact/options_digest.h"

#include "gtest/gtest.h"

namespace kiln {
namespace {

TEST(OptionsDigestTest, NamesAndValuesDoNotRunTogether) {
  EXPECT_NE(OptionsDigest({{"ab", "c"}}), OptionsDigest({{"a", "bc"}}));
}

TEST(OptionsDigestTest, AnOptionMoreIsAnotherDigest) {
  EXPECT_NE(OptionsDigest({{"a", "1"}}), OptionsDigest({{"a", "1"}, {"b", "2"}}));
  EXPECT_NE(OptionsDigest({}), OptionsDigest({{"a", "1"}}));
}

TEST(OptionsDigestTest, EqualOptionsAgree) {
  EXPECT_EQ(OptionsDigest({{"a", "1"}, {"b", "2"}}), OptionsDigest({{"b", "2"}, {"a", "1"}}));
}

}  // namespace
}  // namespace kiln
