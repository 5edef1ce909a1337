// How a dimension may be used, from the wire through Propagate: the policies of
// symbols and of plain sizes, duck shaping, and 0/1 specialisation.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/import/import_graph.h"
#include "fake_runtime/ops/op_table.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// An input f32[size, 4] whose first dimension has a policy; a size that is a
// number is a plain one.
std::string Input(const std::string& name, const std::string& size, const std::string& policy = "") {
  const bool plain = size.find_first_not_of("0123456789") == std::string::npos;
  const std::string text = plain ? absl::StrCat("value: ", size) : absl::StrCat("expr: \"", size, "\"");
  const std::string policies =
      policy.empty() ? "" : absl::StrCat("policies: ", policy, " policies: DIM_POLICY_STATIC ");
  return absl::StrCat("inputs { name: \"", name, "\" kind: INPUT_KIND_USER tensor { dtype: 7 sizes { ", text,
                      " } sizes { value: 4 } strides { value: 4 } strides { value: 1 } device { type: \"cpu\" } ",
                      "layout: LAYOUT_STRIDED ", policies, "} } ");
}

std::string Symbol(const std::string& name, const std::string& facts) {
  return absl::StrCat("symbols { name: \"", name, "\" ", facts, " } ");
}

// x viewed as [8, 4], which only a first size of 8 allows.
constexpr char kViewOf8[] = R"(locations: "model.py:41"
    nodes { target: "aten.view.default" inputs { value { value: "x" } }
      inputs { value { list { items { int: 8 } items { int: 4 } } } } outputs { names: "r" } location: 1 } )";
constexpr char kAdd[] = R"(nodes { target: "aten.add.Tensor" inputs { value { value: "x" } }
      inputs { value { value: "y" } } outputs { names: "r" } } )";

class PoliciesTest : public ::testing::Test {
 protected:
  // With `options`, plain sizes become symbols first.
  absl::StatusOr<FakeGraph> Run(const std::string& text, std::optional<SymbolizeOptions> options = std::nullopt) {
    v1::GraphModule module;
    module.set_dialect("aten");
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, module.add_graphs())) << text;
    absl::StatusOr<Graph> graph = ImportModule(module, &pool_, {FindOpSchema, RefusedOps()});
    if (!graph.ok()) return graph.status();
    if (options.has_value()) {
      absl::Status status = SymbolizeInputs(*graph, &pool_, *options);
      if (!status.ok()) return status;
    }
    return Propagate(*std::move(graph), &pool_);
  }

  static std::vector<std::string> Guards(const absl::StatusOr<FakeGraph>& fake) {
    std::vector<std::string> out;
    for (const Guard& guard : fake->env->Guards()) out.push_back(guard.condition.ToString());
    return out;
  }
  static std::string SizesOf(const absl::StatusOr<FakeGraph>& fake, int value) {
    return DimsText(std::get<FakeTensor>(fake->values[value]).sizes);
  }

  ExprPool pool_;
};

TEST_F(PoliciesTest, AnAutomaticDimensionIsSpecialisedByAGuardThatSaysWhere) {
  const auto fake =
      Run(absl::StrCat(Symbol("s0", "hint: 8 lower: 2 policy: DIM_POLICY_AUTOMATIC"), Input("x", "s0"), kViewOf8));
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_THAT(Guards(fake), Contains("s0 == 8"));
  EXPECT_EQ(fake->env->Guards()[0].reason.location, "model.py:41");
}

TEST_F(PoliciesTest, SpecialisingADynamicDimensionIsAnErrorWithNodeLineAndGuard) {
  const absl::Status status =
      Run(absl::StrCat(Symbol("s0", "hint: 8 lower: 2 policy: DIM_POLICY_DYNAMIC"), Input("x", "s0"), kViewOf8))
          .status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kSpecializedDynamic) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("node 0 (aten.view.default"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("model.py:41"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("s0"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("8"));
}

TEST_F(PoliciesTest, ADynamicDimensionThatNothingSpecialisesStaysDynamic) {
  const auto fake = Run(absl::StrCat(Symbol("s0", "hint: 8 lower: 2 policy: DIM_POLICY_DYNAMIC"), Input("x", "s0"),
                                     Input("y", "s0"), kAdd));
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_EQ(SizesOf(fake, 2), "[s0, 4]");
}

TEST_F(PoliciesTest, BoundsOfADynamicDimensionDecideTests) {
  const auto fake = Run(absl::StrCat(Symbol("s0", "hint: 8 lower: 5 upper: 64 policy: DIM_POLICY_DYNAMIC"),
                                     Input("x", "s0"), Input("y", "s0"), kAdd));
  ASSERT_TRUE(fake.ok()) << fake.status();
  // A bound is promised by the client, and guarded once something hung on it.
  EXPECT_THAT(Guards(fake), Not(Contains("s0 <= 64")));
  EXPECT_EQ(fake->env->StaticallyKnown(pool_.Le(pool_.Symbol("s0"), Expr(64))), true);
  EXPECT_THAT(Guards(fake), Contains("s0 <= 64"));
  // A hint outside of them is refused.
  const std::string outside = Symbol("s0", "hint: 4 lower: 5 upper: 64 policy: DIM_POLICY_DYNAMIC");
  EXPECT_EQ(GetErrorReason(Run(outside + Input("x", "s0")).status()), ErrorReason::kBadInputMetadata);
}

TEST_F(PoliciesTest, AnUnbackedDimensionIsAssertedAndNotGuarded) {
  const auto fake = Run(absl::StrCat(Symbol("u0", "lower: 0 policy: DIM_POLICY_UNBACKED"), Input("x", "u0"), kViewOf8));
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_THAT(Guards(fake), IsEmpty());
  std::vector<std::string> asserts;
  for (const Guard& guard : fake->env->runtime_asserts()) asserts.push_back(guard.condition.ToString());
  EXPECT_THAT(asserts, Contains("u0 == 8"));
}

TEST_F(PoliciesTest, AStaticDimensionStaysANumber) {
  const auto fake = Run(Input("x", "8", "DIM_POLICY_STATIC") + kViewOf8, SymbolizeOptions());
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_EQ(SizesOf(fake, 0), "[8, 4]");
  EXPECT_THAT(Guards(fake), IsEmpty());
}

TEST_F(PoliciesTest, PlainDimensionsTakeThePolicyThatTheyAreSent) {
  const absl::Status status = Run(Input("x", "8", "DIM_POLICY_DYNAMIC") + kViewOf8, SymbolizeOptions()).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kSpecializedDynamic) << status;
  const auto automatic = Run(Input("x", "8", "DIM_POLICY_AUTOMATIC") + kViewOf8, SymbolizeOptions());
  ASSERT_TRUE(automatic.ok()) << automatic.status();
  EXPECT_THAT(Guards(automatic), Contains("s0 == 8"));
}

TEST_F(PoliciesTest, DuckShapingGivesEqualSizesOneSymbol) {
  const std::string text =
      absl::StrCat(Input("x", "8", "DIM_POLICY_AUTOMATIC"), Input("y", "8", "DIM_POLICY_AUTOMATIC"), kAdd);
  const auto duck = Run(text, SymbolizeOptions{.duck_shape = true});
  ASSERT_TRUE(duck.ok()) << duck.status();
  EXPECT_EQ(SizesOf(duck, 1), "[s0, 4]");
  EXPECT_THAT(Guards(duck), Not(Contains("s0 == s1")));
  const auto plain = Run(text, SymbolizeOptions{.duck_shape = false});
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(SizesOf(plain, 1), "[s1, 4]");
  EXPECT_THAT(Guards(plain), Contains("s0 == s1"));
}

TEST_F(PoliciesTest, ZeroAndOneAreNumbersOnlyWhereTheySpecialise) {
  const std::string text =
      absl::StrCat(Input("x", "1", "DIM_POLICY_AUTOMATIC"), Input("y", "8", "DIM_POLICY_AUTOMATIC"), kAdd);
  const auto special = Run(text, SymbolizeOptions{.specialize_zero_one = true});
  ASSERT_TRUE(special.ok()) << special.status();
  EXPECT_EQ(SizesOf(special, 0), "[1, 4]");
  const auto general = Run(text, SymbolizeOptions{.specialize_zero_one = false});
  ASSERT_TRUE(general.ok()) << general.status();
  EXPECT_EQ(SizesOf(general, 0), "[s0, 4]");
  // That x broadcasts is then a guard.
  EXPECT_THAT(Guards(general), Contains("s0 == 1"));
}

}  // namespace
}  // namespace kiln
