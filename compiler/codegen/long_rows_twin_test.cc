// Kernels of two versions: the code that runs is that of the sizes, and agrees with the
// interpreter of the loops that it was made of on both sides of the test.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "compiler/codegen/kernel_table.h"
#include "compiler/codegen/testing/compile_or_fail.h"
#include "compiler/codegen/testing/twin_tensors.h"
#include "compiler/schedule/schedule.h"
#include "compiler/schedule/testing/long_row_cases.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using schedule::LongRowCase;
using schedule::Symbols;

class LongRowsTwinTest : public testing::TestWithParam<LongRowCase> {};

// Of the call that `host` made, the kernels that the others' version does not have.
bool RanShared(const TestHost& host, const LoopProgram& program) {
  const KernelTable table = BuildKernelTable(program);
  return std::any_of(host.kernels().begin(), host.kernels().end(), [&](int kernel) {
    return absl::StrContains(table.kernels[static_cast<size_t>(kernel)].symbol, "_shared_");
  });
}

TEST_P(LongRowsTwinTest, TheVersionOfTheSizesRunsAndAgrees) {
  const LongRowCase& c = GetParam();
  auto lowered = schedule::LowerCase(c, c.others.back()), again = schedule::LowerCase(c, c.others.back());
  ASSERT_TRUE(lowered.ok() && again.ok()) << lowered.status();
  absl::StatusOr<LoopProgram> scheduled = Schedule(std::move((*again)->program), {.threads = 8});
  ASSERT_TRUE(scheduled.ok()) << scheduled.status();
  const std::string text = PrintLoopProgram(*scheduled);
  std::vector<std::pair<Symbols, bool>> calls;
  for (const Symbols& symbols : c.few_and_long) calls.emplace_back(symbols, true);
  for (const Symbols& symbols : c.others) calls.emplace_back(symbols, false);
  for (const CompileProgramOptions& options :
       {CompileProgramOptions{}, CompileProgramOptions{.max_vector_bits = 256},
        CompileProgramOptions{.check_bounds = true}}) {
    Compiled compiled = Compile(text, options);
    ASSERT_NE(compiled, nullptr) << text;
    for (const auto& [symbols, shares] : calls) {
      SCOPED_TRACE(absl::StrCat("s0 = ", symbols.at("s0"), ", bits ", options.max_vector_bits));
      const std::vector<PlainTensor> inputs = schedule::CaseInputs((*lowered)->program, symbols);
      auto want = InterpretLoopProgram((*lowered)->program, inputs, symbols);
      ASSERT_TRUE(want.ok()) << want.status();
      TestHost host;
      host.set_threads(2);
      auto got = host.Run(compiled->artifact, compiled->signature, inputs, symbols);
      ASSERT_TRUE(got.ok()) << got.status();
      EXPECT_EQ(RanShared(host, compiled->program), shares);
      EXPECT_EQ(FirstDifference(*want, *got, (*want)[0].dtype == DType::kBFloat16 ? 1e-2 : 1e-4), "") << text;
      EXPECT_EQ(host.live_allocations(), 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, LongRowsTwinTest, testing::ValuesIn(schedule::LongRowCases()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace kiln
