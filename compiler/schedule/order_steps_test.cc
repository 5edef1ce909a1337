#include "compiler/schedule/order_steps.h"

#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace kiln::schedule {
namespace {

// A kernel that adds up `reads` into `write`.
std::string KernelStep(const std::string& name, const std::vector<std::string>& reads, const std::string& write) {
  std::string text = absl::StrCat("  kernel ", name, " nodes=[0] {\n    serial i0 < 8 {\n      %0 = constant f32 1.0\n");
  int last = 0;
  for (const std::string& read : reads) {
    absl::StrAppend(&text, "      %", last + 1, " = load f32 ", read, "[i0]\n      %", last + 2, " = add f32 %", last, ", %",
                    last + 1, "\n");
    last += 2;
  }
  return absl::StrCat(text, "      store ", write, "[i0], %", last, "\n    }\n  }\n");
}

std::string ExternStep(const std::string& op, bool into, const std::string& read, const std::string& write) {
  const std::string tensor = ": f32[8] strides=[1] offset=0";
  return absl::StrCat("  extern ", op, into ? " into" : "", " node=0 (", read, tensor, ") -> (", write, tensor, ")\n");
}

class OrderStepsTest : public ::testing::Test {
 protected:
  // The names of the steps in their new order. Buffers: b0, b1 inputs, b2 to b5
  // temporaries of 8, b6 a temporary of 9, b7 and b8 outputs, b9 an extern result.
  std::string Order(const std::vector<std::string>& steps) {
    std::string text = "program symbols=[] inputs=2 {\n";
    for (int i = 0; i < 2; ++i) absl::StrAppend(&text, "  buffer b", i, " input ", i, " f32[8]\n");
    for (int i = 2; i < 6; ++i) absl::StrAppend(&text, "  buffer b", i, " temporary f32[8]\n");
    absl::StrAppend(&text, "  buffer b6 temporary f32[9]\n  buffer b7 output 0 f32[8]\n  buffer b8 output 1 f32[8]\n",
                    "  buffer b9 extern f32[8]\n  inputs [b0, b1]\n", absl::StrJoin(steps, ""));
    for (int i = 7; i < 9; ++i) absl::StrAppend(&text, "  return new b", i, ": f32[8] strides=[1] offset=0\n");
    absl::StatusOr<LoopProgram> program = ParseLoopProgram(absl::StrCat(text, "}\n"), &pool_);
    EXPECT_TRUE(program.ok()) << program.status();
    if (!program.ok()) return "";
    IndexAnalysis index(&pool_, nullptr, {});
    OrderSteps(*program, index);
    std::vector<std::string> names;
    for (const Step& step : program->steps) {
      if (const auto* kernel = std::get_if<Kernel>(&step)) names.push_back(kernel->name);
      if (const auto* call = std::get_if<ExternCall>(&step)) names.push_back(call->op);
      if (std::holds_alternative<RuntimeAssert>(step)) names.push_back("assert");
    }
    return absl::StrJoin(names, " ");
  }

  ExprPool pool_;
};

TEST_F(OrderStepsTest, TheLastReaderOfATemporaryRunsAtOnce) {
  EXPECT_EQ(Order({KernelStep("a", {"b0"}, "b2"), KernelStep("b", {"b2"}, "b3"), KernelStep("c", {"b3"}, "b7"),
                   KernelStep("late", {"b2", "b1"}, "b8")}),
            "a b late c");
}

TEST_F(OrderStepsTest, SeveralLastReadersRunTogether) {
  EXPECT_EQ(Order({KernelStep("a", {"b0"}, "b2"), KernelStep("b", {"b2"}, "b3"), KernelStep("c", {"b3"}, "b4"),
                   KernelStep("d", {"b4"}, "b5"), ExternStep("aten.mm.out", true, "b2", "b7"),
                   KernelStep("late", {"b2", "b5"}, "b8")}),
            "a b c d late aten.mm.out")
      << "one of them has to wait for d, and then is b5's last reader";
  EXPECT_EQ(Order({KernelStep("a", {"b0"}, "b2"), KernelStep("b", {"b2"}, "b3"), KernelStep("c", {"b3"}, "b4"),
                   ExternStep("aten.mm.out", true, "b2", "b7"), KernelStep("late", {"b2"}, "b8")}),
            "a b aten.mm.out late c");
}

TEST_F(OrderStepsTest, WhatMakesMoreThanItFreesWaits) {
  // b6 is larger than b2, and read at the end.
  EXPECT_EQ(Order({KernelStep("a", {"b0"}, "b2"), KernelStep("b", {"b2"}, "b3"), KernelStep("c", {"b3"}, "b7"),
                   KernelStep("late", {"b2"}, "b6"), KernelStep("end", {"b6", "b7"}, "b8")}),
            "a b c late end");
  EXPECT_EQ(Order({KernelStep("a", {"b0"}, "b2"), KernelStep("b", {"b2"}, "b3"), KernelStep("c", {"b3"}, "b7"),
                   KernelStep("late", {"b2"}, "b4"), KernelStep("end", {"b4", "b7"}, "b8")}),
            "a b late c end")
      << "b4 is not larger";
}

TEST_F(OrderStepsTest, NobodyRunsBeforeWhoeverStillReadsWhatItOverwrites) {
  EXPECT_EQ(Order({KernelStep("a", {"b0"}, "b2"), KernelStep("b", {"b1"}, "b3"), KernelStep("c", {"b3"}, "b7"),
                   KernelStep("overwrites", {"b2"}, "b3"), KernelStep("end", {"b3"}, "b8")}),
            "a b c overwrites end");
}

TEST_F(OrderStepsTest, NothingCrossesAnAssert) {
  EXPECT_EQ(Order({KernelStep("a", {"b0"}, "b2"), KernelStep("b", {"b2"}, "b3"), KernelStep("c", {"b3"}, "b7"),
                   "  assert node=0 \"why\" 0 == 0\n", KernelStep("late", {"b2"}, "b8")}),
            "a b c assert late");
}

TEST_F(OrderStepsTest, NothingRunsBeforeACallThatTellsASize) {
  const std::string call =
      "  extern aten.nonzero.default node=0 (b1: f32[8] strides=[1] offset=0) -> "
      "(b9: f32[u0] strides=[1] offset=0) binds [u0 0 0]\n";
  EXPECT_EQ(Order({KernelStep("a", {"b0"}, "b2"), KernelStep("b", {"b2"}, "b3"), KernelStep("c", {"b3"}, "b7"), call,
                   KernelStep("late", {"b2"}, "b8")}),
            "a b c aten.nonzero.default late");
}

TEST_F(OrderStepsTest, CallsWhoseEffectsAreNotKnownKeepTheirOrder) {
  EXPECT_EQ(Order({KernelStep("a", {"b0"}, "b2"), KernelStep("b", {"b2"}, "b3"),
                   ExternStep("aten.bernoulli.default", false, "b3", "b9"), KernelStep("c", {"b9"}, "b7"),
                   ExternStep("aten.rand_like.default", false, "b2", "b5"), KernelStep("end", {"b5"}, "b8")}),
            "a b aten.bernoulli.default c aten.rand_like.default end");
}

}  // namespace
}  // namespace kiln::schedule
