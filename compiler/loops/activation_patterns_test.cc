// Which formulas are activations, and of what.
#include "compiler/loops/activation_patterns.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "compiler/loops/testing/lower_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What is found of %x, an input, and the values of the graph that the tests ask about.
struct Found {
  std::string name;  // "gelu tanh"; empty: nothing
  std::vector<double> numbers;
  std::vector<int> nodes;
};

Found FindIn(absl::string_view body, absl::string_view dtype = "f32") {
  auto lowered = LowerText(absl::StrCat("graph g(%x: ", dtype, "[4, 8]) {", body, "}"));
  EXPECT_TRUE(lowered.ok()) << lowered.status() << "\n" << body;
  if (!lowered.ok()) return {"not lowered"};
  const FakeGraph& fake = (*lowered)->fake;
  const ValueReaders readers(fake, std::vector<bool>(fake.graph.nodes.size(), true));
  std::optional<MatchedActivation> found = MatchActivation(fake, readers, ValueId{0});
  if (!found.has_value()) return {};
  std::string name(found->row->name);
  if (!found->row->algorithm.empty()) absl::StrAppend(&name, " ", found->row->algorithm);
  return {name, found->numbers, found->nodes};
}

constexpr absl::string_view kGelu =
    "%h = aten.mul.Tensor(%x, 0.5) %s = aten.mul.Tensor(%x, 0.7071067811865476) %e = aten.erf.default(%s)"
    " %a = aten.add.Tensor(%e, 1) %y = aten.mul.Tensor(%h, %a) ";

TEST(ActivationPatternsTest, AnOperatorIsItsOwnFormula) {
  EXPECT_EQ(FindIn("%y = aten.relu.default(%x) return (%y)").name, "relu");
  EXPECT_EQ(FindIn("%y = aten.sigmoid.default(%x) return (%y)").name, "sigmoid");
  EXPECT_EQ(FindIn("%y = aten.tanh.default(%x) return (%y)").name, "tanh");
  EXPECT_EQ(FindIn("%y = aten.hardsigmoid.default(%x) return (%y)").name, "hardsigmoid");
  EXPECT_EQ(FindIn("%y = aten.hardswish.default(%x) return (%y)").name, "hardswish");
  EXPECT_EQ(FindIn("%y = aten.silu.default(%x) return (%y)").name, "swish");
  EXPECT_EQ(FindIn("%y = aten.gelu.default(%x) return (%y)").name, "gelu none");
  EXPECT_EQ(FindIn("%y = aten.gelu.default(%x, approximate=\"tanh\") return (%y)").name, "gelu tanh");
}

TEST(ActivationPatternsTest, NumbersOfTheFormulaAreKept) {
  const Found bounds = FindIn("%y = aten.hardtanh.default(%x, -1, 2.5) return (%y)");
  EXPECT_EQ(bounds.name, "hardtanh");
  EXPECT_THAT(bounds.numbers, ElementsAre(-1, 2.5));
  const Found slope = FindIn("%y = aten.leaky_relu.default(%x, 0.25) return (%y)");
  EXPECT_EQ(slope.name, "leaky_relu");
  EXPECT_THAT(slope.numbers, ElementsAre(0.25));
}

TEST(ActivationPatternsTest, ArithmeticIsReadAsWhatItComputes) {
  const Found gelu = FindIn(absl::StrCat(kGelu, "return (%y)"));
  EXPECT_EQ(gelu.name, "gelu none");
  EXPECT_THAT(gelu.nodes, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(FindIn("%s = aten.sigmoid.default(%x) %y = aten.mul.Tensor(%s, %x) return (%y)").name, "swish");
  EXPECT_EQ(FindIn("%a = aten.add.Tensor(%x, 3) %l = aten.clamp.default(%a, 0) %u = aten.clamp.default(%l, none, 6)"
                   " %m = aten.mul.Tensor(%x, %u) %y = aten.div.Tensor(%m, 6) return (%y)")
                .name,
            "hardswish");
  EXPECT_EQ(FindIn("%h = aten.mul.Tensor(%x, 0.5) %c = aten.pow.Tensor_Scalar(%x, 3.0) %k = aten.mul.Tensor(%c, 0.044715)"
                   " %s = aten.add.Tensor(%x, %k) %b = aten.mul.Tensor(%s, 0.7978845608028654) %t = aten.tanh.default(%b)"
                   " %a = aten.add.Tensor(%t, 1.0) %y = aten.mul.Tensor(%h, %a) return (%y)")
                .name,
            "gelu tanh");
}

TEST(ActivationPatternsTest, CastsOfWhatIsComputedInFloat32ArePartOfIt) {
  const Found swish = FindIn(
      "%f = prims.convert_element_type.default(%x, f32) %s = aten.sigmoid.default(%f) %m = aten.mul.Tensor(%f, %s)"
      " %y = prims.convert_element_type.default(%m, bf16) return (%y)",
      "bf16");
  EXPECT_EQ(swish.name, "swish");
  EXPECT_THAT(swish.nodes, ElementsAre(0, 1, 2, 3));
}

TEST(ActivationPatternsTest, ARoundingOfFloat32IsNoPartOfIt) {
  const Found found = FindIn(
      "%f = prims.convert_element_type.default(%x, bf16) %s = aten.relu.default(%f)"
      " %y = prims.convert_element_type.default(%s, f32) return (%y)");
  EXPECT_THAT(found.name, IsEmpty());
}

TEST(ActivationPatternsTest, NothingElseMayReadWhatTheFormulaReads) {
  EXPECT_THAT(FindIn("%y = aten.relu.default(%x) %z = aten.neg.default(%x) return (%y, %z)").name, IsEmpty());
  EXPECT_THAT(FindIn(absl::StrCat(kGelu, "return (%y, %e)")).name, IsEmpty());
  EXPECT_THAT(FindIn(absl::StrCat(kGelu, "%n = aten.neg.default(%h) return (%y, %n)")).name, IsEmpty());
}

TEST(ActivationPatternsTest, AnotherConstantIsAnotherFunction) {
  EXPECT_THAT(FindIn("%h = aten.mul.Tensor(%x, 0.5) %s = aten.mul.Tensor(%x, 0.7) %e = aten.erf.default(%s)"
                     " %a = aten.add.Tensor(%e, 1) %y = aten.mul.Tensor(%h, %a) return (%y)")
                  .name,
              IsEmpty());
  EXPECT_THAT(FindIn("%h = aten.mul.Tensor(%x, 0.5) %s = aten.mul.Tensor(%x, 0.7071067811865476) %e = aten.erf.default(%s)"
                     " %a = aten.add.Tensor(%e, 1, alpha=2) %y = aten.mul.Tensor(%h, %a) return (%y)")
                  .name,
              IsEmpty());
}

}  // namespace
}  // namespace kiln
