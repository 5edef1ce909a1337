#include "fake_runtime/ops/op_table.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "fake_runtime/ops/op_forms.h"
#include "fake_runtime/ops/out_rules.h"
#include "fake_runtime/ops/refused_ops.h"

namespace kiln {
namespace {

TEST(OpTableTest, RowsAreSortedUniqueAndComplete) {
  absl::Span<const OpRow> rows = OpTable();
  ASSERT_GT(rows.size(), 250u);
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_NE(rows[i].meta, nullptr) << rows[i].schema.name;
    if (i > 0) {
      EXPECT_LT(rows[i - 1].schema.name, rows[i].schema.name);
    }
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
  EXPECT_TRUE(FindOp("kiln.get_rng_state.default")->schema.ordered);
  EXPECT_TRUE(FindOp("kiln.set_rng_state.default")->schema.ordered);
  EXPECT_FALSE(FindOp("aten.relu.default")->schema.ordered);
}

TEST(OpTableTest, WhatIsRefusedIsSortedAndHasNoRow) {
  absl::Span<const RefusedOp> refused = RefusedOps();
  for (size_t i = 1; i < refused.size(); ++i) EXPECT_LT(refused[i - 1].name, refused[i].name);
  for (const OpRow& row : OpTable()) EXPECT_EQ(FindRefused(refused, row.schema.name), nullptr) << row.schema.name;
}

TEST(OpTableTest, NamespacesAndOperatorsAreRefusedWithAReason) {
  const RefusedOp* collective = FindRefused(RefusedOps(), "_c10d_functional.all_reduce.default");
  ASSERT_NE(collective, nullptr);
  EXPECT_EQ(collective->reason, ErrorReason::kCollectiveOp);
  const RefusedOp* sparse = FindRefused(RefusedOps(), "aten._to_sparse.sparse_dim");
  ASSERT_NE(sparse, nullptr);
  EXPECT_EQ(sparse->reason, ErrorReason::kUnsupportedGraph);
  EXPECT_EQ(sparse->why, "sparse tensors have no fake tensors");
  EXPECT_EQ(FindRefused(RefusedOps(), "aten._to_sparse_of_mine.default"), nullptr);
  EXPECT_EQ(FindRefused(RefusedOps(), "aten._to_sparse"), sparse);
  const absl::Status status = CheckRefused(RefusedOps(), "aten._to_sparse.default");
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kUnsupportedGraph);
  EXPECT_EQ(status.message(), "operator refused: sparse tensors have no fake tensors");
  EXPECT_TRUE(CheckRefused(RefusedOps(), "aten.relu.default").ok());
}

TEST(OpTableTest, CustomOperatorsAreRefusedAndUnknownOnesOfPyTorchAreNot) {
  for (absl::string_view op : {"transformers.grouped_mm_fallback.default", "my_lib.relu.default", "aten2.add.Tensor"}) {
    const RefusedOp* custom = FindRefused(RefusedOps(), op);
    ASSERT_NE(custom, nullptr) << op;
    EXPECT_EQ(custom->why, "custom operator: no meaning outside the process") << op;
  }
  for (absl::string_view op : {"aten.frob.default", "prims.frob.default", "sym.frob", "frob", ""}) {
    EXPECT_EQ(FindRefused(RefusedOps(), op), nullptr) << op;
  }
  EXPECT_EQ(FindRefused(RefusedOps(), "quantized.add.default")->why, "quantised tensors have no fake tensors");
}

TEST(OpTableTest, FormsComeFromOneRow) {
  const OpRow* functional = FindOp("aten.add.Tensor");
  for (absl::string_view name : {"aten.add_.Tensor", "aten.add.out"}) {
    ASSERT_NE(FindOp(name), nullptr) << name;
    EXPECT_EQ(FindOp(name)->meta, functional->meta);
    EXPECT_TRUE(FindOp(name)->has(kTagEffect));
    EXPECT_FALSE(FindOp(name)->has(kTagCore));
  }
  EXPECT_EQ(FindOpSchema("aten.sort.values")->ToString(),
            "aten::sort.values(Tensor self, int dim=-1, bool descending=False, *, Tensor(a!) values, Tensor(b!) indices)"
            " -> (Tensor(a!) values, Tensor(b!) indices)");
  EXPECT_TRUE(FindOp("aten.permute_copy.default")->copies);
  EXPECT_EQ(FindOp("aten.permute_copy.default")->meta, FindOp("aten.permute.default")->meta);
}

TEST(OpTableTest, AFactorysOptionsAreThoseOfWhatItWrites) {
  const OpRow* row = FindOp("aten.linspace.out");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->schema.ToString(),
            "aten::linspace.out(Scalar start, Scalar end, int steps, *, Tensor(a!) out) -> Tensor(a!)");
  // No factory, since it takes a dtype alone.
  EXPECT_GE(FindOp("aten.sum.IntList_out")->schema.FindArg("dtype"), 0);
}

TEST(OpTableTest, OutOverloadsDifferInWhatTheyWrite) {
  EXPECT_EQ(OutRuleOf("aten.add.out"), OutRule::kDefault);
  EXPECT_EQ(OutRuleOf("aten.mm.out"), OutRule::kExactDtype);
  EXPECT_EQ(OutRuleOf("aten.sum.IntList_out"), OutRule::kAnyDtype);
  EXPECT_EQ(OutRuleOf("aten.rot90.out"), OutRule::kContiguous);
}

TEST(OpTableTest, EveryOutRuleIsOfAnOverloadThatThereIs) {
  for (const OutRuleRow& row : OutRules()) {
    EXPECT_NE(FindOp(row.op), nullptr) << row.op;
    EXPECT_NE(row.rule, OutRule::kDefault) << row.op;
    EXPECT_EQ(OutRuleOf(row.op), row.rule) << row.op;
  }
}

TEST(OpTableTest, AFormThatDoesNotApplyIsRefused) {
  for (const auto& [op, form] : {std::pair("aten.arange.default", "_"), {"aten.add.Tensor", "copy"},
                                 {"aten.split_copy.Tensor", "out"}, {"aten.sort.default", "out(values)"}}) {
    absl::StatusOr<std::vector<OpRow>> rows = DeriveForms(*FindOp(op), form);
    EXPECT_EQ(GetErrorReason(rows.status()), ErrorReason::kBadArgumentValue) << op << " " << form;
  }
}

}  // namespace
}  // namespace kiln
