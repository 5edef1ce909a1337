#include "base/checked_int.h"

#include "gtest/gtest.h"

namespace kiln {
namespace {

TEST(CheckedIntTest, SaysWhenItOverflows) {
  EXPECT_EQ(CheckedAdd(INT64_MAX, 1), std::nullopt);
  EXPECT_EQ(CheckedSub(INT64_MIN, 1), std::nullopt);
  EXPECT_EQ(CheckedMul(INT64_MAX, 2), std::nullopt);
  EXPECT_EQ(CheckedMul(int64_t{1} << 31, int64_t{1} << 31), int64_t{1} << 62);
}

TEST(CheckedIntTest, DividesAsPythonDoes) {
  EXPECT_EQ(CheckedFloorDiv(7, 2), 3);
  EXPECT_EQ(CheckedFloorDiv(-7, 2), -4);
  EXPECT_EQ(CheckedFloorDiv(7, -2), -4);
  EXPECT_EQ(CheckedFloorDiv(-7, -2), 3);
  EXPECT_EQ(CheckedMod(-7, 2), 1);
  EXPECT_EQ(CheckedMod(7, -2), -1);
  EXPECT_EQ(CheckedMod(INT64_MIN, -1), 0);
  EXPECT_EQ(CheckedFloorDiv(1, 0), std::nullopt);
  EXPECT_EQ(CheckedFloorDiv(INT64_MIN, -1), std::nullopt);
  EXPECT_EQ(CheckedMod(1, 0), std::nullopt);
}

}  // namespace
}  // namespace kiln
