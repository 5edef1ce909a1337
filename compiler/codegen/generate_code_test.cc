// Programs in text form, compiled, linked, loaded and run.
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "compiler/artifact/read_manifest.h"
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/testing/test_host.h"
#include "compiler/codegen/testing/test_target.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Symbols = std::map<std::string, int64_t>;

PlainTensor F32(std::vector<int64_t> sizes, std::vector<double> values) {
  return PlainTensor::Of(DType::kFloat32, std::move(sizes), values);
}

std::vector<double> Ramp(int n, double start = 0, double step = 1) {
  std::vector<double> values;
  for (int i = 0; i < n; ++i) values.push_back(start + step * i);
  return values;
}

// A program and its artifact.
struct Compiled {
  ExprPool pool;
  LoopProgram program;
  TestArtifact artifact;
  std::string elf;
};

std::unique_ptr<Compiled> Compile(absl::string_view text, bool check_bounds = false) {
  static const bool initialized = [] { InitializeCodegen(); return true; }();
  (void)initialized;
  auto compiled = std::make_unique<Compiled>();
  absl::StatusOr<LoopProgram> program = ParseLoopProgram(text, &compiled->pool);
  EXPECT_TRUE(program.ok()) << program.status();
  if (!program.ok()) return nullptr;
  EXPECT_TRUE(VerifyLoopProgram(*program).ok()) << VerifyLoopProgram(*program);
  compiled->program = *std::move(program);
  absl::StatusOr<ObjectCode> code = GenerateCode(compiled->program, {TestTarget(), check_bounds});
  EXPECT_TRUE(code.ok()) << code.status();
  if (!code.ok()) return nullptr;
  v1::Manifest manifest;
  manifest.set_format_version(1);
  manifest.set_compiler_build("test");
  absl::StatusOr<std::string> elf = LinkArtifact(*code, manifest);
  EXPECT_TRUE(elf.ok()) << elf.status();
  if (!elf.ok()) return nullptr;
  compiled->elf = *elf;
  absl::StatusOr<TestArtifact> artifact = TestArtifact::Load(*elf);
  EXPECT_TRUE(artifact.ok()) << artifact.status();
  if (!artifact.ok()) return nullptr;
  compiled->artifact = *artifact;
  return compiled;
}

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
  auto compiled = Compile(kAdd);
  ASSERT_NE(compiled, nullptr);
  for (int rows : {0, 1, 3, 4, 5, 17}) {
    for (int threads : {1, 3}) {
      TestHost host;
      host.set_threads(threads);
      auto out = host.Run(compiled->artifact, TestSignature::Of(compiled->program),
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
  auto first = Compile(kAdd);
  auto second = Compile(kAdd);
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(first->elf, second->elf);
}

TEST(GenerateCodeTest, TheArtifactHoldsTheManifest) {
  auto compiled = Compile(kAdd);
  ASSERT_NE(compiled, nullptr);
  absl::StatusOr<v1::Manifest> manifest = ReadManifest(compiled->elf);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->compiler_build(), "test");
}

}  // namespace
}  // namespace kiln
