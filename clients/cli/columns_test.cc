#include "clients/cli/columns.h"

#include <string>

#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

TEST(ColumnsTest, StandBesideEachOtherWhereThereIsRoom) {
  EXPECT_EQ(SideBySide({{"loops", "a\n  b\n"}, {"asm", "\tret\n"}}, 100),
            "loops | asm\n"
            "----- | -----------\n"
            "a     |         ret\n"
            "  b   |\n");
}

TEST(ColumnsTest, StandBelowEachOtherWhereThereIsNone) {
  EXPECT_EQ(SideBySide({{"loops", "a\n"}, {"asm", "\tret"}}, 0), "== loops\na\n== asm\n\tret\n");
}

TEST(ColumnsTest, TheWidestGivesWayAndLosesNothing) {
  const std::string wide = "  " + std::string(150, 'x') + "y";
  const std::string text = SideBySide({{"ir", wide}, {"asm", "ret"}}, 90);
  size_t letters = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    EXPECT_LE(line.size(), 90u) << line;
    for (char c : line) letters += c == 'x' || c == 'y';
  }
  EXPECT_EQ(letters, 151u) << text;
}

}  // namespace
}  // namespace kiln
