#include "compiler/loops/lowering_table.h"

#include <map>
#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "compiler/decompose/decompose.h"
#include "compiler/loops/extern_reasons.h"
#include "fake_runtime/ops/op_table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> RowNames() {
  std::vector<std::string> names;
  for (absl::Span<const PointwiseRow> rows : PointwiseFamilies()) {
    for (const PointwiseRow& row : rows) names.emplace_back(row.op);
  }
  for (absl::Span<const LoweringRow> rows : LoweringFamilies()) {
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

template <typename Row>
void ExpectSorted(absl::Span<const Row> rows) {
  for (size_t i = 1; i < rows.size(); ++i) EXPECT_LT(absl::string_view(rows[i - 1].op), absl::string_view(rows[i].op));
}

TEST(LoweringTableTest, EveryFamilyIsSortedByName) {
  for (absl::Span<const PointwiseRow> rows : PointwiseFamilies()) ExpectSorted(rows);
  for (absl::Span<const LoweringRow> rows : LoweringFamilies()) ExpectSorted(rows);
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
  EXPECT_EQ(LoweringOf("aten.add_.Tensor"), LoweringKind::kDecomposed);
  EXPECT_EQ(LoweringOf("aten.add.out"), LoweringKind::kDecomposed);
  EXPECT_EQ(LoweringOf("aten.permute_copy.default"), LoweringKind::kDecomposed);
  EXPECT_EQ(LoweringOf("aten._local_scalar_dense.default"), LoweringKind::kLoops);
  EXPECT_EQ(LoweringOf("aten.equal.default"), LoweringKind::kRefused);
}

TEST(LoweringTableTest, WhatIsNotCompiledHasAReason) {
  for (const OpSupport& support : ListOpSupport()) {
    bool compiled = support.kind != LoweringKind::kInto && support.kind != LoweringKind::kExtern &&
                    support.kind != LoweringKind::kRefused;
    EXPECT_EQ(support.why.empty(), compiled) << support.op;
  }
}

// A reason must not outlive the operator's lowering.
TEST(LoweringTableTest, EveryReasonIsOfAnOperatorThatIsNotCompiled) {
  std::set<std::string> with_reasons;
  for (const OpSupport& support : ListOpSupport()) {
    if (!support.why.empty()) with_reasons.insert(support.op.substr(0, support.op.rfind('.')));
  }
  absl::string_view before;
  for (const ExternReason& reason : ExternReasons()) {
    EXPECT_LT(before, reason.packet);
    EXPECT_EQ(with_reasons.count(std::string(reason.packet)), 1) << reason.packet;
    before = reason.packet;
  }
}

TEST(LoweringTableTest, CoreOperatorsThatAreNotCompiledAreTheseAlone) {
  std::vector<std::string> left;
  for (const OpSupport& support : ListOpSupport()) {
    if (FindOp(support.op)->has(kTagCore) && !support.why.empty()) left.push_back(support.op);
  }
  EXPECT_THAT(left, ElementsAre("aten._embedding_bag.default", "aten._fft_c2r.default", "aten._fft_r2c.default",
                                "aten.addmm.default", "aten.bmm.default", "aten.convolution.default",
                                "aten.convolution_backward.default", "aten.max_pool2d_with_indices_backward.default",
                                "aten.mm.default", "aten.nonzero.default", "aten.randperm.default",
                                "aten.resize_.default", "aten.sort.default", "aten.topk.default"));
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
