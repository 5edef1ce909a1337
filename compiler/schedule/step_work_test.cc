#include "compiler/schedule/step_work.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

class StepWorkTest : public ::testing::Test {
 protected:
  // "BYTES, OPERATIONS" of the only kernel: `body` over buffers of f32 that have
  // `a` and `b` for elements.
  std::string Work(const std::string& a, const std::string& b, const std::string& body) {
    absl::StatusOr<LoopProgram> program = ParseLoopProgram(
        absl::StrCat("program symbols=[s0, s1] inputs=1 {\n  buffer b0 input 0 f32[", a, "]\n  buffer b1 output 0 f32[", b,
                     "]\n  inputs [b0]\n  arena 0\n  kernel k nodes=[0] grain=1 {\n", body,
                     "  }\n  return new b1: f32[", b, "] strides=[1] offset=0\n}\n"),
        &pool_);
    EXPECT_TRUE(program.ok()) << program.status();
    if (!program.ok()) return "";
    const KernelWork work = WorkOf(std::get<Kernel>(program->steps[0]), *program);
    return absl::StrCat(work.bytes.ToString(), ", ", work.operations.ToString());
  }

  ExprPool pool_;
};

TEST_F(StepWorkTest, EveryElementIsReadAndWrittenOnce) {
  EXPECT_EQ(Work("s0", "s0", R"(
    parallel i0 < s0 {
      %0 = load f32 b0[i0]
      %1 = add f32 %0, %0
      store b1[i0], %1
    }
)"),
            "8*s0, s0");
}

TEST_F(StepWorkTest, ABroadcastOperandCountsWhatItHas) {
  EXPECT_EQ(Work("s1", "s0*s1", R"(
    parallel i0 < s0 {
      vector i1 < s1 {
        %0 = load f32 b0[i1]
        %1 = neg f32 %0
        store b1[s1*i0 + i1], %1
      }
    }
)"),
            "4*s0*s1 + 4*s1, s0*s1");
}

TEST_F(StepWorkTest, WhatTheKernelStoredIsNotReadAgain) {
  EXPECT_EQ(Work("8", "8", R"(
    parallel i0 < 8 {
      %0 = load f32 b0[i0]
      store b1[i0], %0
      %1 = load f32 b1[i0]
      %2 = add f32 %1, %1
      store b1[i0], %2
    }
)"),
            "64, 8");
}

// A row is read for its maximum and again for the difference: once from memory.
TEST_F(StepWorkTest, TwoPassesOverARowReadItOnce) {
  EXPECT_EQ(Work("s0*s1", "s0*s1", R"(
    parallel i0 < s0 {
      %0 = accumulate max f32
      vector i1 < s1 {
        %1 = load f32 b0[s1*i0 + i1]
        update %0, %1
      }
      %2 = result f32 %0, 0
      vector i2 < s1 {
        %3 = load f32 b0[s1*i0 + i2]
        %4 = sub f32 %3, %2
        store b1[s1*i0 + i2], %4
      }
    }
)"),
            "8*s0*s1, 2*s0*s1");
}

TEST_F(StepWorkTest, AGatherReadsNoMoreThanTheTableHas) {
  EXPECT_EQ(Work("10", "1000", R"(
    parallel i0 < 1000 {
      %0 = expr i64 i0 % 7
      indirect j0 < 10, %0
      %1 = load f32 b0[j0]
      store b1[i0], %1
    }
)"),
            "4040, 0");
}

TEST_F(StepWorkTest, TheLastChunkIsCountedAsAWholeOne) {
  EXPECT_EQ(Work("5000", "5000", R"(
    parallel i0 < 2 {
      vector i1 < Min(4096, 5000 - 4096*i0) {
        %0 = load f32 b0[4096*i0 + i1]
        %1 = neg f32 %0
        store b1[4096*i0 + i1], %1
      }
    }
)"),
            "40000, 8192");
}

}  // namespace
}  // namespace kiln
