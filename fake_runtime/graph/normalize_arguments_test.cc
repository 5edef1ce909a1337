#include "fake_runtime/graph/normalize_arguments.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace kiln {
namespace {

constexpr ValueId kTensor{0}, kSymInt{1}, kSymFloat{2}, kSymBool{3},
    kSymNumber{4};

ValueClass ClassOf(ValueId id) { return static_cast<ValueClass>(id.value); }

Argument I(int64_t v) { return Argument(v); }
Argument L(ArgumentList items) { return Argument(std::move(items)); }
NamedArgument P(Argument value) { return {"", std::move(value)}; }

absl::StatusOr<std::vector<Argument>> Normalize(
    const char* args, std::vector<NamedArgument> given, const char* op = "x") {
  OpSchema schema =
      ParseOpSchema(std::string("aten::") + op + "(" + args + ") -> Tensor")
          .value();
  return NormalizeArguments(schema, std::move(given), ClassOf);
}

struct SlotCase {
  const char* slot;
  Argument given;
  // No value: refused with BAD_ARGUMENT_TYPE.
  std::optional<Argument> expected;
};

TEST(NormalizeArgumentsTest, ChecksAndConvertsEachSlot) {
  const SlotCase cases[] = {
      {"Tensor a", Argument(kTensor), Argument(kTensor)},
      {"Tensor a", Argument(kSymInt), std::nullopt},
      {"Tensor a", Argument(0.9), std::nullopt},
      {"Tensor a", Argument(None{}), std::nullopt},
      {"Tensor? a", Argument(None{}), Argument(None{})},
      {"Tensor[] a", L({Argument(kTensor)}), L({Argument(kTensor)})},
      {"Tensor[] a", L({Argument(None{})}), std::nullopt},
      {"Tensor?[] a", L({Argument(None{}), Argument(kTensor)}),
       L({Argument(None{}), Argument(kTensor)})},
      {"Tensor[] a", Argument(kTensor), std::nullopt},
      {"SymInt a", I(3), I(3)},
      {"SymInt a", Argument(kSymInt), Argument(kSymInt)},
      {"SymInt a", Argument(kSymNumber), Argument(kSymNumber)},
      {"SymInt a", Argument(kSymFloat), std::nullopt},
      {"SymInt a", Argument(kTensor), std::nullopt},
      {"SymInt a", Argument(2.0), std::nullopt},
      {"int a", I(3), I(3)},
      {"int a", Argument(kSymInt), std::nullopt},
      {"int a", Argument(2.0), std::nullopt},
      {"int a", Argument(true), std::nullopt},
      {"Scalar a", I(3), I(3)},
      {"Scalar a", Argument(0.5), Argument(0.5)},
      {"Scalar a", Argument(true), Argument(true)},
      {"Scalar a", Argument(kSymFloat), Argument(kSymFloat)},
      {"Scalar a", Argument(kSymBool), Argument(kSymBool)},
      {"Scalar a", Argument(kTensor), std::nullopt},
      {"Scalar a", Argument(std::string("1")), std::nullopt},
      {"float a", I(3), Argument(3.0)},
      {"float a", Argument(kSymFloat), std::nullopt},
      {"float[] a", L({I(1), Argument(0.5)}),
       L({Argument(1.0), Argument(0.5)})},
      {"bool a", Argument(true), Argument(true)},
      {"bool a", I(1), std::nullopt},
      {"bool[3] a", Argument(true),
       L({Argument(true), Argument(true), Argument(true)})},
      {"int[2] a", I(1), L({I(1), I(1)})},
      {"SymInt[2] a", Argument(kSymInt),
       L({Argument(kSymInt), Argument(kSymInt)})},
      {"int[] a", I(1), std::nullopt},
      {"int[2]? a", Argument(None{}), Argument(None{})},
      {"SymInt[] a", L({I(1), Argument(kSymInt)}),
       L({I(1), Argument(kSymInt)})},
      {"SymInt[] a", L({L({I(1)})}), std::nullopt},
      {"ScalarType? a", Argument(DType::kFloat32), Argument(DType::kFloat32)},
      {"ScalarType a", I(6), std::nullopt},
      {"Device a", Argument(Device{"cuda", 1}), Argument(Device{"cuda", 1})},
      {"Layout? a", Argument(Layout::kStrided), Argument(Layout::kStrided)},
      {"MemoryFormat? a", Argument(MemoryFormat::kPreserve),
       Argument(MemoryFormat::kPreserve)},
      {"MemoryFormat? a", Argument(Layout::kStrided), std::nullopt},
      {"str a", Argument(std::string("x")), Argument(std::string("x"))},
      {"Generator? a", Argument(None{}), Argument(None{})},
      {"Generator? a", I(1), std::nullopt},
  };
  for (const SlotCase& c : cases) {
    absl::StatusOr<std::vector<Argument>> got = Normalize(c.slot, {P(c.given)});
    if (c.expected.has_value()) {
      ASSERT_TRUE(got.ok()) << c.slot << ": " << got.status();
      EXPECT_EQ((*got)[0], *c.expected) << c.slot;
    } else {
      EXPECT_EQ(GetErrorReason(got.status()), ErrorReason::kBadArgumentType)
          << c.slot << " #" << c.given.v.index();
    }
  }
}

TEST(NormalizeArgumentsTest, NumbersStandInTensorSlotsOfArithmetic) {
  const char* kArgs = "Tensor self, Tensor other, *, Scalar alpha=1";
  for (const Argument& number : {Argument(0.9), I(2), Argument(true),
                                 Argument(kSymInt), Argument(kSymFloat)}) {
    absl::StatusOr<std::vector<Argument>> got =
        Normalize(kArgs, {P(Argument(kTensor)), P(number)}, "add.Tensor");
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ((*got)[1], number);
  }
}

TEST(NormalizeArgumentsTest, NothingWritesANumber) {
  absl::Status status =
      Normalize("Tensor(a!) self, Tensor other",
                {P(I(1)), P(Argument(kTensor))}, "add_.Tensor")
          .status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kBadArgumentType);
}

TEST(NormalizeArgumentsTest, FillsDefaultsAndOrdersKeywords) {
  absl::StatusOr<std::vector<Argument>> got =
      Normalize("int a, int b=2, *, int c=3, int d", {P(I(1)), {"d", I(9)}});
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(*got, (std::vector<Argument>{I(1), I(2), I(3), I(9)}));
}

TEST(NormalizeArgumentsTest, RefusesAWrongCount) {
  const std::vector<std::vector<NamedArgument>> cases = {
      {},                            // a is missing
      {P(I(1)), P(I(2))},            // b is keyword-only
      {P(I(1)), {"a", I(2)}},        // a twice
      {P(I(1)), {"nothing", I(2)}},  // no such name
      {P(I(1)), {"b", I(2)}, {"b", I(2)}},
  };
  for (const auto& given : cases) {
    absl::Status status = Normalize("int a, *, int b=1", given).status();
    EXPECT_EQ(GetErrorReason(status), ErrorReason::kBadArgumentCount) << status;
    EXPECT_NE(
        status.message().find("schema: aten::x(int a, *, int b=1) -> Tensor"),
        absl::string_view::npos)
        << status;
  }
}

}  // namespace
}  // namespace kiln
