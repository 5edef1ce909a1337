#include "clients/runtime/expr_program.h"

#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

const SymbolIndex& Places() {
  static const SymbolIndex* places = new SymbolIndex{{"s0", 0}, {"s1", 1}, {"u0", 2}};
  return *places;
}

std::optional<int64_t> Value(absl::string_view text, std::vector<int64_t> symbols) {
  ExprPool pool;
  absl::StatusOr<Expr> expr = pool.Parse(text);
  EXPECT_TRUE(expr.ok()) << expr.status();
  absl::StatusOr<ExprProgram> program = ExprProgram::Compile(*expr, Places());
  EXPECT_TRUE(program.ok()) << program.status();
  return program->Run(symbols.data());
}

TEST(ExprProgramTest, MeansWhatPythonMeans) {
  EXPECT_EQ(Value("s0*s1 + 3", {4, 5, 0}), 23);
  EXPECT_EQ(Value("s0 // 4", {-7, 0, 0}), -2);
  EXPECT_EQ(Value("s0 % 4", {-7, 0, 0}), 1);
  EXPECT_EQ(Value("CeilDiv(s0, 4)", {7, 0, 0}), 2);
  EXPECT_EQ(Value("s0**2", {7, 0, 0}), 49);
  EXPECT_EQ(Value("Max(1, s0, s1)", {7, 9, 0}), 9);
  EXPECT_EQ(Value("And(s0 == 3, Or(s1 < 2, Not(u0 <= 5)))", {3, 9, 6}), 1);
  EXPECT_EQ(Value("s0 / s1 == 0.5", {3, 6, 0}), 1);
}

TEST(ExprProgramTest, BitsPowersRoundingAndFunctions) {
  EXPECT_EQ(Value("BitAnd(s0, s1)", {12, 10, 0}), 8);
  EXPECT_EQ(Value("BitAnd(s0, s1)", {-1, 10, 0}), 10);
  EXPECT_EQ(Value("IntPow(s0, s1)", {-3, 3, 0}), -27);
  EXPECT_EQ(Value("IntPow(s0, s1)", {-1, 101, 0}), -1);
  EXPECT_EQ(Value("IntPow(s0, s1)", {2, -1, 0}), std::nullopt);
  EXPECT_EQ(Value("IntPow(s0, s1)", {2, 63, 0}), std::nullopt);
  EXPECT_EQ(Value("RoundToInt(s0 / 2)", {5, 0, 0}), 2);
  EXPECT_EQ(Value("RoundToInt(s0 / 2)", {7, 0, 0}), 4);
  EXPECT_EQ(Value("RoundDecimal(s0 / 8, 2) == 0.38", {3, 0, 0}), 1);
  EXPECT_EQ(Value("FloorToInt(exp(ToFloat(s0)))", {1, 0, 0}), 2);
  EXPECT_EQ(Value("FloorToInt(log(ToFloat(s0)))", {0, 0, 0}), std::nullopt);
  EXPECT_EQ(Value("s0 / s1 == 9007199254740993.0", {9007199254740993, 1, 0}), 1);
}

TEST(ExprProgramTest, OperationsOfOneOperandNeedNoSecond) {
  EXPECT_EQ(Value("ToFloat(s0) < 2.5", {2, 0, 0}), 1);
  EXPECT_EQ(Value("ToFloat(s0) < 2.5", {3, 0, 0}), 0);
  EXPECT_EQ(Value("Not(s0 == 2)", {2, 0, 0}), 0);
}

TEST(ExprProgramTest, OverflowAndDivisionByZeroHaveNoValue) {
  EXPECT_EQ(Value("s0*s1", {INT64_MAX, 2, 0}), std::nullopt);
  EXPECT_EQ(Value("s0 % s1 == 0", {4, 0, 0}), std::nullopt);
  EXPECT_EQ(Value("s0**9", {1 << 20, 0, 0}), std::nullopt);
}

TEST(ExprProgramTest, RefusesFloatsAndStrangers) {
  ExprPool pool;
  EXPECT_EQ(GetErrorReason(ExprProgram::Compile(pool.TrueDiv(pool.Symbol("s0"), pool.Int(2)), Places()).status()),
            ErrorReason::kBadExpression);
  // Even where somebody lists a float symbol among the integers.
  absl::Status of_float = ExprProgram::Compile(pool.Lt(pool.Symbol("zf0"), pool.Float(2)), {{"zf0", 0}}).status();
  EXPECT_EQ(GetErrorReason(of_float), ErrorReason::kBadExpression);
  EXPECT_NE(of_float.message().find("zf0"), absl::string_view::npos) << of_float;
  EXPECT_EQ(GetErrorReason(ExprProgram::Compile(pool.Symbol("s9"), Places()).status()), ErrorReason::kBadExpression);
}

// Builds expressions at random and holds the program against the tree walk.
class RandomExpr {
 public:
  RandomExpr(ExprPool* pool, unsigned seed) : pool_(*pool), random_(seed) {}

  Expr Int(int depth) {
    if (depth == 0) return Pick(2) == 0 ? pool_.Int(Pick(9) - 4) : pool_.Symbol(Pick(2) == 0 ? "s0" : "s1");
    Expr a = Int(depth - 1);
    Expr b = Int(depth - 1);
    switch (Pick(14)) {
      case 9: return pool_.BitAnd(a, b);
      case 10: {
        // A float where the exponent is a negative constant.
        const Expr power = pool_.Pow(a, b);
        return power.type() == ExprType::kFloat ? pool_.TruncToInt(power) : power;
      }
      case 11: return pool_.ShiftRight(a, b);
      case 12: return pool_.RoundToInt(pool_.TrueDiv(a, pool_.Int(Pick(4) + 1)));
      case 13: return pool_.FloorToInt(pool_.Call(FloatFunction::kAtan, pool_.ToFloat(a)));
      case 0: return pool_.Add(a, b);
      case 1: return pool_.Mul(a, b);
      case 2: return pool_.FloorDiv(a, b);
      case 3: return pool_.Mod(a, b);
      case 4: return pool_.CeilDiv(a, b);
      case 5: return pool_.Min(a, b);
      case 6: return pool_.Max(a, b);
      case 7: return pool_.Sub(a, b);
      default: return pool_.Where(Bool(depth - 1), a, b);
    }
  }
  Expr Bool(int depth) {
    if (depth == 0) return pool_.Lt(Int(0), Int(0));
    switch (Pick(5)) {
      case 0: return pool_.Eq(Int(depth - 1), Int(depth - 1));
      case 1: return pool_.Le(Int(depth - 1), Int(depth - 1));
      case 2: return pool_.And(Bool(depth - 1), Bool(depth - 1));
      case 3: return pool_.Or(Bool(depth - 1), Bool(depth - 1));
      default: return pool_.Not(Bool(depth - 1));
    }
  }

 private:
  int Pick(int count) { return static_cast<int>(random_() % static_cast<unsigned>(count)); }
  ExprPool& pool_;
  std::mt19937 random_;
};

TEST(ExprProgramTest, AgreesWithTheTreeWalk) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    ExprPool pool;
    Expr e = RandomExpr(&pool, seed).Int(4);
    if (e.is_poison()) continue;
    absl::StatusOr<ExprProgram> program = ExprProgram::Compile(e, Places());
    ASSERT_TRUE(program.ok()) << e.ToString() << ": " << program.status();
    for (int64_t s0 = -3; s0 <= 6; s0 += 3) {
      for (int64_t s1 = -2; s1 <= 7; s1 += 3) {
        const int64_t symbols[] = {s0, s1, 0};
        auto value_of = [&](Expr s) -> std::optional<int64_t> { return s.symbol_name() == "s0" ? s0 : s1; };
        std::optional<int64_t> expected = EvaluateInt(e, value_of);
        std::optional<int64_t> actual = program->Run(symbols);
        // The program evaluates both arms of a `Where`: it may have no value
        // where the walk has one, never another.
        if (actual.has_value()) {
          ASSERT_EQ(actual, expected) << e.ToString() << " at " << s0 << ", " << s1;
        }
      }
    }
  }
}

}  // namespace
}  // namespace kiln
