// Which instructions kernels become on aarch64, by disassembly: the vectors are
// NEON's or SVE's, what is left of a loop is under a predicate where there are
// predicates, and nothing is called.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/substitute.h"
#include "compiler/codegen/testing/aarch64_targets.h"
#include "compiler/codegen/testing/compile_or_fail.h"
#include "compiler/codegen/testing/disassemble.h"
#include "compiler/codegen/testing/elementary_cases.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

KernelCode CodeOf(const std::string& program, const AArch64TestTarget& target, absl::string_view kernel = "k") {
  Compiled compiled = Compile(program, {.target = target.target()});
  if (compiled == nullptr) return {};
  absl::StatusOr<KernelCode> code = DisassembleKernel(compiled->elf, absl::StrCat("kernel.", kernel));
  EXPECT_TRUE(code.ok()) << code.status();
  return code.ok() ? *code : KernelCode();
}

std::string TextOf(const std::vector<std::string>& instructions) { return absl::StrJoin(instructions, "\n"); }

std::vector<std::string> LoopsOf(const KernelCode& code) {
  std::vector<std::string> loops;
  for (const auto& loop : code.loops) loops.push_back(TextOf(loop));
  return loops;
}

constexpr absl::string_view kSum = R"(program symbols=[s0] inputs=1 {
  buffer b0 input 0 f32[s0]
  buffer b1 output 0 f32[1]
  inputs [b0]
  kernel k nodes=[0] {
    %0 = accumulate sum f32
    vector i0 < s0 {
      %1 = load f32 b0[i0]
      update %0, %1
    }
    %2 = result f32 %0, 0
    store b1[0], %2
  }
  return new b1: f32[1] strides=[1] offset=0
}
)";

TEST(AArch64CodeTest, NeonsLoopHasFourLanes) {
  const KernelCode code = CodeOf(ElementaryProgram("exp", "f32", 1), kNeonTarget);
  EXPECT_THAT(LoopsOf(code), Contains(AllOf(ContainsRegex("ldr q[0-9]+"), ContainsRegex("fmla v[0-9]+\\.4s"),
                                            ContainsRegex("str q[0-9]+"))));
  // What is left is element by element.
  EXPECT_THAT(LoopsOf(code), Contains(AllOf(ContainsRegex("ldr s[0-9]+"), ContainsRegex("fmadd s[0-9]+"),
                                            ContainsRegex("str s[0-9]+"))));
  EXPECT_THAT(TextOf(code.instructions), Not(ContainsRegex("z[0-9]+\\.")));
}

TEST(AArch64CodeTest, SvesLoopHasARegisterOfLanes) {
  for (const AArch64TestTarget& target : {kSve256Target, kSve512Target}) {
    const KernelCode code = CodeOf(ElementaryProgram("exp", "f32", 1), target);
    EXPECT_THAT(LoopsOf(code),
                Contains(AllOf(ContainsRegex("ld1w [{] z[0-9]+\\.s }, p[0-9]+/z"),
                               ContainsRegex("(fmla|fmad) z[0-9]+\\.s, p[0-9]+/m"),
                               ContainsRegex("fscale z[0-9]+\\.s, p[0-9]+/m"),
                               ContainsRegex("st1w [{] z[0-9]+\\.s }, p[0-9]+"))));
  }
}

TEST(AArch64CodeTest, WhatIsLeftIsOneVectorUnderAPredicate) {
  const KernelCode code = CodeOf(ElementaryProgram("exp", "f32", 1), kSve256Target);
  // One loop: the rest has no other.
  EXPECT_EQ(code.loops.size(), 1u);
  const auto compare = std::find_if(code.instructions.begin(), code.instructions.end(), [](const std::string& text) {
    return absl::StartsWith(text, "cmphi") || absl::StartsWith(text, "whilelo");
  });
  ASSERT_NE(compare, code.instructions.end());
  const std::string predicate = compare->substr(compare->find(' ') + 1, 2);
  EXPECT_THAT(std::vector<std::string>(compare, code.instructions.end()),
              Contains(ContainsRegex(absl::StrCat("st1w [{] z[0-9]+\\.s }, ", predicate))));
}

TEST(AArch64CodeTest, ABareSumHasFourChains) {
  const std::string neon = TextOf(CodeOf(std::string(kSum), kNeonTarget).loops.at(0));
  const std::string sve = TextOf(CodeOf(std::string(kSum), kSve256Target).loops.at(0));
  auto count = [](const std::string& text, const char* what) {
    int n = 0;
    for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++n;
    return n;
  };
  EXPECT_EQ(count(neon, "fadd v"), 4) << neon;
  EXPECT_EQ(count(sve, "fadd z"), 4) << sve;
}

TEST(AArch64CodeTest, NoElementaryFunctionIsACall) {
  for (const AArch64TestTarget& target : AArch64TestTargets()) {
    for (const ElementaryFunction& function : ElementaryFunctions()) {
      SCOPED_TRACE(absl::StrCat(target.name, " ", function.op));
      const KernelCode code = CodeOf(ElementaryProgram(function.op, "f32", 1), target);
      EXPECT_FALSE(code.loops.empty());
      EXPECT_THAT(code.instructions, Each(Not(ContainsRegex("^(bl|blr) "))));
    }
  }
}

std::string CastProgram(absl::string_view from, absl::string_view to) {
  return absl::Substitute(
      "program symbols=[s0] inputs=1 {\nbuffer b0 input 0 $0[s0]\nbuffer b1 output 0 $1[s0]\ninputs [b0]\n"
      "kernel k nodes=[0] {\nvector i0 < s0 {\n%0 = load f32 b0[i0]\nstore b1[i0], %0\n}\n}\n"
      "return new b1: $1[s0] strides=[1] offset=0\n}\n",
      from, to);
}

TEST(AArch64CodeTest, BFloat16IsConvertedByHardwareWhereThereIsSome) {
  const std::string program = CastProgram("f32", "bf16");
  EXPECT_THAT(LoopsOf(CodeOf(program, kNeonBf16Target)), Contains(ContainsRegex("bfcvtn v[0-9]+\\.4h, v[0-9]+\\.4s")));
  EXPECT_THAT(LoopsOf(CodeOf(program, kSve512Target)), Contains(ContainsRegex("bfcvt z[0-9]+\\.h, p[0-9]+/m, z[0-9]+\\.s")));
  EXPECT_THAT(TextOf(CodeOf(program, kNeonTarget).instructions), Not(HasSubstr("bfcvt")));
  EXPECT_THAT(TextOf(CodeOf(program, kSve256Target).instructions), Not(HasSubstr("bfcvt")));
}

TEST(AArch64CodeTest, HalvesAreConvertedByHardwareAlways) {
  EXPECT_THAT(LoopsOf(CodeOf(CastProgram("f32", "f16"), kNeonTarget)), Contains(HasSubstr("fcvtn v")));
  EXPECT_THAT(LoopsOf(CodeOf(CastProgram("f16", "f32"), kNeonTarget)), Contains(HasSubstr("fcvtl v")));
  EXPECT_THAT(LoopsOf(CodeOf(CastProgram("f32", "f16"), kSve256Target)), Contains(ContainsRegex("fcvt z[0-9]+\\.h")));
}

TEST(AArch64CodeTest, TheCodeNeedsWhatItWasMadeFor) {
  Compiled sve = Compile(CastProgram("f32", "bf16"), {.target = kSve512Target.target()});
  Compiled floats = Compile(kSum, {.target = kNeonBf16Target.target()});
  ASSERT_TRUE(sve != nullptr && floats != nullptr);
  EXPECT_THAT(sve->code.isa_features, ::testing::ElementsAre("bf16", "sve512"));
  EXPECT_THAT(floats->code.isa_features, IsEmpty());
}

}  // namespace
}  // namespace kiln
