// Graphs of single operators, lowered, scheduled and compiled, against the
// interpreter of their lowered loops: what each form of lowering becomes.
#include <string>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/testing/compile_program.h"
#include "compiler/codegen/testing/graph_cases.h"
#include "compiler/codegen/testing/scheduled_twin.h"
#include "compiler/codegen/testing/twin_tensors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

class LoweredTwinTest : public testing::TestWithParam<GraphCase> {};

TEST_P(LoweredTwinTest, CompiledCodeAgreesWithTheLoops) {
  absl::StatusOr<ScheduledTwin> twin = MakeLoweredTwin(absl::StrCat("graph g", GetParam().graph));
  ASSERT_TRUE(twin.ok()) << twin.status();
  for (const CompileProgramOptions& options :
       {CompileProgramOptions{}, CompileProgramOptions{.max_vector_bits = 256},
        CompileProgramOptions{.check_bounds = true}}) {
    auto compiled = CompileProgram(twin->text, options);
    ASSERT_TRUE(compiled.ok()) << compiled.status();
    TestHost host;
    auto got = host.Run((*compiled)->artifact, (*compiled)->signature, twin->inputs, twin->symbols);
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(FirstDifference(twin->want, *got, 1e-4), "");
  }
}

INSTANTIATE_TEST_SUITE_P(All, LoweredTwinTest, testing::ValuesIn(GraphCases()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace kiln
