#include "compiler/schedule/share_long_rows.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "compiler/schedule/schedule.h"
#include "compiler/schedule/testing/long_row_cases.h"
#include "gtest/gtest.h"

namespace kiln::schedule {
namespace {

// Two rows for each of so many are 16.
constexpr int kThreads = 8;

LoopProgram ScheduleOrDie(LoopProgram program, int threads = kThreads) {
  ScheduleOptions options;
  options.threads = threads;
  absl::StatusOr<LoopProgram> scheduled = Schedule(std::move(program), options);
  EXPECT_TRUE(scheduled.ok()) << scheduled.status();
  if (!scheduled.ok()) return LoopProgram{};
  EXPECT_TRUE(VerifyLoopProgram(*scheduled).ok()) << VerifyLoopProgram(*scheduled);
  return *std::move(scheduled);
}

// The text of the scheduled graph, on a target of so many threads.
std::string ScheduledText(const std::string& graph, const Symbols& hints, int threads = kThreads) {
  auto lowered = LowerText("graph g" + graph, hints);
  EXPECT_TRUE(lowered.ok()) << lowered.status();
  if (!lowered.ok()) return "";
  return PrintLoopProgram(ScheduleOrDie(std::move((*lowered)->program), threads));
}

bool HasVersions(const std::string& text) { return absl::StrContains(text, "    when "); }

void ExpectClose(const std::vector<PlainTensor>& want, const std::vector<PlainTensor>& got) {
  ASSERT_EQ(want.size(), got.size());
  for (size_t i = 0; i < want.size(); ++i) {
    const std::vector<double> x = want[i].Values(), y = got[i].Values();
    ASSERT_EQ(x.size(), y.size());
    for (size_t n = 0; n < x.size(); ++n) {
      // Results in bfloat16 may be rounded to either side.
      const double tolerance = want[i].dtype == DType::kBFloat16 ? 1e-2 : 1e-4;
      ASSERT_NEAR(x[n], y[n], tolerance * (1 + std::abs(x[n]))) << "output " << i << "[" << n << "]";
    }
  }
}

class ShareLongRowsTest : public ::testing::TestWithParam<LongRowCase> {};

TEST_P(ShareLongRowsTest, BothVersionsMeanWhatTheLoopsMean) {
  const LongRowCase& c = GetParam();
  auto lowered = LowerCase(c, c.others.back()), again = LowerCase(c, c.others.back());
  ASSERT_TRUE(lowered.ok() && again.ok()) << lowered.status();
  const LoopProgram scheduled = ScheduleOrDie(std::move((*again)->program));
  std::vector<std::pair<Symbols, bool>> calls;
  for (const Symbols& symbols : c.few_and_long) calls.emplace_back(symbols, true);
  for (const Symbols& symbols : c.others) calls.emplace_back(symbols, false);
  for (const auto& [symbols, shares] : calls) {
    const std::vector<std::string> ran = KernelsThatRun(scheduled, symbols);
    const int num_shared = static_cast<int>(std::count_if(
        ran.begin(), ran.end(), [](const std::string& name) { return absl::StrContains(name, "_shared_"); }));
    SCOPED_TRACE(absl::StrCat(ran.size(), " kernels, ", num_shared, " of them shared; s0 = ", symbols.at("s0")));
    EXPECT_EQ(num_shared > 0, shares);
    auto want = InterpretLoopProgram((*lowered)->program, CaseInputs((*lowered)->program, symbols), symbols);
    auto got = InterpretLoopProgram(scheduled, CaseInputs(scheduled, symbols), symbols);
    ASSERT_TRUE(want.ok()) << want.status();
    ASSERT_TRUE(got.ok()) << got.status() << PrintLoopProgram(scheduled);
    ExpectClose(*want, *got);
    if (HasFatalFailure()) FAIL() << PrintLoopProgram(scheduled);
  }
}

TEST_P(ShareLongRowsTest, TheHintDecidesNothing) {
  const LongRowCase& c = GetParam();
  const std::string graph = c.graph;
  const std::string text = ScheduledText(graph, c.few_and_long[0]);
  EXPECT_TRUE(HasVersions(text)) << text;
  EXPECT_EQ(text, ScheduledText(graph, c.others.back()));
}

INSTANTIATE_TEST_SUITE_P(All, ShareLongRowsTest, ::testing::ValuesIn(LongRowCases()),
                         [](const auto& info) { return std::string(info.param.name); });

std::string Softmax(const std::string& sizes, int dim) {
  return absl::StrCat("(%x: f32", sizes, ") { %y = aten._softmax.default(%x, ", dim, ", false) return (%y) }");
}

TEST(OneVersionTest, WhereRowsAreShort) {
  EXPECT_TRUE(HasVersions(ScheduledText(Softmax("[s0, 5000]", 1), {{"s0", 4}})));
  EXPECT_FALSE(HasVersions(ScheduledText(Softmax("[s0, 4000]", 1), {{"s0", 4}})));
}

TEST(OneVersionTest, WhereRowsAreManyWhateverTheSizes) {
  EXPECT_FALSE(HasVersions(ScheduledText(Softmax("[16, s0]", 1), {{"s0", 4}})));
  EXPECT_TRUE(HasVersions(ScheduledText(Softmax("[16, s0]", 1), {{"s0", 4}}, /*threads=*/32)));
}

TEST(OneVersionTest, WhereFewRowsAreShortOnes) {
  const Symbols hints = {{"s0", 2}, {"s1", 8}};
  EXPECT_FALSE(HasVersions(ScheduledText(Softmax("[s0, 12, s1, s1]", 3), hints)));
  EXPECT_TRUE(HasVersions(ScheduledText(Softmax("[s0, 1, s1]", 2), hints)));
}

TEST(OneVersionTest, WhereSizesAreKnown) {
  EXPECT_FALSE(HasVersions(ScheduledText(Softmax("[3, 50000]", 1), {})));
}

TEST(OneVersionTest, OnOneThread) {
  EXPECT_FALSE(HasVersions(ScheduledText(Softmax("[s0, 5000]", 1), {{"s0", 4}}, /*threads=*/1)));
}

TEST(OneVersionTest, WhereStateIsMoreThanValuesToCombine) {
  EXPECT_FALSE(HasVersions(
      ScheduledText("(%x: f32[s0, 50000]) { %y = aten.argmax.default(%x, 1) return (%y) }", {{"s0", 4}})));
}

}  // namespace
}  // namespace kiln::schedule
