#include "fake_runtime/ops/op_table.h"

#include <gtest/gtest.h>

#include <string>

namespace kiln {
namespace {

TEST(OpTableTest, RowsAreSortedUniqueAndComplete) {
  absl::Span<const OpRow> rows = OpTable();
  ASSERT_GT(rows.size(), 250u);
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_NE(rows[i].meta, nullptr) << rows[i].schema.name;
    if (i > 0) EXPECT_LT(rows[i - 1].schema.name, rows[i].schema.name);
  }
}

TEST(OpTableTest, FindsRowsBySchemaAndName) {
  const OpRow* row = FindOp("aten.add.Tensor");
  ASSERT_NE(row, nullptr);
  EXPECT_TRUE(row->has(kTagCore));
  EXPECT_TRUE(row->has(kTagPointwise));
  EXPECT_EQ(&RowOf(*FindOpSchema("aten.add.Tensor")), row);
  EXPECT_EQ(FindOp("aten.no_such.default"), nullptr);
}

TEST(OpTableTest, SymbolicOperatorsGoByTheirShortNames) {
  ASSERT_NE(FindOp("sym.add"), nullptr);
  EXPECT_EQ(FindOp("sym.add"), FindOp("sym.add.default"));
  EXPECT_TRUE(FindOp("sym.add")->has(kTagSymbolic));
}

TEST(OpTableTest, RandomAndEffectfulOperatorsKeepTheirOrder) {
  EXPECT_TRUE(FindOp("aten.bernoulli.p")->schema.ordered);
  EXPECT_TRUE(FindOp("aten.copy_.default")->schema.ordered);
  EXPECT_FALSE(FindOp("aten.relu.default")->schema.ordered);
}

TEST(OpTableTest, CollectivesAreRefusedAndNoRowIs) {
  for (const RefusedOp& refused : RefusedOps()) {
    for (const OpRow& row : OpTable()) EXPECT_NE(row.schema.name.rfind(std::string(refused.prefix), 0), 0u);
  }
  EXPECT_EQ(RefusedOps().front().why, "collective");
}

}  // namespace
}  // namespace kiln
