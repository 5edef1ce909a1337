// Reductions where order matters: NaN, equal values, nothing but infinity.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/testing/compile_or_fail.h"
#include "compiler/loops/testing/tensor_literals.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> Reduce(absl::string_view kind, absl::string_view dtype, const std::vector<double>& values) {
  const bool is_arg = kind == "argmax" || kind == "argmin" || kind == "window_max";
  Compiled compiled = Compile(absl::StrCat(
      "program symbols=[s0] inputs=1 {\nbuffer b0 input 0 ", dtype, "[s0]\nbuffer b1 output 0 ",
      is_arg ? "i64" : std::string(dtype), "[1]\ninputs [b0]\nkernel k nodes=[0] {\n%0 = accumulate ", kind, " ", dtype,
      "\nvector i0 < s0 {\n%1 = load ", dtype, " b0[i0]\n", is_arg ? "%2 = expr i64 i0\nupdate %0, %1, %2" : "update %0, %1",
      "\n}\n%3 = result ", is_arg ? "i64 %0, 1" : absl::StrCat(dtype, " %0, 0"),
      "\nstore b1[0], %3\n}\nreturn new b1: ", is_arg ? "i64" : std::string(dtype), "[1] strides=[1] offset=0\n}\n"));
  if (compiled == nullptr) return {};
  TestHost host;
  const int64_t n = static_cast<int64_t>(values.size());
  auto out = host.Run(compiled->artifact, compiled->signature, {PlainTensor::Of(*ParseDType(dtype), {n}, values)},
                      {{"s0", n}});
  EXPECT_TRUE(out.ok()) << out.status();
  return out.ok() ? (*out)[0].Values() : std::vector<double>();
}

TEST(AccumulatorTest, NanWinsEveryMaximum) {
  for (int64_t place : {0, 7, 63, 99}) {
    std::vector<double> values = Ramp(100);
    values[place] = kNan;
    EXPECT_TRUE(std::isnan(Reduce("max", "f32", values)[0])) << place;
    EXPECT_TRUE(std::isnan(Reduce("min", "f64", values)[0])) << place;
    values[99] = kNan;
    EXPECT_THAT(Reduce("argmax", "f32", values), ElementsAre(place));
    EXPECT_THAT(Reduce("argmin", "f32", values), ElementsAre(place));
  }
}

TEST(AccumulatorTest, TheLastNanIsTheMaximumOfAWindow) {
  std::vector<double> values = Ramp(100);
  for (int64_t place : {3, 7, 63, 99}) {
    values[place] = kNan;
    EXPECT_THAT(Reduce("window_max", "f32", values), ElementsAre(place));
    EXPECT_THAT(Reduce("window_max", "f64", values), ElementsAre(place));
  }
}

TEST(AccumulatorTest, TheFirstOfEqualsWins) {
  for (const char* dtype : {"f32", "i64", "i8", "f64"}) {
    std::vector<double> values(200, 1);
    for (int64_t place : {150, 73, 66, 17}) {
      values[place] = 5;
      EXPECT_THAT(Reduce("argmax", dtype, values), ElementsAre(place)) << dtype;
      EXPECT_THAT(Reduce("window_max", dtype, values), ElementsAre(place)) << dtype;
    }
    EXPECT_THAT(Reduce("argmin", dtype, values), ElementsAre(0)) << dtype;
  }
}

TEST(AccumulatorTest, MaximaOfNothingButInfinityHaveTheFirstIndex) {
  const std::vector<double> infinities(40, -std::numeric_limits<double>::infinity());
  EXPECT_THAT(Reduce("argmax", "f32", infinities), ElementsAre(0));
  EXPECT_THAT(Reduce("window_max", "f32", infinities), ElementsAre(0));
}

}  // namespace
}  // namespace kiln
