#include "fake_runtime/graph/op_schema.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "fake_runtime/graph/testing/test_schemas.h"

namespace kiln {
namespace {

TEST(OpSchemaTest, PrintsEveryTestSchemaAsPyTorchDoes) {
  for (absl::string_view text : TestSchemaTexts()) {
    absl::StatusOr<OpSchema> schema = ParseOpSchema(text);
    ASSERT_TRUE(schema.ok()) << schema.status();
    EXPECT_EQ(schema->ToString(), text);
  }
}

TEST(OpSchemaTest, NamesNamespaceOperatorAndOverload) {
  EXPECT_EQ(ParseOpSchema("aten::add.Tensor(Tensor self) -> Tensor")->name,
            "aten.add.Tensor");
  EXPECT_EQ(ParseOpSchema("aten::relu(Tensor self) -> Tensor")->name,
            "aten.relu.default");
}

TEST(OpSchemaTest, ReadsEveryPartOfATypeAndItsAlias) {
  OpSchema s = ParseOpSchema(
                   "aten::x(Tensor(a!)[] a, Tensor?[]? b, int[2]? c=None, *, "
                   "Tensor(b -> *) d) -> (Tensor(a!)[] out, SymInt?)")
                   .value();
  EXPECT_TRUE(s.args[0].is_list);
  EXPECT_TRUE(s.args[0].is_written);
  EXPECT_EQ(s.args[0].alias, 'a');
  EXPECT_TRUE(s.args[1].elements_optional);
  EXPECT_TRUE(s.args[1].is_optional);
  EXPECT_EQ(s.args[2].list_size, 2);
  EXPECT_TRUE(s.args[2].is_optional);
  EXPECT_FALSE(s.args[2].keyword_only);
  EXPECT_TRUE(s.args[3].keyword_only);
  EXPECT_TRUE(s.args[3].alias_wildcard);
  EXPECT_EQ(s.returns[0].name, "out");
  EXPECT_TRUE(s.returns[1].is_optional);
  EXPECT_TRUE(s.is_mutating());
  EXPECT_TRUE(s.ordered);
}

struct DefaultCase {
  const char* arg;
  Argument expected;
};

TEST(OpSchemaTest, ReadsDefaultsInBothSpellings) {
  const DefaultCase cases[] = {
      {"Scalar a=1", Argument(int64_t{1})},
      {"Scalar a=0.5", Argument(0.5)},
      {"float a=1e-05", Argument(1e-5)},
      {"float a=1", Argument(1.0)},
      {"bool a=True", Argument(true)},
      {"str a=\"none\"", Argument(std::string("none"))},
      {"str a='none'", Argument(std::string("none"))},
      {"str a=\"\\\"\\'\\\\\"", Argument(std::string("\"'\\"))},
      {"ScalarType a=4", Argument(DType::kInt64)},
      {"ScalarType a=long", Argument(DType::kInt64)},
      {"MemoryFormat a=contiguous_format", Argument(MemoryFormat::kContiguous)},
      {"MemoryFormat a=0", Argument(MemoryFormat::kContiguous)},
      {"int a=Mean", Argument(int64_t{1})},
      {"int[2] a=0",
       Argument(ArgumentList{Argument(int64_t{0}), Argument(int64_t{0})})},
      {"SymInt[] a=[]", Argument(ArgumentList{})},
      {"bool[2] a=[True, False]",
       Argument(ArgumentList{Argument(true), Argument(false)})},
      {"Tensor? a=None", Argument(None{})},
  };
  for (const DefaultCase& c : cases) {
    absl::StatusOr<OpSchema> s =
        ParseOpSchema(std::string("aten::x(") + c.arg + ") -> ()");
    ASSERT_TRUE(s.ok()) << c.arg << ": " << s.status();
    EXPECT_TRUE(s->args[0].has_default) << c.arg;
    EXPECT_EQ(s->args[0].default_value, c.expected) << c.arg;
  }
}

TEST(OpSchemaTest, OnlyArithmeticTakesNumbersAsTensors) {
  EXPECT_TRUE(FindTestSchema("aten.mul.Tensor")->numbers_as_tensors);
  EXPECT_TRUE(FindTestSchema("aten.add_.Tensor")->numbers_as_tensors);
  EXPECT_FALSE(FindTestSchema("aten.mm.default")->numbers_as_tensors);
  EXPECT_FALSE(FindTestSchema("aten.addmm.default")->numbers_as_tensors);
}

TEST(OpSchemaTest, RefusesMalformedTextWithAColumn) {
  const char* const kBad[] = {
      "",
      "add(Tensor self) -> Tensor",
      "aten::add(Tensor self -> Tensor",
      "aten::add(Tensor self) Tensor",
      "aten::add(Tensor self) -> ",
      "aten::add(Tensor self) -> Tensor trailing junk",
      "aten::add(Tensor) -> Tensor",
      "aten::add(Tensor self, Tensor self) -> Tensor",
      "aten::add(Storage s) -> Tensor",
      "aten::add(int a=1.5) -> Tensor",
      "aten::add(int[] a=1) -> Tensor",
      "aten::add(int a=[1]) -> Tensor",
      "aten::add(str a=\"x) -> Tensor",
      "aten::add(int[x] a) -> Tensor",
      "aten::add(Tensor(ab!) a) -> Tensor",
      "aten::add(*, *, int a) -> Tensor",
  };
  for (const char* text : kBad) {
    absl::Status status = ParseOpSchema(text).status();
    EXPECT_EQ(GetErrorReason(status), ErrorReason::kParseError)
        << text << ": " << status;
    EXPECT_NE(status.message().find("column "), absl::string_view::npos)
        << text;
  }
}

}  // namespace
}  // namespace kiln
