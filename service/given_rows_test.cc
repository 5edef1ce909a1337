#include "service/given_rows.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

VariantKey Key(int i) { return {Sha256(absl::StrCat("key ", i))}; }

TEST(GivenRowsTest, ARowIsNewOnceUntilItsKeyIsReadFromTheStart) {
  GivenRows given(100);
  EXPECT_FALSE(given.Resume(Key(1), /*from_start=*/false));
  EXPECT_TRUE(given.Resume(Key(1), /*from_start=*/true));
  EXPECT_TRUE(given.Add(Key(1), Sha256("a")));
  EXPECT_FALSE(given.Add(Key(1), Sha256("a")));
  EXPECT_TRUE(given.Resume(Key(1), /*from_start=*/false));
  EXPECT_FALSE(given.Add(Key(1), Sha256("a")));
  EXPECT_EQ(given.size(), 2u);
  EXPECT_TRUE(given.Resume(Key(1), /*from_start=*/true));
  EXPECT_TRUE(given.Add(Key(1), Sha256("a")));
  EXPECT_EQ(given.size(), 2u);
}

// Misses are of keys that nobody has a row of.
TEST(GivenRowsTest, KeysWithoutRowsAreBoundedToo) {
  GivenRows given(100);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(given.Resume(Key(i), /*from_start=*/true));
    ASSERT_LE(given.size(), 102u);
  }
  EXPECT_FALSE(given.Resume(Key(0), /*from_start=*/false));
  EXPECT_TRUE(given.Resume(Key(999), /*from_start=*/false));
}

}  // namespace
}  // namespace kiln
