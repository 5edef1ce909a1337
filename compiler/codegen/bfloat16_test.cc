// float to bfloat16 on this machine: with the processor's conversion, if it has one,
// and without.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "compiler/codegen/testing/compile_or_fail.h"
#include "compiler/codegen/testing/disassemble.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

constexpr absl::string_view kCast = R"(program symbols=[s0] inputs=1 {
  buffer b0 input 0 f32[s0]
  buffer b1 output 0 bf16[s0]
  inputs [b0]
  kernel k nodes=[0] {
    vector i0 < s0 {
      %0 = load f32 b0[i0]
      store b1[i0], %0
    }
  }
  return new b1: bf16[s0] strides=[1] offset=0
}
)";

float FloatOf(uint32_t bits) {
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}

// c10::detail::round_to_nearest_even of what is no NaN.
double Rounded(uint32_t bits) { return FloatOf((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000); }

// Every bfloat16, with the floats beside it and around half of the way to the next:
// with all denormals, all infinities, all NaNs that differ above.
std::vector<uint32_t> Patterns() {
  std::vector<uint32_t> patterns;
  for (uint32_t high = 0; high < 0x10000; ++high) {
    for (uint32_t low : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) patterns.push_back(high << 16 | low);
  }
  return patterns;
}

void ExpectRoundedAsPyTorchDoes(const CompileProgramOptions& options) {
  Compiled compiled = Compile(kCast, options);
  ASSERT_NE(compiled, nullptr);
  const std::vector<uint32_t> patterns = Patterns();
  std::vector<double> x;
  for (uint32_t bits : patterns) x.push_back(FloatOf(bits));
  const int64_t n = static_cast<int64_t>(x.size());
  TestHost host;
  auto out = host.Run(compiled->artifact, compiled->signature, {PlainTensor::Of(DType::kFloat32, {n}, x)}, {{"s0", n}});
  ASSERT_TRUE(out.ok()) << out.status();
  const std::vector<double> got = (*out)[0].Values();
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) {
      ASSERT_TRUE(std::isnan(got[i])) << std::hex << patterns[i];
      continue;
    }
    ASSERT_EQ(got[i], Rounded(patterns[i])) << std::hex << patterns[i];
    ASSERT_EQ(std::signbit(got[i]), std::signbit(x[i])) << std::hex << patterns[i];
  }
}

TEST(BFloat16Test, IsRoundedAsPyTorchDoes) {
  for (int bits : {128, 256, 512}) ExpectRoundedAsPyTorchDoes({.max_vector_bits = bits});
  ExpectRoundedAsPyTorchDoes({.without_feature = "avx512bf16"});
}

TEST(BFloat16Test, TheProcessorsConversionIsUsedWhereItHasOne) {
  v1::Target target;
  target.set_arch("x86_64");
  for (const char* feature : {"avx", "avx2", "avx512bf16", "avx512bw", "avx512dq", "avx512f", "avx512vl", "f16c", "fma"}) {
    target.add_features(feature);
  }
  target.set_vector_bits(512);
  ExprPool pool;
  absl::StatusOr<LoopProgram> program = ParseLoopProgram(kCast, &pool);
  ASSERT_TRUE(program.ok()) << program.status();
  for (bool has_it : {true, false}) {
    if (!has_it) target.mutable_features()->DeleteSubrange(2, 1);
    absl::StatusOr<ObjectCode> object = GenerateCode(*program, {target});
    ASSERT_TRUE(object.ok()) << object.status();
    absl::StatusOr<std::string> elf = LinkArtifact(*object, v1::Manifest());
    ASSERT_TRUE(elf.ok()) << elf.status();
    absl::StatusOr<KernelCode> code = DisassembleKernel(*elf, "kernel.k");
    ASSERT_TRUE(code.ok()) << code.status();
    const auto uses = [](const std::string& text) { return absl::StartsWith(text, "vcvtneps2bf16 "); };
    EXPECT_EQ(std::any_of(code->instructions.begin(), code->instructions.end(), uses), has_it);
  }
}

}  // namespace
}  // namespace kiln
