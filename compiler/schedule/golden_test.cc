// Golden programs: each file of testdata/ holds a program as lowering makes it,
// a line of dashes, and what Schedule makes of it. The two are also run, and
// must give the same results. With KILN_UPDATE_GOLDENS=1 the files are rewritten.
//
// A first line `# specialize_divisible` turns that option on, `# threads` is for a
// target of eight threads.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "compiler/loops/loop_ir.h"
#include "compiler/loops/testing/interpret_loop_program.h"
#include "compiler/schedule/schedule.h"
#include "fake_runtime/symbolic/shape_env.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

constexpr absl::string_view kSeparator = "-----\n";
// Every symbol's hint, and its value when programs are run. Not the vector
// length's multiple, so that remainders run as well.
constexpr int64_t kHint = 16;
constexpr int64_t kValue = 6;

std::filesystem::path Folder() {
  const char* folder = std::getenv("KILN_SCHEDULE_TESTDATA");
  return folder == nullptr ? "compiler/schedule/testdata" : folder;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<PlainTensor> MakeInputs(const LoopProgram& program, const std::map<std::string, int64_t>& symbols) {
  std::vector<PlainTensor> inputs(program.num_inputs);
  uint64_t state = 7;
  for (int i = 0; i < program.num_inputs; ++i) {
    if (program.input_buffers[i].value < 0) continue;
    const Buffer& buffer = program.buffers[program.input_buffers[i].value];
    int64_t size = *EvaluateInt(buffer.num_elements, [&](Expr symbol) -> std::optional<int64_t> {
      return symbols.at(std::string(symbol.symbol_name()));
    });
    std::vector<double> values;
    for (int64_t n = 0; n < size; ++n) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      double unit = static_cast<double>(state >> 40) / (1 << 24);
      values.push_back(IsFloating(buffer.dtype) ? 2 * unit - 1 : std::floor(unit * 2));
    }
    inputs[i] = PlainTensor::Of(buffer.dtype, {size}, values);
  }
  return inputs;
}

void ExpectSameResults(const LoopProgram& before, const LoopProgram& after) {
  std::map<std::string, int64_t> symbols;
  for (const std::string& name : before.symbols) symbols[name] = kValue;
  auto expected = InterpretLoopProgram(before, MakeInputs(before, symbols), symbols);
  auto actual = InterpretLoopProgram(after, MakeInputs(before, symbols), symbols);
  ASSERT_TRUE(expected.ok()) << expected.status();
  ASSERT_TRUE(actual.ok()) << actual.status();
  for (size_t i = 0; i < expected->size(); ++i) {
    std::vector<double> x = (*expected)[i].Values(), y = (*actual)[i].Values();
    ASSERT_EQ(x.size(), y.size());
    for (size_t n = 0; n < x.size(); ++n) {
      ASSERT_NEAR(x[n], y[n], 1e-4 * (1 + std::abs(x[n]))) << "output " << i << "[" << n << "]";
    }
  }
}

void CheckFile(const std::filesystem::path& path) {
  std::string text = ReadFile(path);
  std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits(std::string(kSeparator), 1));
  ExprPool pool;
  ShapeEnv env(&pool);
  absl::StatusOr<LoopProgram> before = ParseLoopProgram(parts[0], &pool), program = ParseLoopProgram(parts[0], &pool);
  ASSERT_TRUE(before.ok()) << before.status();
  for (const std::string& name : before->symbols) {
    ASSERT_TRUE(env.AddBackedSymbol(pool.Symbol(name), kHint, ValueRange::AtLeast(2), ValueRange::AtLeast(0),
                                    DimPolicy::kAutomatic)
                    .ok());
  }
  for (const Step& step : before->steps) {
    for (Expr symbol : BoundSymbols(step)) {
      ASSERT_TRUE(env.AddUnbackedSymbol(symbol, ValueRange::AtLeast(0)).ok());
    }
  }
  program->env = &env;
  ScheduleOptions options;
  options.specialize_divisible = absl::StrContains(parts[0], "# specialize_divisible");
  if (absl::StrContains(parts[0], "# threads")) options.threads = 8;
  absl::StatusOr<LoopProgram> after = Schedule(*std::move(program), options);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_TRUE(VerifyLoopProgram(*after).ok()) << VerifyLoopProgram(*after);
  std::string scheduled = PrintLoopProgram(*after);
  if (options.specialize_divisible) {
    for (const Guard& guard : env.Guards()) absl::StrAppend(&scheduled, "guard ", guard.ToString(), "\n");
  } else {
    // Under a performance guard the program holds for fewer sizes than kValue.
    ExpectSameResults(*before, *after);
  }
  if (std::getenv("KILN_UPDATE_GOLDENS") != nullptr) {
    std::ofstream(path) << parts[0] << kSeparator << scheduled;
    return;
  }
  EXPECT_EQ(scheduled, parts.size() > 1 ? parts[1] : "");
}

TEST(ScheduleGoldenTest, EveryFileSchedulesAsItSays) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(Folder())) {
    SCOPED_TRACE(entry.path().filename().string());
    CheckFile(entry.path());
    ++files;
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace kiln
