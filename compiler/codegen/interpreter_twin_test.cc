// Compiled code against the interpreter of loop programs, its naive twin: hand
// made kernels for every instruction, and random programs through the scheduler.
#include <map>
#include <string>
#include <vector>

#include "compiler/codegen/testing/compile_program.h"
#include "compiler/codegen/testing/kernel_cases.h"
#include "compiler/codegen/testing/scheduled_twin.h"
#include "compiler/codegen/testing/twin_tensors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using Symbols = std::map<std::string, int64_t>;

class KernelTwinTest : public testing::TestWithParam<KernelCase> {};

TEST_P(KernelTwinTest, AgreesWithTheInterpreter) {
  const KernelCase& c = GetParam();
  for (const CompileProgramOptions& options :
       {CompileProgramOptions{}, CompileProgramOptions{.max_vector_bits = 256},
        CompileProgramOptions{.max_vector_bits = 128}, CompileProgramOptions{.check_bounds = true}}) {
    auto compiled = CompileProgram(ProgramOf(c), options);
    ASSERT_TRUE(compiled.ok()) << compiled.status();
    for (const Symbols& symbols : KernelSymbols()) {
      const std::vector<PlainTensor> inputs = KernelInputs(c, symbols);
      auto want = InterpretLoopProgram((*compiled)->program, inputs, symbols);
      ASSERT_TRUE(want.ok()) << want.status();
      TestHost host;
      auto got = host.Run((*compiled)->artifact, (*compiled)->signature, inputs, symbols);
      ASSERT_TRUE(got.ok()) << got.status();
      EXPECT_EQ(FirstDifference(*want, *got, c.tolerance), "")
          << "s1 = " << symbols.at("s1") << ", bits " << options.max_vector_bits;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, KernelTwinTest, testing::ValuesIn(KernelCases()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(RandomTwinTest, ScheduledProgramsAgreeWithTheInterpreter) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    absl::StatusOr<ScheduledTwin> twin = MakeRandomTwin(seed);
    ASSERT_TRUE(twin.ok()) << twin.status();
    auto compiled = CompileProgram(twin->text, {.max_vector_bits = seed % 2 == 0 ? 256 : 512});
    ASSERT_TRUE(compiled.ok()) << compiled.status();
    TestHost host;
    host.set_threads(seed % 3 == 0 ? 2 : 1);
    auto got = host.Run((*compiled)->artifact, (*compiled)->signature, twin->inputs, twin->symbols);
    ASSERT_TRUE(got.ok()) << got.status();
    ASSERT_EQ(FirstDifference(twin->want, *got, 1e-3), "") << twin->text;
    EXPECT_EQ(host.live_allocations(), 0);
  }
}

}  // namespace
}  // namespace kiln
