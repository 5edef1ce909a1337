// Random numbers by seed and slot: the same again from a saved state, and others everywhere else.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "compiler/loops/random_state.h"
#include "compiler/loops/testing/lower_text.h"
#include "compiler/loops/testing/plain_philox.h"
#include "fake_runtime/ops/creation_meta.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using Doubles = std::vector<double>;

std::vector<Doubles> Outputs(absl::string_view text, const std::vector<PlainTensor>& inputs) {
  absl::StatusOr<std::vector<PlainTensor>> out = RunText(text, inputs);
  EXPECT_TRUE(out.ok()) << out.status();
  std::vector<Doubles> values;
  if (!out.ok()) return values;
  for (const PlainTensor& t : *out) values.push_back(t.Values());
  return values;
}

PlainTensor Zeros(int64_t n) { return PlainTensor::Of(DType::kFloat32, {n}, Doubles(static_cast<size_t>(n))); }

// The state that says: the numbers of `seed` from `slot` on.
PlainTensor StateTensor(uint64_t seed, uint32_t slot) {
  Doubles bytes(kRngStateBytes);
  const uint64_t words[] = {seed, uint64_t{slot} << kRandomStateSlotShift | kRandomStateMark};
  for (size_t i = 0; i < 16; ++i) bytes[i] = static_cast<double>(words[i / 8] >> (8 * (i % 8)) & 255);
  return PlainTensor::Of(DType::kUInt8, {kRngStateBytes}, bytes);
}

// What a forward graph and its backward graph do with each operator of this table.
const char* const kOps[] = {
    "aten.rand_like.default(%x)",
    "aten.randn_like.default(%x)",
    "aten.rand.default([9])",
    "aten.randn.default([9])",
    "aten.bernoulli.p(%x, 0.5)",
    "aten.bernoulli.default(%h)",
    "aten.randint.default(1000000, [9])",
    "aten.randint.low(-7, 1000000, [9])",
    "aten.randint_like.default(%x, 1000000)",
    "aten.normal.float_float(1.0, 2.0, [9])",
    "aten.normal_functional.default(%x, 1.0, 2.0)",
    "aten.uniform.default(%x, -2.0, 3.0)",
};

TEST(LowerRandomTest, AnotherGraphDrawsTheSameFromASavedState) {
  for (const char* op : kOps) {
    const std::vector<Doubles> forward =
        Outputs(absl::StrCat("graph g(%x: f32[9]) { %h = aten.full_like.default(%x, 0.5) %a = aten.rand_like.default(%x)"
                             " %s = kiln.get_rng_state.default() %r = ",
                             op, " %b = aten.rand_like.default(%x) return (%s, %r, %a, %b) }"),
                {Zeros(9)});
    ASSERT_EQ(forward.size(), 4) << op;
    // Of another call, whose own seed is the same here: its first slot would give other numbers.
    const std::vector<Doubles> backward =
        Outputs(absl::StrCat("graph g(%x: f32[9], %s: u8[5056]) { %h = aten.full_like.default(%x, 0.5) %p = "
                             "kiln.get_rng_state.default() kiln.set_rng_state.default(%s) %r = ",
                             op, " kiln.set_rng_state.default(%p) %a = aten.rand_like.default(%x) return (%r, %a) }"),
                {Zeros(9), PlainTensor::Of(DType::kUInt8, {kRngStateBytes}, forward[0])});
    ASSERT_EQ(backward.size(), 2) << op;
    EXPECT_EQ(backward[0], forward[1]) << op;
    EXPECT_NE(forward[2], forward[3]) << op;
    EXPECT_EQ(backward[1], forward[2]) << op << ": what follows goes by the call's own seed again";
  }
}

TEST(LowerRandomTest, NumbersOfAnIntervalAndOfANormalLieWhereTheyAreAskedFor) {
  constexpr int64_t kCount = 10000;
  const std::vector<Doubles> out = Outputs(
      "graph g(%x: f32[10000]) { %u = aten.uniform.default(%x, -2.0, 3.0)"
      " %n = aten.normal_functional.default(%x, 1.0, 0.5) return (%u, %n) }",
      {Zeros(kCount)});
  ASSERT_EQ(out.size(), 2);
  EXPECT_GE(*std::min_element(out[0].begin(), out[0].end()), -2);
  EXPECT_LE(*std::max_element(out[0].begin(), out[0].end()), 3);
  auto mean_of = [](const Doubles& v) { return std::accumulate(v.begin(), v.end(), 0.0) / kCount; };
  auto deviation_of = [&](const Doubles& v) {
    const double mean = mean_of(v);
    double sum = 0;
    for (double x : v) sum += (x - mean) * (x - mean);
    return std::sqrt(sum / kCount);
  };
  // Five standard deviations of a mean of so many.
  EXPECT_NEAR(mean_of(out[0]), 0.5, 5 * 5 / std::sqrt(12.0 * kCount));
  EXPECT_NEAR(deviation_of(out[0]), 5 / std::sqrt(12.0), 0.05);
  EXPECT_NEAR(mean_of(out[1]), 1, 5 * 0.5 / std::sqrt(1.0 * kCount));
  EXPECT_NEAR(deviation_of(out[1]), 0.5, 0.025);
}

TEST(LowerRandomTest, AStateIsSeedMarkAndSlot) {
  const std::vector<Doubles> out = Outputs(
      "graph g(%x: f32[9]) { %a = aten.randn_like.default(%x) %s = kiln.get_rng_state.default() return (%a, %s) }",
      {Zeros(9)});
  EXPECT_EQ(out[1], StateTensor(kTestSeed, 2).Values());
}

TEST(LowerRandomTest, SeedAndSlotOfAStateAreWhatIsDrawnFrom) {
  const uint64_t seed = 0xfedcba9876543210;
  const std::vector<Doubles> out = Outputs(
      "graph g(%s: u8[5056]) { kiln.set_rng_state.default(%s) %r = aten.rand.default([5]) return (%r) }",
      {StateTensor(seed, 70000)});
  ASSERT_EQ(out[0].size(), 5);
  for (uint64_t i = 0; i < 5; ++i) EXPECT_EQ(out[0][i], PlainUniform(/*is_double=*/false, seed, 70000, i));
}

TEST(LowerRandomTest, AStateThatPyTorchSavedIsAnError) {
  // A state of PyTorch's: its seed, how many numbers are left, and that it was seeded.
  Doubles bytes(kRngStateBytes);
  bytes[0] = 42, bytes[8] = 1, bytes[12] = 1;
  absl::StatusOr<std::vector<PlainTensor>> out =
      RunText("graph g(%s: u8[5056]) { kiln.set_rng_state.default(%s) %r = aten.rand.default([5]) return (%r) }",
              {PlainTensor::Of(DType::kUInt8, {kRngStateBytes}, bytes)});
  EXPECT_EQ(GetErrorReason(out.status()), ErrorReason::kBadArgumentValue) << out.status();
}

TEST(LowerRandomTest, AStateThatOnlyGoesBackTakesNoMemory) {
  auto lowered = LowerText(
      "graph g(%x: f32[9]) { %a = aten.rand_like.default(%x) %p = kiln.get_rng_state.default() "
      "kiln.set_rng_state.default(%p) return (%a) }");
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  EXPECT_EQ((*lowered)->program.steps.size(), 1);
}

// --- operators whose numbers the host draws

absl::Status LowerStatus(absl::string_view text) { return LowerText(text).status(); }

TEST(LowerRandomTest, AnExternDrawThatMustComeAgainIsRefusedByName) {
  for (absl::string_view text :
       {"graph g(%x: f32[9]) { %s = kiln.get_rng_state.default() %r = aten.exponential.default(%x) return (%r, %s) }",
        "graph g(%x: f32[9], %s: u8[5056]) { %p = kiln.get_rng_state.default() kiln.set_rng_state.default(%s) "
        "%r = aten.exponential.default(%x) kiln.set_rng_state.default(%p) return (%r) }"}) {
    const absl::Status status = LowerStatus(text);
    EXPECT_EQ(GetErrorReason(status), ErrorReason::kUnsupportedGraph) << status;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("aten.exponential.default"), HasSubstr("eager_random")));
  }
}

TEST(LowerRandomTest, ExternDrawsBesideTheSavedOneAreFree) {
  EXPECT_TRUE(LowerStatus("graph g(%x: f32[9]) { %s = kiln.get_rng_state.default() %a = aten.rand_like.default(%x) "
                          "%r = aten.exponential.default(%x) return (%r, %s, %a) }")
                  .ok());
  EXPECT_TRUE(LowerStatus("graph g(%x: f32[9], %s: u8[5056]) { %p = kiln.get_rng_state.default() "
                          "kiln.set_rng_state.default(%s) %a = aten.rand_like.default(%x) "
                          "kiln.set_rng_state.default(%p) %r = aten.exponential.default(%x) return (%r, %a) }")
                  .ok());
}

TEST(LowerRandomTest, AttentionWithoutDropoutDrawsNothing) {
  EXPECT_TRUE(LowerStatus("graph g(%q: f32[1, 2, 8, 4]) { %s = kiln.get_rng_state.default() %r, %l = "
                          "aten._scaled_dot_product_flash_attention_for_cpu.default(%q, %q, %q) return (%r, %l, %s) }")
                  .ok());
}

TEST(LowerRandomTest, EagerNumbersAreExternCallsInOrder) {
  auto lowered = LowerText(
      "graph g(%x: f32[9], %s: u8[5056]) { %unused = aten.rand.default([3]) %p = kiln.get_rng_state.default() "
      "kiln.set_rng_state.default(%s) %r = aten.bernoulli.p(%x, 0.5) kiln.set_rng_state.default(%p) "
      "%y = aten.mul.Tensor(%r, 2) return (%y) }",
      {}, {.eager_random = true});
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  std::vector<std::string> steps;
  for (const Step& step : (*lowered)->program.steps) {
    const ExternCall* call = std::get_if<ExternCall>(&step);
    steps.push_back(call == nullptr ? "kernel" : call->op);
  }
  EXPECT_THAT(steps, testing::ElementsAre("aten.rand.default", "kiln.get_rng_state.default", "kiln.set_rng_state.default",
                                          "aten.bernoulli.p", "kiln.set_rng_state.default", "kernel"));
  EXPECT_THAT(PrintLoopProgram((*lowered)->program), Not(HasSubstr("random f32")));
}

TEST(LowerRandomTest, EagerStatesNeedAHostThatServesThem) {
  auto lowered = LowerText("graph g(%x: f32[9]) { %s = kiln.get_rng_state.default() return (%s) }");
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  absl::StatusOr<LoopProgram> program = LowerToLoops((*lowered)->fake, {"aten.*"}, {}, {.eager_random = true});
  EXPECT_EQ(GetErrorReason(program.status()), ErrorReason::kExternOpMissing);
  EXPECT_THAT(std::string(program.status().message()), HasSubstr("kiln.get_rng_state.default"));
}

}  // namespace
}  // namespace kiln
