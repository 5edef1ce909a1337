#include "compiler/codegen/vector_plan.h"

#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

Isa Avx2() { return {"x86_64", {"avx", "avx2", "fma"}, 256}; }
Isa Avx512() { return {"x86_64", {"avx512bw", "avx512f", "avx512vl"}, 512}; }
Isa Sse() { return {"x86_64", {"sse4.1"}, 128}; }
Isa Neon() { return {"aarch64", {}, 128}; }
Isa Sve() { return {"aarch64", {"sve256"}, 256}; }

// The phases of the loop over i0 in a kernel with inputs b0 and b1 and output b2
// of `dtype`: "4x16 16 mask" for rounds of four vectors, of one, and a masked one.
std::string Plan(const std::string& extent, const std::string& body, const Isa& isa, const std::string& dtype = "f32") {
  ExprPool pool;
  absl::StatusOr<LoopProgram> program = ParseLoopProgram(
      absl::StrCat("program symbols=[s0] inputs=2 {\nbuffer b0 input 0 ", dtype, "[9000]\nbuffer b1 input 1 i64[9000]\n",
                   "buffer b2 output 0 ", dtype, "[9000]\ninputs [b0, b1]\nkernel k nodes=[0] {\nvector i0 < ", extent,
                   " {\n", body, "\n}\n}\nreturn new b2: ", dtype, "[s0] strides=[1] offset=0\n}\n"),
      &pool);
  EXPECT_TRUE(program.ok()) << program.status();
  if (!program.ok()) return "";
  const KernelTable table = BuildKernelTable(*program);
  const UniqueKernel& kernel = table.kernels[0];
  const Loop& loop = *std::get<std::unique_ptr<Loop>>(kernel.kernel.body[0]);
  return absl::StrJoin(PlanVectorLoop(kernel, loop, isa, &pool).phases, " ",
                       [](std::string* out, const VectorPhase& phase) {
                         if (phase.copies > 1) absl::StrAppend(out, phase.copies, "x");
                         absl::StrAppend(out, phase.lanes, phase.is_masked ? "-masked" : "");
                       });
}

constexpr char kCopy[] = "%0 = load f32 b0[i0]\nstore b2[i0], %0";

TEST(VectorPlanTest, WhatIsLeftOfAnUnknownExtentIsOneMaskedVector) {
  EXPECT_EQ(Plan("s0", kCopy, Avx512()), "16 16-masked");
  EXPECT_EQ(Plan("s0", kCopy, Avx2()), "8 8-masked");
}

TEST(VectorPlanTest, WithoutMasksTheRestIsHalfVectorsAndElements) {
  EXPECT_EQ(Plan("s0", kCopy, Sse()), "4 1");
  EXPECT_EQ(Plan("s0", kCopy, Neon()), "4 1");
}

TEST(VectorPlanTest, PredicatesMaskElementsOfEverySize) {
  EXPECT_EQ(Plan("s0", kCopy, Sve()), "8 8-masked");
  EXPECT_EQ(Plan("s0", kCopy, Sve(), "bf16"), "8 8-masked");
}

TEST(VectorPlanTest, NothingIsLeftOfAMultiple) {
  EXPECT_EQ(Plan("16*s0", kCopy, Avx512()), "16");
  EXPECT_EQ(Plan("64", kCopy, Avx512()), "16");
}

TEST(VectorPlanTest, AKnownExtentHasOnlyThePhasesThatRun) {
  EXPECT_EQ(Plan("37", kCopy, Avx512()), "16 16-masked");
  EXPECT_EQ(Plan("7", kCopy, Avx512()), "16-masked");
  EXPECT_EQ(Plan("33", kCopy, Avx512()), "16 1");
}

TEST(VectorPlanTest, NarrowElementsAreMaskedWhereTheTargetCan) {
  EXPECT_EQ(Plan("s0", kCopy, Avx512(), "bf16"), "16 16-masked");
  EXPECT_EQ(Plan("s0", kCopy, Avx2(), "bf16"), "8 4 1");
}

TEST(VectorPlanTest, StoresThatAreNotConsecutiveAreNotMasked) {
  EXPECT_EQ(Plan("s0", "%0 = load f32 b0[i0]\nstore b2[2*i0], %0", Avx512()), "16 4 1");
  EXPECT_EQ(Plan("s0", "%0 = load f32 b0[i0]\nstore b2[3], %0", Avx512()), "16 4 1");
  EXPECT_EQ(Plan("s0", "%0 = load i64 b1[i0]\nindirect j0 < 9, %0\nstore b2[i0 + 100*j0], %0", Avx512(), "i64"), "8 4 1");
}

TEST(VectorPlanTest, LoadsOfAnyShapeMayBeMasked) {
  EXPECT_EQ(Plan("s0", "%0 = load f32 b0[5*i0]\nstore b2[i0], %0", Avx512()), "16 16-masked");
  EXPECT_EQ(Plan("s0", "%0 = load i64 b1[i0]\nindirect j0 < 9, %0\n%1 = load f32 b0[j0]\nstore b2[i0], %1", Avx512()),
            "16 16-masked");
}

}  // namespace
}  // namespace kiln
