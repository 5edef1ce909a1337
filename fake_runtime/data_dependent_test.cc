// Graphs whose sizes or scalars depend on data, and arithmetic on scalars, through
// Propagate.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/size_tests.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DataDependentTest : public ::testing::Test {
 protected:
  absl::StatusOr<FakeGraph> Run(const std::string& inputs, const std::string& body, const std::string& symbols = "") {
    absl::StatusOr<Graph> graph = ParseGraph(
        absl::StrCat("graph g(", inputs, ") symbols { ", symbols, " } {", body, "\n return () }"), &pool_, FindOpSchema);
    EXPECT_TRUE(graph.ok()) << graph.status();
    if (!graph.ok()) return graph.status();
    return Propagate(*std::move(graph), &pool_);
  }
  // The value named `name`: a scalar, or a tensor's sizes.
  static std::string Value(const FakeGraph& fake, absl::string_view name) {
    for (int v = 0; v < fake.graph.num_values(); ++v) {
      if (fake.graph.value_names[v] != name) continue;
      if (const Expr* e = std::get_if<Expr>(&fake.values[v])) return e->ToString();
      return DimsText(std::get<FakeTensor>(fake.values[v]).sizes);
    }
    return "no such value";
  }
  std::string Scalar(const std::string& node) {
    absl::StatusOr<FakeGraph> fake = Run("%x: f32[s0, 8], %z: float = zf0, %n: int = s1", "%v = " + node,
                                         "s0 = 6 in [2, oo], s1 = 3 in [0, oo], zf0 = 2");
    return fake.ok() ? Value(*fake, "v") : std::string(fake.status().message());
  }
  ExprPool pool_;
};

TEST_F(DataDependentTest, TheSameDataGivesTheSameSymbol) {
  FakeGraph fake = Run("%x: f32[4, 8], %m: bool[4], %f: f32[]", R"(
    %a = aten.nonzero.default(%x)
    %b = aten.nonzero.default(%x)
    %y = aten.index.Tensor(%x, [%m])
    %z = aten.index.Tensor(%x, [%m])
    %s = aten.add.Tensor(%y, %z)
    %i = aten.item.default(%f)
    %j = aten.item.default(%f)
    %p, %q, %r = aten._unique2.default(%f)
    %t, %u, %v = aten._unique2.default(%f))").value();
  EXPECT_EQ(Value(fake, "a"), Value(fake, "b"));
  EXPECT_EQ(Value(fake, "y"), Value(fake, "s"));
  EXPECT_NE(Value(fake, "a"), Value(fake, "y"));
  EXPECT_EQ(Value(fake, "i"), "zuf0");
  EXPECT_EQ(Value(fake, "j"), "zuf0");
  EXPECT_EQ(Value(fake, "p"), Value(fake, "t"));
  EXPECT_TRUE(fake.env->runtime_asserts().empty());
}

TEST_F(DataDependentTest, AWriteMakesTheDataOtherData) {
  FakeGraph fake = Run("%x: i64[4]", R"(
    %a = aten.nonzero.default(%x)
    %w = aten.add_.Tensor(%x, 1)
    %b = aten.nonzero.default(%x)
    %c = aten.nonzero.default(%w))").value();
  EXPECT_NE(Value(fake, "a"), Value(fake, "b"));
  EXPECT_EQ(Value(fake, "b"), Value(fake, "c"));
}

TEST_F(DataDependentTest, AWriteThroughAViewCounts) {
  FakeGraph fake = Run("%x: f32[4]", R"(
    %a = aten.nonzero.default(%x)
    %v = aten.view.default(%x, [2, 2])
    %w = aten.zero_.default(%v)
    %b = aten.nonzero.default(%x))").value();
  EXPECT_NE(Value(fake, "a"), Value(fake, "b"));
}

TEST_F(DataDependentTest, ItemsHaveTheTypeOfTheirTensor) {
  FakeGraph fake = Run("%f: f64[], %i: u8[1], %b: bool[]", R"(
    %a = aten.item.default(%f)
    %c = aten.item.default(%i)
    %d = aten.item.default(%b))").value();
  EXPECT_EQ(Value(fake, "a"), "zuf0");
  EXPECT_EQ(Value(fake, "c"), "u0");
  EXPECT_EQ(Value(fake, "d"), "u1 == 1");
  EXPECT_EQ(fake.env->RangeOf(pool_.Symbol("u1")).ToString(), "[0, 1]");
}

TEST_F(DataDependentTest, ChecksOnUnbackedSizesBecomeRuntimeAsserts) {
  FakeGraph fake = Run("%i: i64[]", R"(
    %n = aten.item.default(%i)
    aten.sym_constrain_range_for_size.default(%n, min=2, max=9)
    %c = sym.le(%n, 7)
    aten._assert_scalar.default(%c, "too many")
    %e = aten.empty.memory_format([%n, 4]))").value();
  EXPECT_EQ(Value(fake, "e"), "[u0, 4]");
  EXPECT_EQ(fake.env->RangeOf(pool_.Symbol("u0")).ToString(), "[2, 7]");
  std::vector<std::string> asserts;
  for (const Guard& g : fake.env->runtime_asserts()) asserts.push_back(g.condition.ToString());
  EXPECT_THAT(asserts, ElementsAre("2 <= u0", "u0 <= 9", "u0 <= 7"));
}

TEST_F(DataDependentTest, SelectAtAnUnknownIndexHasAnUnknownOffset) {
  FakeGraph fake = Run("%x: f32[4, 8], %i: i64[]", R"(
    %n = aten.item.default(%i)
    %y = aten.select.int(%x, 0, %n))").value();
  EXPECT_EQ(Value(fake, "y"), "[8]");
  EXPECT_EQ(std::get<FakeTensor>(fake.values.back()).storage_offset.ToString(), "u1");
}

TEST_F(DataDependentTest, WhatPyTorchCannotFollowIsRefusedByName) {
  absl::Status status = Run("%x: i64[4]", "%y = aten.one_hot.default(%x)").status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kDataDependentSize);
  EXPECT_THAT(status.message(), HasSubstr("aten.one_hot.default"));
  status = Run("%x: f32[4]", "%y = aten.equal.default(%x, %x)").status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kDataDependentSize);
}

TEST_F(DataDependentTest, ScalarsComputeAsPyTorchsSymNodes) {
  EXPECT_EQ(Scalar("sym.lshift(%n, 2)"), "4*s1");
  EXPECT_EQ(Scalar("sym.lshift(2, %n)"), "2*IntPow(2, s1)");
  EXPECT_EQ(Scalar("sym.rshift(%n, 1)"), "s1//2");
  EXPECT_EQ(Scalar("sym.and(%n, 7)"), "s1 % 8");
  EXPECT_EQ(Scalar("sym.xor(%n, %n)"), "0");
  EXPECT_EQ(Scalar("sym.pow(2, %n)"), "IntPow(2, s1)");
  EXPECT_EQ(Scalar("sym.pow(%n, 0.5)"), "ToFloat(s1)**0.5");
  EXPECT_EQ(Scalar("sym.truediv(%n, 2)"), "s1 / 2");
  EXPECT_EQ(Scalar("sym.floordiv(%z, 2.0)"), "ToFloat(FloorToInt(zf0 / 2.0))");
  EXPECT_EQ(Scalar("sym.round(%z)"), "RoundToInt(zf0)");
  EXPECT_EQ(Scalar("sym.round(%z, 1)"), "RoundDecimal(zf0, 1)");
  EXPECT_EQ(Scalar("sym.sin(%z)"), "sin(zf0)");
  EXPECT_EQ(Scalar("sym.is_integer(%z)"), "zf0 == ToFloat(FloorToInt(zf0))");
  EXPECT_EQ(Scalar("sym.abs(%n)"), "Max(-s1, s1)");
  EXPECT_EQ(Scalar("sym.trunc(%z)"), "TruncToInt(zf0)");
  EXPECT_EQ(Scalar("sym.max(%n, 0)"), "Max(0, s1)");
  EXPECT_THAT(Scalar("sym.lshift(%n, -1)"), HasSubstr("negative shift count -1"));
}

}  // namespace
}  // namespace kiln
