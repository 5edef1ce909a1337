// Random programs give the same results before and after scheduling, whatever
// the order in which independent iterations run, and no two live temporaries
// share memory.
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "compiler/loops/loop_ir.h"
#include "compiler/loops/testing/interpret_loop_program.h"
#include "compiler/schedule/buffer_uses.h"
#include "compiler/schedule/schedule.h"
#include "compiler/schedule/testing/random_program.h"
#include "fake_runtime/symbolic/shape_env.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using Symbols = std::map<std::string, int64_t>;

// Large enough that 16-wide rows make several chunks, and columns two tasks.
const Symbols kSymbols = {{"s0", 4}, {"s1", 67}};

std::vector<PlainTensor> RandomInputs(uint64_t seed) {
  std::vector<PlainTensor> inputs;
  int64_t size = 4 * 67 * 16;
  for (int i = 0; i < 5; ++i) {
    std::vector<double> values;
    for (int64_t n = 0; n < size; ++n) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      double unit = static_cast<double>(seed >> 40) / (1 << 24);
      values.push_back(i == 4 ? std::floor(unit * 3) : 2 * unit - 1);
    }
    inputs.push_back(PlainTensor::Of(i == 4 ? DType::kInt64 : DType::kFloat32, {size}, values));
  }
  return inputs;
}

// Runs `parallel` and `vector` loops of all kernels backwards.
void ReverseLoops(Kernel& kernel, std::vector<Stmt>& body, ExprPool& pool) {
  for (Stmt& stmt : body) {
    auto* loop = std::get_if<std::unique_ptr<Loop>>(&stmt);
    if (loop == nullptr) continue;
    Loop& l = **loop;
    if (l.kind != LoopKind::kSerial) {
      Expr reversed = pool.Sub(pool.Sub(l.extent, Expr(1)), l.variable);
      auto replace = [&](Expr symbol) -> std::optional<Expr> {
        if (symbol == l.variable) return reversed;
        return std::nullopt;
      };
      std::function<void(std::vector<Stmt>&)> rewrite = [&](std::vector<Stmt>& inner) {
        for (Stmt& s : inner) {
          if (int* id = std::get_if<int>(&s)) {
            kernel.insts[*id].expr = pool.Substitute(kernel.insts[*id].expr, replace);
            continue;
          }
          Loop& nested = *std::get<std::unique_ptr<Loop>>(s);
          nested.extent = pool.Substitute(nested.extent, replace);
          rewrite(nested.body);
        }
      };
      rewrite(l.body);
    }
    ReverseLoops(kernel, l.body, pool);
  }
}

void ExpectClose(const std::vector<PlainTensor>& a, const std::vector<PlainTensor>& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    std::vector<double> x = a[i].Values(), y = b[i].Values();
    ASSERT_EQ(x.size(), y.size());
    for (size_t n = 0; n < x.size(); ++n) {
      double tolerance = 1e-3 * (1 + std::abs(x[n]));
      bool close = std::isnan(x[n]) ? std::isnan(y[n]) : std::abs(x[n] - y[n]) <= tolerance;
      ASSERT_TRUE(close) << what << ": output " << i << "[" << n << "]: " << x[n] << " before, " << y[n] << " after";
    }
  }
}

int64_t ValueOf(Expr e) {
  return *EvaluateInt(e, [](Expr symbol) -> std::optional<int64_t> {
    return kSymbols.at(std::string(symbol.symbol_name()));
  });
}

// Live temporaries occupy disjoint parts of the arena.
void ExpectDisjointMemory(const LoopProgram& program) {
  std::vector<int> first(program.buffers.size(), -1), last(program.buffers.size(), -1);
  for (size_t s = 0; s < program.steps.size(); ++s) {
    schedule::VisitAccesses(program.steps[s], [&](BufferId b, schedule::Access) {
      if (first[b.value] < 0) first[b.value] = static_cast<int>(s);
      last[b.value] = static_cast<int>(s);
    });
  }
  int64_t arena = ValueOf(program.arena_bytes);
  for (size_t a = 0; a < first.size(); ++a) {
    const Buffer& one = program.buffers[a];
    if (one.kind != BufferKind::kTemporary) continue;
    int64_t begin = ValueOf(one.arena_offset), size = ValueOf(one.num_elements) * DTypeSizeBytes(one.dtype);
    EXPECT_EQ(begin % 64, 0);
    EXPECT_LE(begin + size, arena);
    for (size_t b = 0; b < a; ++b) {
      const Buffer& two = program.buffers[b];
      if (two.kind != BufferKind::kTemporary || first[a] > last[b] || first[b] > last[a]) continue;
      bool handed_over = one.alias_of.value == static_cast<int>(b) || two.alias_of.value == static_cast<int>(a);
      int64_t other = ValueOf(two.arena_offset), other_size = ValueOf(two.num_elements) * DTypeSizeBytes(two.dtype);
      EXPECT_TRUE(handed_over || begin + size <= other || other + other_size <= begin) << "b" << a << " and b" << b;
    }
  }
}

void CheckSeed(uint64_t seed, int num_nodes, bool with_env) {
  std::string text = schedule::RandomProgramText(seed, num_nodes);
  std::string what = absl::StrCat("seed ", seed, " nodes ", num_nodes);
  ExprPool pool;
  ShapeEnv env(&pool);
  for (const auto& [name, value] : kSymbols) {
    ASSERT_TRUE(env.AddBackedSymbol(pool.Symbol(name), value, ValueRange::AtLeast(2), ValueRange::AtLeast(0),
                                    DimPolicy::kDynamic)
                    .ok());
  }
  absl::StatusOr<LoopProgram> before = ParseLoopProgram(text, &pool), copy = ParseLoopProgram(text, &pool);
  ASSERT_TRUE(before.ok() && copy.ok()) << before.status() << text;
  ASSERT_TRUE(VerifyLoopProgram(*before).ok()) << VerifyLoopProgram(*before) << text;
  if (with_env) copy->env = &env;
  ScheduleOptions options;
  options.fuse = seed % 5 != 0;
  options.threads = 1 + static_cast<int>(seed % 3);
  absl::StatusOr<LoopProgram> after = Schedule(*std::move(copy), options);
  ASSERT_TRUE(after.ok()) << after.status();
  ASSERT_TRUE(VerifyLoopProgram(*after).ok()) << what << VerifyLoopProgram(*after) << PrintLoopProgram(*after);
  ExpectDisjointMemory(*after);
  auto expected = InterpretLoopProgram(*before, RandomInputs(seed), kSymbols);
  auto actual = InterpretLoopProgram(*after, RandomInputs(seed), kSymbols);
  ASSERT_TRUE(expected.ok()) << what << expected.status() << text;
  ASSERT_TRUE(actual.ok()) << what << actual.status() << text << PrintLoopProgram(*after);
  ExpectClose(*expected, *actual, what);
  if (::testing::Test::HasFailure()) {
    std::cerr << text << PrintLoopProgram(*after);
    return;
  }
  for (Step& step : after->steps) {
    if (auto* kernel = std::get_if<Kernel>(&step)) ReverseLoops(*kernel, kernel->body, pool);
  }
  auto reversed = InterpretLoopProgram(*after, RandomInputs(seed), kSymbols);
  ASSERT_TRUE(reversed.ok()) << what << reversed.status();
  ExpectClose(*expected, *reversed, what + " backwards");
  if (::testing::Test::HasFailure()) std::cerr << text << PrintLoopProgram(*after);
}

TEST(ScheduleRandomTest, ShortProgramsMeanTheSameAfterwards) {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    CheckSeed(seed, 3, seed % 2 == 0);
    if (HasFailure()) return;
  }
}

TEST(ScheduleRandomTest, LongProgramsMeanTheSameAfterwards) {
  for (uint64_t seed = 1000; seed < 1050; ++seed) {
    CheckSeed(seed, 12, seed % 2 == 0);
    if (HasFailure()) return;
  }
}

// As many nodes as a training step of a 12-layer transformer has.
TEST(ScheduleRandomTest, LargeProgramsAreScheduledAndVerified) {
  ExprPool pool;
  absl::StatusOr<LoopProgram> program = ParseLoopProgram(schedule::RandomProgramText(7, 2000), &pool);
  ASSERT_TRUE(program.ok()) << program.status();
  size_t steps = program->steps.size();
  absl::StatusOr<LoopProgram> after = Schedule(*std::move(program), ScheduleOptions());
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_TRUE(VerifyLoopProgram(*after).ok()) << VerifyLoopProgram(*after);
  size_t kernels = 0;
  for (const Step& step : after->steps) kernels += std::holds_alternative<Kernel>(step);
  EXPECT_LT(kernels, steps);
}

}  // namespace
}  // namespace kiln
