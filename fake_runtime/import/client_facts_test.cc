// Symbols, ranges and assumptions that a client brings: they arrive as they are, and
// what a compile used of them becomes a guard.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/import/import_graph.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kBacked[] = R"(symbols { name: "s0" hint: 8 policy: DIM_POLICY_AUTOMATIC }
    symbols { name: "s1" hint: 8 policy: DIM_POLICY_AUTOMATIC } )";
// %x: f32[s0], %y: f32[s1], and their sum.
constexpr char kSum[] = R"(inputs { name: "x" kind: INPUT_KIND_USER tensor { dtype: 7 sizes { expr: "s0" }
      strides { value: 1 } device { type: "cpu" } layout: LAYOUT_STRIDED } }
    inputs { name: "y" kind: INPUT_KIND_USER tensor { dtype: 7 sizes { expr: "s1" }
      strides { value: 1 } device { type: "cpu" } layout: LAYOUT_STRIDED } }
    nodes { target: "aten.add.Tensor" inputs { value { value: "x" } } inputs { value { value: "y" } }
      outputs { names: "r" } } )";

class ClientFactsTest : public ::testing::Test {
 protected:
  absl::StatusOr<FakeGraph> Run(const std::string& text) {
    v1::GraphModule module;
    module.set_dialect("aten");
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, module.add_graphs())) << text;
    absl::StatusOr<Graph> graph = ImportModule(module, &pool_, {FindOpSchema, RefusedOps()});
    if (!graph.ok()) return graph.status();
    return Propagate(*std::move(graph), &pool_);
  }

  // Conditions of the guards of one kind.
  std::vector<std::string> GuardsOf(const FakeGraph& fake, GuardKind kind) {
    std::vector<std::string> out;
    for (const Guard& guard : fake.env->Guards()) {
      if (guard.kind == kind) out.push_back(guard.condition.ToString());
    }
    return out;
  }

  void ExpectRefused(const std::string& text, ErrorReason reason, const std::string& message) {
    const absl::Status status = Run(text).status();
    EXPECT_EQ(GetErrorReason(status), reason) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  }

  ExprPool pool_;
};

TEST_F(ClientFactsTest, AnAssumptionThatDecidesATestBecomesTheGuard) {
  const absl::StatusOr<FakeGraph> fake = Run(absl::StrCat(kBacked, R"(assumptions: "s0 == s1" )", kSum));
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_THAT(GuardsOf(*fake, GuardKind::kAssumption), ElementsAre("s0 == s1"));
  // That neither broadcasts is a test of its own.
  EXPECT_THAT(GuardsOf(*fake, GuardKind::kShape), ElementsAre("s0 != 1"));
}

TEST_F(ClientFactsTest, AnAssumptionThatNothingAskedForIsNoGuard) {
  const absl::StatusOr<FakeGraph> fake = Run(absl::StrCat(kBacked, R"(assumptions: "s0 <= 64" )", kSum));
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_THAT(GuardsOf(*fake, GuardKind::kAssumption), IsEmpty());
}

TEST_F(ClientFactsTest, AFactThatDecidesByWhatFollowsFromItIsUsed) {
  // A multiple of 4 is not 1, so nothing broadcasts.
  const absl::StatusOr<FakeGraph> fake = Run(absl::StrCat(kBacked, R"(assumptions: "s0 % 4 == 0" )", kSum));
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_THAT(GuardsOf(*fake, GuardKind::kAssumption), ElementsAre("s0 % 4 == 0"));
  EXPECT_THAT(GuardsOf(*fake, GuardKind::kShape), ElementsAre("s0 == s1"));
}

TEST_F(ClientFactsTest, WithoutItTheHintDecidesAndTheGuardIsOurs) {
  const absl::StatusOr<FakeGraph> fake = Run(absl::StrCat(kBacked, kSum));
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_THAT(GuardsOf(*fake, GuardKind::kAssumption), IsEmpty());
  EXPECT_THAT(GuardsOf(*fake, GuardKind::kShape), testing::Contains("s0 == s1"));
}

TEST_F(ClientFactsTest, FactsThatTheHintsRefuteAreRefused) {
  ExpectRefused(absl::StrCat(kBacked, R"(assumptions: "s0 < s1" )", kSum), ErrorReason::kBadInputMetadata, "s0 < s1");
  ExpectRefused(absl::StrCat(kBacked, R"(assumptions: "s0 == s1" assumptions: "s0 != s1" )", kSum),
                ErrorReason::kBadInputMetadata, "");
}

TEST_F(ClientFactsTest, FactsOverSymbolsThatAreNotDeclaredAreRefused) {
  ExpectRefused(absl::StrCat(kBacked, R"(assumptions: "s7 == s0" )", kSum), ErrorReason::kBadExpression, "s7");
}

TEST_F(ClientFactsTest, UnbackedSymbolsTakeFacts) {
  const std::string facts = R"(symbols { name: "u0" lower: 0 policy: DIM_POLICY_UNBACKED }
      symbols { name: "s1" hint: 8 policy: DIM_POLICY_AUTOMATIC } assumptions: "u0 == s1" )";
  std::string sum = kSum;
  sum.replace(sum.find("s0"), 2, "u0");
  const absl::StatusOr<FakeGraph> fake = Run(facts + sum);
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_THAT(fake->env->runtime_asserts(), IsEmpty());
}

TEST_F(ClientFactsTest, FactsOfUnbackedSymbolsThatContradictAreRefused) {
  ExpectRefused(R"(symbols { name: "u0" lower: 5 policy: DIM_POLICY_UNBACKED } assumptions: "u0 < 3")",
                ErrorReason::kBadInputMetadata, "u0");
}

TEST_F(ClientFactsTest, SymbolsAreWhatTheirDeclarationsSay) {
  ExpectRefused(R"(symbols { name: "s0" hint: 9 upper: 8 policy: DIM_POLICY_AUTOMATIC })",
                ErrorReason::kBadInputMetadata, "hint 9");
  ExpectRefused(R"(symbols { name: "s0" lower: 9 upper: 8 policy: DIM_POLICY_AUTOMATIC })",
                ErrorReason::kBadInputMetadata, "empty");
  ExpectRefused(R"(symbols { name: "u0" hint: 9 policy: DIM_POLICY_AUTOMATIC })", ErrorReason::kBadInputMetadata, "'u'");
  ExpectRefused(R"(symbols { name: "s0" policy: DIM_POLICY_UNBACKED })", ErrorReason::kBadInputMetadata, "'u'");
  ExpectRefused(R"(symbols { name: "s0" hint: 9 policy: DIM_POLICY_STATIC })", ErrorReason::kBadInputMetadata, "static");
  ExpectRefused(R"(symbols { name: "s0" policy: DIM_POLICY_AUTOMATIC })", ErrorReason::kBadInputMetadata, "no hint");
  ExpectRefused(R"(symbols { name: "s0" hint: 9 policy: DIM_POLICY_AUTOMATIC }
                   symbols { name: "s0" hint: 9 policy: DIM_POLICY_AUTOMATIC })",
                ErrorReason::kDuplicateName, "s0");
}

TEST_F(ClientFactsTest, EqualHintsShareNoSymbol) {
  const absl::StatusOr<FakeGraph> fake = Run(absl::StrCat(kBacked, kSum));
  ASSERT_TRUE(fake.ok()) << fake.status();
  EXPECT_EQ(fake->tensor(ValueId{0}).sizes[0].ToString(), "s0");
  EXPECT_EQ(fake->tensor(ValueId{1}).sizes[0].ToString(), "s1");
}

}  // namespace
}  // namespace kiln
