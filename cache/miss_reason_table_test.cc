#include "cache/miss_reason_table.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

TEST(MissReasonTableTest, EveryReasonHasARowAndEveryRowAReason) {
  const google::protobuf::EnumDescriptor& reasons = *v1::MissReason_descriptor();
  // All but UNSPECIFIED.
  EXPECT_EQ(static_cast<int>(MissReasonRows().size()), reasons.value_count() - 1);
  for (int i = 0; i < reasons.value_count(); ++i) {
    const auto reason = static_cast<v1::MissReason>(reasons.value(i)->number());
    EXPECT_EQ(GetMissReasonRow(reason).reason, reason) << reasons.value(i)->name();
  }
}

TEST(MissReasonTableTest, RowsAreSortedAndComplete) {
  EXPECT_TRUE(std::is_sorted(MissReasonRows().begin(), MissReasonRows().end(),
                             [](const MissReasonRow& a, const MissReasonRow& b) { return a.reason < b.reason; }));
  std::set<std::string> texts;
  for (const MissReasonRow& row : MissReasonRows()) {
    EXPECT_EQ(absl::StrCat("MISS_REASON_", absl::AsciiStrToUpper(row.label)), v1::MissReason_Name(row.reason));
    EXPECT_TRUE(texts.insert(std::string(row.text)).second) << row.label;
    EXPECT_TRUE(texts.insert(std::string(row.advice)).second) << row.label;
    EXPECT_TRUE(absl::ascii_islower(static_cast<unsigned char>(row.text.front()))) << row.label;
    EXPECT_EQ(row.advice.back(), '.') << row.label;
  }
}

TEST(MissReasonTableTest, WhatIsNoReasonHasAnEmptyRow) {
  EXPECT_EQ(GetMissReasonRow(static_cast<v1::MissReason>(999)).text, "");
}

}  // namespace
}  // namespace kiln
