// The text form prints and parses without loss, and the verifier refuses what
// loop_ir.h forbids.
#include <string>

#include "base/error.h"
#include "compiler/loops/loop_ir.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

constexpr absl::string_view kProgram = R"(program symbols=[s0, s1] inputs=3 {
  buffer b0 input 0 f32[384*s0]
  buffer b1 output 0 f32[384*s0]
  buffer b2 temporary bf16[s0] at [64*s0] in b1
  buffer b3 extern i64[s0]
  buffer b4 extern i64[2*u0]
  buffer b5 temporary f32[u0] at [0] of 1
  buffer b6 temporary f64[1]
  inputs [b0, _, b0]
  arena 64*s0 + 128
  kernel fused_sub_sum_3 nodes=[4, 7] grain=64 {
    when And(65536 <= s0*s1, s0 <= 15)
    why "rows \"fit\""
    apart from add_1 few_rows
    apart from fused_mul_2 other_rows
    parallel i0 < s0 {
      %0 = accumulate sum f32
      vector i1 < 384 {
        %1 = load f32 b0[i1 + 384*i0]
        update %0, %1
      }
      %2 = result f32 %0, 0
      %3 = constant f32 0.5
      %4 = mul f32 %2, %3
      %5 = load i64 b3[i0]
      indirect j0 < s0, %5
      store b2[j0], %4
      vector i2 < 384 {
        %6 = load f32 b0[i2 + 384*i0]
        %7 = sub f32 %6, %4
        %8 = lt bool %7, %6
        %9 = where f32 %8, %7, %6
        store b1[i2 + 384*i0], %9
      }
    }
  }
  kernel max_pool2d_9 nodes=[6] {
    %0 = accumulate window_max f32
    serial i0 < s0 {
      %1 = load f32 b0[i0]
      %2 = expr i64 i0
      update %0, %1, %2 order i0
    }
    %3 = result i64 %0, 1
    store b3[0], %3
  }
  kernel random_4 nodes=[5] {
    %0 = load i64 b3[0]
    %1 = load i64 b3[1]
    serial i0 < s0 {
      %2 = random f32 3, i0
      %3 = random f32 3, i0, %0, %1
      %4 = state i64 3, i0
      %5 = state i64 3, i0, %0, %1
    }
  }
  extern lib.mm.default node=5 epilogue=[6, 7] "gelu" (b0: f32[s0, 384] strides=[384, 1] offset=0) -> (_)
  extern aten.addmm.out into node=5 (b0: f32[s0, 384] strides=[384, 1] offset=0, 1, 2.5, none, true, [1, s0], f32, cpu) -> (b1: f32[s0, 384] strides=[384, 1] offset=0)
  extern aten.sort.default node=6 (b0: f32[s0] strides=[1] offset=0) -> (_, b3: i64[s0] strides=[1] offset=0)
  extern aten.nonzero.default node=8 (b0: f32[s0] strides=[1] offset=0) -> (b4: i64[u0, 2] strides=[1, u0] offset=0) binds [u0 0 0] arena 4*u0
  read zuf0 from b6 node=10
  read u1 from b3 node=11 arena 4*u1
  kernel late nodes=[9] {
    serial i0 < u0 {
      %0 = constant f32 1.0
      store b5[i0], %0
    }
  }
  release b3
  assert node=3 "must match" s0 == s1
  return new b1: f32[s0, 384] strides=[384, 1] offset=0
  return input 0
  return view of 2 b0: f32[2] strides=[1] offset=s0
  return output_view of 0 b1: f32[] strides=[] offset=7
  return scalar s0 + 1
  return none
}
)";

TEST(LoopProgramTextTest, PrintsWhatItParsed) {
  ExprPool pool;
  absl::StatusOr<LoopProgram> program = ParseLoopProgram(kProgram, &pool);
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_TRUE(VerifyLoopProgram(*program).ok()) << VerifyLoopProgram(*program);
  std::string text = PrintLoopProgram(*program);
  absl::StatusOr<LoopProgram> again = ParseLoopProgram(text, &pool);
  ASSERT_TRUE(again.ok()) << again.status() << text;
  EXPECT_EQ(PrintLoopProgram(*again), text);
  EXPECT_EQ(text.size(), kProgram.size()) << text;
}

TEST(LoopProgramTextTest, EveryCutOfATextIsAnErrorAndNotACrash) {
  for (size_t length = 0; length + 2 < kProgram.size(); ++length) {
    ExprPool pool;
    EXPECT_FALSE(ParseLoopProgram(kProgram.substr(0, length), &pool).ok()) << length;
  }
}

TEST(LoopProgramTextTest, ListsThatNestWithoutEndAreAnErrorAndNotACrash) {
  ExprPool pool;
  std::string text = absl::StrCat("program symbols=[] inputs=0 {\nextern aten.op node=0(", std::string(1 << 20, '['));
  absl::Status status = ParseLoopProgram(text, &pool).status();
  EXPECT_NE(status.message().find("lists nest too deeply"), absl::string_view::npos) << status;
}

// A program of one kernel over b0 (f32) and b1 (i64).
absl::Status VerifyBody(absl::string_view body) {
  ExprPool pool;
  std::string text = absl::StrCat(
      "program symbols=[s0] inputs=1 {\nbuffer b0 input 0 f32[s0]\nbuffer b1 temporary i64[s0]\ninputs [b0]\n"
      "kernel k nodes=[0] {\n",
      body, "\n}\n}\n");
  absl::StatusOr<LoopProgram> program = ParseLoopProgram(text, &pool);
  if (!program.ok()) return program.status();
  return VerifyLoopProgram(*program);
}

TEST(VerifyLoopProgramTest, RefusesWhatTheSemanticsForbid) {
  struct Case {
    absl::string_view body;
    absl::string_view message;
  };
  const Case kCases[] = {
      {"store b0[i0], %0", "not defined"},
      {"%0 = load f32 b0[i0]", "symbol i0 is not visible"},
      {"%0 = load f32 b7[0]", "no buffer b7"},
      {"%0 = load i64 b0[0]", "accesses b0 as i64, not f32"},
      {"%0 = load f32 b0[0]\nstore b1[0], %0", "accesses b1 as f32, not i64"},
      {"%0 = load f32 b0[0]\n%1 = add f32 %0", "has 1 operands, not 2"},
      {"%0 = load f32 b0[0]\n%1 = add i64 %0, %0", "operand 0 is f32, not i64"},
      {"%0 = load f32 b0[0]\n%1 = lt f32 %0, %0", "is not bool"},
      {"%0 = constant f16 1.0", "computes in f16"},
      {"serial i0 < s0 {\n%0 = load f32 b0[i0]\n}\nstore b0[0], %0", "operand 0 is not visible"},
      {"serial i0 < s0 {\nparallel i1 < s0 {\n}\n}", "not outermost"},
      {"parallel i0 < s0 {\n}\nparallel i0 < s0 {\n}", "two parallel loops"},
      {"vector i0 < s0 {\nserial i1 < s0 {\n}\n}", "inside a vector loop"},
      {"serial i0 < s0 {\nserial i0 < s0 {\n}\n}", "defined twice"},
      {"serial i0 < i1 {\n}", "symbol i1 is not visible"},
      {"%0 = accumulate sum f32\nparallel i0 < s0 {\n%1 = load f32 b0[i0]\nupdate %0, %1\n}", "share the accumulator"},
      {"%0 = accumulate sum f32\nupdate %0, %0", "of the wrong kind"},
      {"%0 = accumulate sum f32\n%1 = result f32 %0, 1", "no result 1"},
      {"%0 = accumulate sum f32\nvector i0 < s0 {\n%1 = load f32 b0[i0]\nupdate %0, %1\n%2 = result f32 %0, 0\n}",
       "its own vector loop"},
      {"%0 = load f32 b0[0]\nindirect j0 < s0, %0", "no integer"},
      {"when s0", "is no truth"},
      {"when i0 < 4", "symbol i0 is not visible"},
      {"%0 = random i64 0, 0", "is no float"},
      {"%0 = state f32 0, 0", "is not i64"},
      {"%0 = load i64 b1[0]\n%1 = random f32 0, 0, %0", "has 1 operands, not 2"},
      {"%0 = load f32 b0[0]\n%1 = random f32 0, 0, %0, %0", "its seed or slot is not i64"},
      {"vector i0 < s0 {\n%0 = load f32 b0[i0]\nstore_add b0[i0], %0\n}", "store_add inside a vector loop"},
  };
  for (const Case& c : kCases) {
    absl::Status status = VerifyBody(c.body);
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::string(c.message))) << c.body;
  }
}

TEST(VerifyLoopProgramTest, ASizeThatACallTellsIsNotMentionedBeforeIt) {
  constexpr absl::string_view kKernel = "kernel k nodes=[0] {\nserial i0 < u0 {\n}\n}\n";
  constexpr absl::string_view kCall = "extern aten.a.b node=0 () -> (b0: i64[u0] strides=[1] offset=0) ";
  struct Case {
    std::string steps;
    absl::string_view message;
  };
  const Case kCases[] = {
      {absl::StrCat(kCall, "binds [u0 0 0]\n", kKernel), ""},
      {absl::StrCat(kKernel, kCall, "binds [u0 0 0]\n"), "symbol u0 is not visible"},
      {absl::StrCat(kCall, "binds [u1 0 0]\n"), "dimension 0 is no symbol to bind"},
      {absl::StrCat(kCall, "binds [u0 0 1]\n"), "dimension 1 is no symbol to bind"},
      {absl::StrCat(kCall, "binds [u0 1 0]\n"), "result 1, which it does not make"},
      {absl::StrCat(kCall, "binds [u0 0 0, u0 0 0]\n"), "symbol u0 is bound twice"},
  };
  for (const Case& c : kCases) {
    ExprPool pool;
    absl::StatusOr<LoopProgram> program = ParseLoopProgram(
        absl::StrCat("program symbols=[] inputs=0 {\nbuffer b0 extern i64[u0]\ninputs []\n", c.steps, "}\n"), &pool);
    ASSERT_TRUE(program.ok()) << program.status();
    EXPECT_THAT(std::string(VerifyLoopProgram(*program).message()), HasSubstr(std::string(c.message))) << c.steps;
    EXPECT_EQ(VerifyLoopProgram(*program).ok(), c.message.empty()) << c.steps;
  }
}

TEST(VerifyLoopProgramTest, ABugCarriesItsReason) {
  EXPECT_EQ(GetErrorReason(VerifyBody("%0 = load f32 b0[i0]")), ErrorReason::kCompilerBug);
}

}  // namespace
}  // namespace kiln
