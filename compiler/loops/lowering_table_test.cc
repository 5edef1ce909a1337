#include "compiler/loops/lowering_table.h"

#include <map>
#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "compiler/decompose/decompose.h"
#include "fake_runtime/ops/op_table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::Contains;

std::vector<std::string> RowNames() {
  std::vector<std::string> names;
  for (absl::Span<const PointwiseRow> rows : {UnaryRows(), BinaryRows(), ActivationRows(), CreationRows()}) {
    for (const PointwiseRow& row : rows) names.emplace_back(row.op);
  }
  for (absl::Span<const LoweringRow> rows :
       {ReductionLowerings(), CreationLowerings(), AssemblyLowerings(), IndexingLowerings(), ScanLowerings(),
        PoolingLowerings(), MatmulLowerings(), AssertLowerings()}) {
    for (const LoweringRow& row : rows) names.emplace_back(row.op);
  }
  return names;
}

TEST(LoweringTableTest, NoOperatorHasTwoRows) {
  std::set<std::string> seen;
  for (const std::string& name : RowNames()) EXPECT_TRUE(seen.insert(name).second) << name;
}

TEST(LoweringTableTest, EveryRowIsOfAnOperatorThatTheOpTableHas) {
  for (const std::string& name : RowNames()) EXPECT_NE(FindOp(name), nullptr) << name;
}

TEST(LoweringTableTest, EveryFamilyIsSortedByName) {
  for (absl::Span<const PointwiseRow> rows : {UnaryRows(), BinaryRows(), ActivationRows(), CreationRows()}) {
    for (size_t i = 1; i < rows.size(); ++i) {
      EXPECT_LT(absl::string_view(rows[i - 1].op), absl::string_view(rows[i].op));
    }
  }
}

TEST(LoweringTableTest, KindsFollowFromTheTables) {
  EXPECT_EQ(LoweringOf("aten.add.Tensor"), LoweringKind::kPointwise);
  EXPECT_EQ(LoweringOf("aten.sum.default"), LoweringKind::kLoops);
  EXPECT_EQ(LoweringOf("aten.mm.default"), LoweringKind::kInto);
  EXPECT_EQ(LoweringOf("aten._softmax.default"), LoweringKind::kDecomposed);
  EXPECT_EQ(LoweringOf("aten.view.default"), LoweringKind::kView);
  EXPECT_EQ(LoweringOf("aten.sym_size.int"), LoweringKind::kSymbolic);
  EXPECT_EQ(LoweringOf("aten.convolution.default"), LoweringKind::kExtern);
  EXPECT_EQ(LoweringOf("mylib.op.default"), LoweringKind::kExtern);
}

TEST(LoweringTableTest, TheListHasEveryOperatorOfTheOpTable) {
  std::map<std::string, int> counts;
  for (const OpSupport& support : ListOpSupport()) ++counts[std::string(LoweringKindName(support.kind))];
  int total = 0;
  for (const auto& [kind, count] : counts) {
    RecordProperty(kind, count);
    total += count;
  }
  EXPECT_EQ(total, static_cast<int>(OpTable().size()));
}

}  // namespace
}  // namespace kiln
