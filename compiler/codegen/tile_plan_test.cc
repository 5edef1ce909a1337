#include "compiler/codegen/tile_plan.h"

#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

// The loads that tiles of a serial loop with this body have, as "16: 0 1" for those
// of instructions 0 and 1 in tiles of 16; "" if it has no tiles.
std::string Tiles(const std::string& rows, const std::string& body) {
  ExprPool pool;
  absl::StatusOr<LoopProgram> program = ParseLoopProgram(
      absl::StrCat("program symbols=[s0, s1] inputs=2 {\nbuffer b0 input 0 f32[9000]\nbuffer b1 input 1 i64[9000]\n",
                   "buffer b2 output 0 f32[9000]\ninputs [b0, b1]\nkernel k nodes=[0] {\nserial i0 < ", rows, " {\n",
                   body, "\n}\n}\nreturn new b2: f32[s0] strides=[1] offset=0\n}\n"),
      &pool);
  EXPECT_TRUE(program.ok()) << program.status();
  if (!program.ok()) return "";
  const KernelTable table = BuildKernelTable(*program);
  const UniqueKernel& kernel = table.kernels[0];
  const Loop& loop = *std::get<std::unique_ptr<Loop>>(kernel.kernel.body[0]);
  const Isa isa = {"x86_64", {"avx512bw", "avx512f", "avx512vl"}, 512};
  std::optional<TilePlan> plan = PlanTiles(kernel, loop, isa, &pool);
  if (!plan.has_value()) return "";
  std::string text = absl::StrCat(plan->lanes, ":");
  for (const TiledLoad& load : plan->loads) absl::StrAppend(&text, " ", load.inst);
  return text;
}

TEST(TilePlanTest, LoadsThatRunAlongTheOuterLoopComeInTiles) {
  EXPECT_EQ(Tiles("s0", "vector i1 < s1 {\n%0 = load f32 b0[s0*i1 + i0]\n%1 = load f32 b0[s1*i0 + i1]\n"
                        "%2 = add f32 %0, %1\nstore b2[s1*i0 + i1], %2\n}"),
            "16: 0");
  EXPECT_EQ(Tiles("64", "%0 = load f32 b0[i0]\nvector i1 < s1 {\n%1 = load f32 b0[64*i1 + i0]\n%2 = add f32 %0, %1\n"
                        "store b2[s1*i0 + i1], %2\n}"),
            "16: 1");
}

TEST(TilePlanTest, RunsAlongTheVectorLoopNeedNone) {
  EXPECT_EQ(Tiles("s0", "vector i1 < s1 {\n%0 = load f32 b0[s1*i0 + i1]\nstore b2[s1*i0 + i1], %0\n}"), "");
  EXPECT_EQ(Tiles("s0", "vector i1 < s1 {\n%0 = load f32 b0[2*i0 + s0*i1]\nstore b2[s1*i0 + i1], %0\n}"), "");
}

TEST(TilePlanTest, TooFewRowsMakeNoTile) {
  EXPECT_EQ(Tiles("9", "vector i1 < s1 {\n%0 = load f32 b0[9*i1 + i0]\nstore b2[s1*i0 + i1], %0\n}"), "");
}

TEST(TilePlanTest, WhatRowsWriteIsNotReadAhead) {
  EXPECT_EQ(Tiles("s0", "vector i1 < s1 {\n%0 = load f32 b2[s0*i1 + i0]\nstore b2[s1*i0 + i1], %0\n}"), "");
}

TEST(TilePlanTest, CostlyWorkOfARowIsNotDoneForEachTile) {
  EXPECT_EQ(Tiles("s0", "%0 = load f32 b0[i0]\n%1 = exp f32 %0\nvector i1 < s1 {\n%2 = load f32 b0[s0*i1 + i0]\n"
                        "%3 = add f32 %1, %2\nstore b2[s1*i0 + i1], %3\n}"),
            "");
}

TEST(TilePlanTest, ReductionsKeepTheirLoops) {
  EXPECT_EQ(Tiles("s0", "%0 = accumulate sum f32\nvector i1 < s1 {\n%1 = load f32 b0[s0*i1 + i0]\nupdate %0, %1\n}\n"
                        "%2 = result f32 %0, 0\nstore b2[i0], %2"),
            "");
}

}  // namespace
}  // namespace kiln
