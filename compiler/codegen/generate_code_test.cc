// Kernels to machine code: loops over any size, threads, targets, what has no code.
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "compiler/artifact/read_manifest.h"
#include "compiler/codegen/testing/compile_or_fail.h"
#include "compiler/codegen/testing/test_target.h"
#include "compiler/loops/testing/tensor_literals.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::string_view kAdd = R"(program symbols=[s0] inputs=2 {
  buffer b0 input 0 f32[16*s0]
  buffer b1 input 1 f32[16*s0]
  buffer b2 output 0 f32[16*s0]
  inputs [b0, b1]
  kernel add nodes=[0] grain=4 {
    parallel i0 < s0 {
      vector i1 < 16 {
        %0 = load f32 b0[16*i0 + i1]
        %1 = load f32 b1[16*i0 + i1]
        %2 = add f32 %0, %1
        store b2[16*i0 + i1], %2
      }
    }
  }
  release b0
  return new b2: f32[s0, 16] strides=[16, 1] offset=0
}
)";

TEST(GenerateCodeTest, AddsTwoTensorsOfAnySize) {
  Compiled compiled = Compile(kAdd);
  ASSERT_NE(compiled, nullptr);
  for (int rows : {0, 1, 3, 4, 5, 17}) {
    for (int threads : {1, 3}) {
      TestHost host;
      host.set_threads(threads);
      auto out = host.Run(compiled->artifact, compiled->signature,
                          {F32({rows, 16}, Ramp(rows * 16)), F32({rows, 16}, Ramp(rows * 16, 0.5, 2))}, {{"s0", rows}});
      ASSERT_TRUE(out.ok()) << out.status();
      EXPECT_EQ((*out)[0].Values(), Ramp(rows * 16, 0.5, 3)) << rows;
      EXPECT_EQ(host.live_allocations(), 0);
      EXPECT_EQ(host.num_parallel_calls(), rows > 4 ? 1 : 0);
      EXPECT_THAT(host.released_inputs(), ElementsAre(0));
      EXPECT_THAT(host.kernels(), ElementsAre(0));
      EXPECT_EQ(host.open_kernels(), 0);
    }
  }
}

TEST(GenerateCodeTest, EqualProgramsGiveEqualBytes) {
  Compiled first = Compile(kAdd);
  Compiled second = Compile(kAdd);
  ASSERT_TRUE(first != nullptr && second != nullptr);
  EXPECT_EQ(first->elf, second->elf);
}

TEST(GenerateCodeTest, TheArtifactHoldsTheManifest) {
  Compiled compiled = Compile(kAdd);
  ASSERT_NE(compiled, nullptr);
  absl::StatusOr<v1::Manifest> manifest = ReadManifest(compiled->elf);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->compiler_build(), "test");
}

TEST(GenerateCodeTest, FeaturesBeyondTheWidthAreNotNeeded) {
  Compiled narrow = Compile(kAdd, {.max_vector_bits = 256});
  ASSERT_NE(narrow, nullptr);
  for (const std::string& feature : narrow->code.isa_features) EXPECT_THAT(feature, ::testing::Not(HasSubstr("avx512")));
}

TEST(GenerateCodeTest, StrangeTargetsAreRefused) {
  ExprPool pool;
  absl::StatusOr<LoopProgram> program = ParseLoopProgram(kAdd, &pool);
  ASSERT_TRUE(program.ok());
  CodegenOptions options;
  options.target.set_arch("riscv64");
  EXPECT_EQ(GetErrorReason(GenerateCode(*program, options).status()), ErrorReason::kUnsupportedTarget);
  options.target.set_arch("x86_64");
  options.target.set_vector_bits(100);
  EXPECT_EQ(GetErrorReason(GenerateCode(*program, options).status()), ErrorReason::kUnsupportedTarget);
  options.target.set_vector_bits(256);
  options.target.add_features("avx9");
  EXPECT_EQ(GetErrorReason(GenerateCode(*program, options).status()), ErrorReason::kUnsupportedTarget);
}

TEST(GenerateCodeTest, ComplexValuesAreRefusedByNode) {
  ExprPool pool;
  absl::StatusOr<LoopProgram> program = ParseLoopProgram(
      "program symbols=[] inputs=1 {\nbuffer b0 input 0 c64[4]\nbuffer b1 output 0 c64[4]\ninputs [b0]\n"
      "kernel k nodes=[7] {\nserial i0 < 4 {\n%0 = load c64 b0[i0]\nstore b1[i0], %0\n}\n}\n"
      "return new b1: c64[4] strides=[1] offset=0\n}\n",
      &pool);
  ASSERT_TRUE(program.ok()) << program.status();
  CodegenOptions options;
  options.target = TestTarget();
  absl::Status status = GenerateCode(*program, options).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kUnsupportedDtype) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("node 7"));
}

TEST(GenerateCodeTest, EqualKernelsAreEmittedOnce) {
  // Two layers: the same kernel over other buffers and another size.
  Compiled compiled = Compile(R"(program symbols=[s0, s1] inputs=2 {
  buffer b0 input 0 f32[s0]
  buffer b1 input 1 f32[s1]
  buffer b2 output 0 f32[s0]
  buffer b3 output 1 f32[s1]
  inputs [b0, b1]
  kernel double_0 nodes=[0] {
    vector i0 < s0 {
      %0 = load f32 b0[i0]
      %1 = add f32 %0, %0
      store b2[i0], %1
    }
  }
  kernel double_1 nodes=[1] {
    vector i0 < s1 {
      %0 = load f32 b1[i0]
      %1 = add f32 %0, %0
      store b3[i0], %1
    }
  }
  return new b2: f32[s0] strides=[1] offset=0
  return new b3: f32[s1] strides=[1] offset=0
}
)");
  ASSERT_NE(compiled, nullptr);
  TestHost host;
  auto out = host.Run(compiled->artifact, compiled->signature, {F32({3}, {1, 2, 3}), F32({2}, {5, 6})},
                      {{"s0", 3}, {"s1", 2}});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT((*out)[0].Values(), ElementsAre(2, 4, 6));
  EXPECT_THAT((*out)[1].Values(), ElementsAre(10, 12));
  EXPECT_THAT(host.kernels(), ElementsAre(0, 0));
}

TEST(GenerateCodeTest, OneFunctionServesSizesOfAnyDepth) {
  // Windows over windows: the entry computes both sizes, one of which is a division more.
  Compiled compiled = Compile(R"(program symbols=[s0] inputs=1 {
  buffer b0 input 0 f32[s0]
  buffer b1 output 0 f32[(s0 + 1)//2]
  buffer b2 output 1 f32[((s0 + 1)//2 + 1)//2]
  inputs [b0]
  kernel half_0 nodes=[0] {
    vector i0 < (s0 + 1)//2 {
      %0 = load f32 b0[i0]
      %1 = add f32 %0, %0
      store b1[i0], %1
    }
  }
  kernel half_1 nodes=[1] {
    vector i0 < ((s0 + 1)//2 + 1)//2 {
      %0 = load f32 b1[i0]
      %1 = add f32 %0, %0
      store b2[i0], %1
    }
  }
  return new b1: f32[(s0 + 1)//2] strides=[1] offset=0
  return new b2: f32[((s0 + 1)//2 + 1)//2] strides=[1] offset=0
}
)");
  ASSERT_NE(compiled, nullptr);
  for (int size : {0, 1, 5, 90}) {
    TestHost host;
    auto out = host.Run(compiled->artifact, compiled->signature, {F32({size}, Ramp(size))}, {{"s0", size}});
    ASSERT_TRUE(out.ok()) << out.status();
    const int half = (size + 1) / 2;
    EXPECT_EQ((*out)[0].Values(), Ramp(half, 0, 2)) << size;
    EXPECT_EQ((*out)[1].Values(), Ramp((half + 1) / 2, 0, 4)) << size;
    EXPECT_THAT(host.kernels(), ElementsAre(0, 0));
  }
}

TEST(GenerateCodeTest, OneFunctionServesKernelsThatDifferInConstants) {
  auto kernel = [](int output, absl::string_view factor, absl::string_view term) {
    return absl::StrCat("kernel k", output, " nodes=[", output, "] {\nvector i0 < 100 {\n%0 = load f32 b0[i0]\n",
                        "%1 = constant f32 ", factor, "\n%2 = mul f32 %0, %1\n%3 = constant f32 ", term,
                        "\n%4 = add f32 %2, %3\nstore b", output + 1, "[i0], %4\n}\n}\n");
  };
  auto program = [](absl::string_view kernels) {
    return absl::StrCat("program symbols=[] inputs=1 {\nbuffer b0 input 0 f32[100]\nbuffer b1 output 0 f32[100]\n",
                        "buffer b2 output 1 f32[100]\nbuffer b3 output 2 f32[100]\ninputs [b0]\n", kernels,
                        "return new b1: f32[100] strides=[1] offset=0\nreturn new b2: f32[100] strides=[1] offset=0\n",
                        "return new b3: f32[100] strides=[1] offset=0\n}\n");
  };
  Compiled compiled =
      Compile(program(absl::StrCat(kernel(0, "2.5", "0.125"), kernel(1, "-0.75", "3.0"), kernel(2, "2.5", "0.125"))));
  ASSERT_NE(compiled, nullptr);
  std::vector<double> x;
  for (int i = 0; i < 100; ++i) x.push_back(i - 50.5);
  const PlainTensor input = PlainTensor::Of(DType::kFloat32, {100}, x);
  TestHost host;
  auto out = host.Run(compiled->artifact, compiled->signature, {input}, {});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT(host.kernels(), ElementsAre(0, 0, 0));
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_FLOAT_EQ((*out)[0].Values()[i], 2.5 * x[i] + 0.125);
    EXPECT_FLOAT_EQ((*out)[1].Values()[i], -0.75 * x[i] + 3.0);
    EXPECT_FLOAT_EQ((*out)[2].Values()[i], 2.5 * x[i] + 0.125);
  }
  // Arithmetic on 0 and 1 may be none, so such a kernel keeps its own.
  Compiled special =
      Compile(program(absl::StrCat(kernel(0, "2.5", "0.125"), kernel(1, "1.0", "3.0"), kernel(2, "2.5", "0.125"))));
  ASSERT_NE(special, nullptr);
  TestHost other;
  ASSERT_TRUE(other.Run(special->artifact, special->signature, {input}, {}).ok());
  EXPECT_THAT(other.kernels(), ElementsAre(0, 1, 0));
  // Nor does a parameter stand for another constant than it is.
  Compiled crossed =
      Compile(program(absl::StrCat(kernel(0, "0.0", "6.0"), kernel(1, "-6.0", "0.0"), kernel(2, "0.0", "6.0"))));
  ASSERT_NE(crossed, nullptr);
  TestHost third;
  auto crossed_out = third.Run(crossed->artifact, crossed->signature, {input}, {});
  ASSERT_TRUE(crossed_out.ok()) << crossed_out.status();
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_FLOAT_EQ((*crossed_out)[0].Values()[i], 6.0);
    EXPECT_FLOAT_EQ((*crossed_out)[1].Values()[i], -6.0 * x[i]);
  }
}

TEST(LinkArtifactTest, AFolderThatCannotBeWrittenIsDoneWithout) {
  const char* said = std::getenv("TMPDIR");
  const std::optional<std::string> before = said == nullptr ? std::nullopt : std::optional<std::string>(said);
  ASSERT_EQ(setenv("TMPDIR", "/no/such/folder", 1), 0);
  const absl::StatusOr<Compiled> compiled = CompileProgram(
      "program symbols=[s0] inputs=0 {\n  inputs []\n  return scalar s0\n}\n");
  before.has_value() ? setenv("TMPDIR", before->c_str(), 1) : unsetenv("TMPDIR");
  EXPECT_TRUE(compiled.ok()) << compiled.status();
}

}  // namespace
}  // namespace kiln
