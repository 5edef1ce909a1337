// Code for aarch64, run by qemu-user, against its naive twin: the interpreter of
// loop programs, and true values of elementary functions.
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "compiler/codegen/testing/aarch64_targets.h"
#include "compiler/codegen/testing/compile_program.h"
#include "compiler/codegen/testing/elementary_cases.h"
#include "compiler/codegen/testing/emulated_host.h"
#include "compiler/codegen/testing/graph_cases.h"
#include "compiler/codegen/testing/kernel_cases.h"
#include "compiler/codegen/testing/scheduled_twin.h"
#include "compiler/codegen/testing/twin_tensors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using Outputs = std::vector<PlainTensor>;

absl::StatusOr<std::vector<Outputs>> CompileAndRun(const std::string& text, const AArch64TestTarget& target,
                                                   const std::vector<EmulatedCall>& calls) {
  auto compiled = CompileProgram(text, {.target = target.target()});
  if (!compiled.ok()) return compiled.status();
  return RunEmulated((*compiled)->elf, (*compiled)->signature, calls, target.processor);
}

class AArch64TwinTest : public testing::TestWithParam<AArch64TestTarget> {};

INSTANTIATE_TEST_SUITE_P(All, AArch64TwinTest, testing::ValuesIn(AArch64TestTargets()),
                         [](const auto& info) { return std::string(info.param.name); });

// What takes long in an emulator, where it differs most.
class AArch64ProgramTest : public testing::TestWithParam<AArch64TestTarget> {};

INSTANTIATE_TEST_SUITE_P(All, AArch64ProgramTest, testing::Values(kNeonTarget, kSve256Target),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(AArch64TwinTest, EveryInstructionAgreesWithTheInterpreter) {
  for (const KernelCase& c : KernelCases()) {
    SCOPED_TRACE(c.name);
    ExprPool pool;
    absl::StatusOr<LoopProgram> program = ParseLoopProgram(ProgramOf(c), &pool);
    ASSERT_TRUE(program.ok()) << program.status();
    std::vector<EmulatedCall> calls;
    for (const auto& symbols : KernelSymbols()) calls.push_back({KernelInputs(c, symbols), symbols});
    auto got = CompileAndRun(ProgramOf(c), GetParam(), calls);
    ASSERT_TRUE(got.ok()) << got.status();
    for (size_t i = 0; i < calls.size(); ++i) {
      auto want = InterpretLoopProgram(*program, calls[i].inputs, calls[i].symbols);
      ASSERT_TRUE(want.ok()) << want.status();
      EXPECT_EQ(FirstDifference(*want, (*got)[i], c.tolerance), "") << "s1 = " << calls[i].symbols.at("s1");
    }
  }
}

// Both hosts give the same seed.
TEST_P(AArch64TwinTest, DrawsAreTheSameAsOnThisMachine) {
  const std::string text =
      "program symbols=[s0] inputs=0 {\nbuffer b0 output 0 f32[s0]\ninputs []\nkernel k nodes=[0] {\nvector i0 < s0 {\n"
      "%0 = random f32 3, i0 + 7\nstore b0[i0], %0\n}\n}\nreturn new b0: f32[s0] strides=[1] offset=0\n}\n";
  auto here = CompileProgram(text);
  ASSERT_TRUE(here.ok()) << here.status();
  auto want = TestHost().Run((*here)->artifact, (*here)->signature, {}, {{"s0", 1003}});
  ASSERT_TRUE(want.ok()) << want.status();
  auto got = CompileAndRun(text, GetParam(), {{{}, {{"s0", 1003}}}});
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ((*got)[0][0].Values(), (*want)[0].Values());
}

TEST_P(AArch64TwinTest, AnIndexOutOfRangeIsAnError) {
  const std::string text =
      "program symbols=[s0] inputs=2 {\nbuffer b0 input 0 i64[s0]\nbuffer b1 input 1 f32[7]\nbuffer b2 output 0 f32[s0]\n"
      "inputs [b0, b1]\nkernel k nodes=[6] {\nvector i0 < s0 {\n%0 = load i64 b0[i0]\nindirect j0 < 7, %0\n"
      "%1 = load f32 b1[j0]\nstore b2[i0], %1\n}\n}\nreturn new b2: f32[s0] strides=[1] offset=0\n}\n";
  const PlainTensor table = RandomTensor(DType::kFloat32, 7, 1);
  std::vector<double> indices(37, 3);
  indices[33] = 12;
  auto got = CompileAndRun(text, GetParam(), {{{PlainTensor::Of(DType::kInt64, {37}, indices), table}, {{"s0", 37}}}});
  EXPECT_EQ(got.status().message(), "status 4 at node 6: index 12 is out of range [-B, B), B = 7");
}

void ExpectTwinsAgree(const ScheduledTwin& twin, const AArch64TestTarget& target, double tolerance) {
  auto got = CompileAndRun(twin.text, target, {{twin.inputs, twin.symbols}});
  ASSERT_TRUE(got.ok()) << got.status() << twin.text;
  EXPECT_EQ(FirstDifference(twin.want, (*got)[0], tolerance), "") << twin.text;
}

TEST_P(AArch64ProgramTest, ScheduledProgramsAgreeWithTheInterpreter) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    absl::StatusOr<ScheduledTwin> twin = MakeRandomTwin(seed);
    ASSERT_TRUE(twin.ok()) << twin.status();
    ExpectTwinsAgree(*twin, GetParam(), 1e-3);
  }
}

TEST_P(AArch64ProgramTest, LoweredOperatorsAgreeWithTheLoops) {
  for (const GraphCase& c : GraphCases()) {
    SCOPED_TRACE(c.name);
    absl::StatusOr<ScheduledTwin> twin = MakeLoweredTwin(absl::StrCat("graph g", c.graph));
    ASSERT_TRUE(twin.ok()) << twin.status();
    ExpectTwinsAgree(*twin, GetParam(), 1e-4);
  }
}

// What models are made of, with rows that no register divides.
const GraphCase kModelCases[] = {
    {"Softmax", "(%x: f32[s0, 77]) { %r = aten._softmax.default(%x, 1, false) return (%r) }"},
    {"LayerNorm", "(%x: f32[s0, 77], %w: f32[77], %b: f32[77]) { %r, %m, %s = aten.native_layer_norm.default(%x, [77], "
                  "%w, %b, 1e-05) return (%r, %m, %s) }"},
    {"Gelu", "(%x: f32[s0, 77]) { %r = aten.gelu.default(%x) return (%r) }"},
    {"LogSoftmaxOfBFloat16", "(%x: bf16[s0, 77]) { %r = aten._log_softmax.default(%x, 1, false) return (%r) }"},
    {"HalfSum", "(%x: f16[s0, 77]) { %r = aten.sum.dim_IntList(%x, [1]) return (%r) }"},
    {"ColumnSums", "(%x: f32[77, s0]) { %r = aten.sum.dim_IntList(%x, [0]) return (%r) }"},
    {"Variance", "(%x: f32[s0, 77]) { %r = aten.var.correction(%x, [1]) return (%r) }"},
    {"ToBFloat16", "(%x: f32[s0, 77]) { %r = aten._to_copy.default(%x, dtype=bf16) return (%r) }"},
};

TEST_P(AArch64TwinTest, WhatModelsAreMadeOfAgreesWithTheLoops) {
  for (const GraphCase& c : kModelCases) {
    SCOPED_TRACE(c.name);
    absl::StatusOr<ScheduledTwin> twin = MakeLoweredTwin(absl::StrCat("graph g", c.graph));
    ASSERT_TRUE(twin.ok()) << twin.status();
    ExpectTwinsAgree(*twin, GetParam(), absl::StrContains(c.graph, "f16") ? 1e-2 : 1e-5);
  }
}

TEST_P(AArch64ProgramTest, ElementaryFunctionsAreCloseToLibm) {
  const std::vector<double> x = FloatLine(200003);
  const int64_t n = static_cast<int64_t>(x.size());
  const PlainTensor tensor = PlainTensor::Of(DType::kFloat32, {n}, x);
  for (const ElementaryFunction& function : ElementaryFunctions()) {
    SCOPED_TRACE(function.op);
    auto got = CompileAndRun(ElementaryProgram(function.op, "f32", 1), GetParam(), {{{tensor, tensor}, {{"s0", n}}}});
    ASSERT_TRUE(got.ok()) << got.status();
    const std::vector<double> values = (*got)[0][0].Values();
    for (size_t i = 0; i < x.size(); ++i) {
      if (std::abs(x[i]) > function.limit && !std::isinf(x[i])) continue;
      EXPECT_LE(UlpError(values[i], function.f(x[i]), false), function.max_ulp) << x[i] << " gives " << values[i];
    }
  }
}

// Round to nearest even, by arithmetic on the bits.
uint16_t BFloat16Of(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

TEST_P(AArch64TwinTest, BFloat16IsRoundedAsPyTorchDoes) {
  // Every bfloat16 with what is just below, at and above half of the way to the next.
  std::vector<double> x;
  for (uint32_t high = 0; high < 0x10000; ++high) {
    for (uint32_t low : {0u, 0x7fffu, 0x8000u, 0x8001u}) {
      const uint32_t bits = high << 16 | low;
      float f;
      std::memcpy(&f, &bits, 4);
      x.push_back(f);
    }
  }
  const int64_t n = static_cast<int64_t>(x.size());
  auto got = CompileAndRun(
      "program symbols=[s0] inputs=1 {\nbuffer b0 input 0 f32[s0]\nbuffer b1 output 0 bf16[s0]\ninputs [b0]\n"
      "kernel k nodes=[0] {\nvector i0 < s0 {\n%0 = load f32 b0[i0]\nstore b1[i0], %0\n}\n}\n"
      "return new b1: bf16[s0] strides=[1] offset=0\n}\n",
      GetParam(), {{{PlainTensor::Of(DType::kFloat32, {n}, x)}, {{"s0", n}}}});
  ASSERT_TRUE(got.ok()) << got.status();
  const std::vector<double> values = (*got)[0][0].Values();
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) {
      ASSERT_TRUE(std::isnan(values[i])) << i;
      continue;
    }
    ASSERT_EQ(BFloat16Of(static_cast<float>(values[i])), BFloat16Of(static_cast<float>(x[i]))) << x[i];
  }
}

TEST(AArch64HostTest, AProcessorsFeaturesAreFound) {
  auto old = DetectEmulated("cortex-a72");
  ASSERT_TRUE(old.ok()) << old.status();
  EXPECT_EQ(*old, "aarch64 128 aes crc fp-armv8 neon sha2\n");
  auto wide = DetectEmulated(kSve256Target.processor);
  ASSERT_TRUE(wide.ok()) << wide.status();
  EXPECT_TRUE(absl::StartsWith(*wide, "aarch64 256 ")) << *wide;
  for (const char* feature : {" bf16", " neon", " sve", " sve256"}) EXPECT_THAT(*wide, ::testing::HasSubstr(feature));
}

}  // namespace
}  // namespace kiln
