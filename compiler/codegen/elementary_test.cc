// Every elementary function over the whole line of floats, sampled, against
// libm in double; and in double against libm in long double.
#include "compiler/codegen/elementary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/testing/compile_program.h"
#include "compiler/codegen/testing/elementary_cases.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> Apply(absl::string_view op, DType dtype, const std::vector<double>& x, const std::vector<double>& y,
                          const CompileProgramOptions& options = {}) {
  auto compiled = CompileProgram(ElementaryProgram(op, DTypeText(dtype), y.empty() ? 1 : 2), options);
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  if (!compiled.ok()) return {};
  TestHost host;
  const int64_t n = static_cast<int64_t>(x.size());
  auto out = host.Run((*compiled)->artifact, (*compiled)->signature,
                      {PlainTensor::Of(dtype, {n}, x), PlainTensor::Of(dtype, {n}, y.empty() ? x : y)}, {{"s0", n}});
  EXPECT_TRUE(out.ok()) << out.status();
  return out.ok() ? (*out)[0].Values() : std::vector<double>();
}

struct Worst {
  double error = 0;
  double x = 0, got = 0, want = 0;
};

class ElementaryFloatTest : public testing::TestWithParam<ElementaryFunction> {};

TEST_P(ElementaryFloatTest, IsCloseToLibmOnTheWholeLine) {
  const ElementaryFunction& function = GetParam();
  const std::vector<double> x = FloatLine();
  const std::vector<double> got = Apply(function.op, DType::kFloat32, x, {});
  ASSERT_EQ(got.size(), x.size());
  Worst worst;
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::abs(x[i]) > function.limit && !std::isinf(x[i])) continue;
    const double want = function.f(x[i]);
    const double error = UlpError(got[i], want, false);
    if (error > worst.error) worst = {error, x[i], got[i], want};
    if (want == 0 && std::string(function.op) != "log" && std::string(function.op) != "cos") {
      EXPECT_EQ(std::signbit(got[i]), std::signbit(want)) << function.op << "(" << x[i] << ")";
    }
  }
  EXPECT_LE(worst.error, function.max_ulp) << worst.x << " gives " << worst.got << " but is " << worst.want;
  RecordProperty("ulp", absl::StrCat(worst.error));
  std::printf("%s: %.3f ulp at %g\n", function.op, worst.error, worst.x);
}

INSTANTIATE_TEST_SUITE_P(All, ElementaryFloatTest, testing::ValuesIn(ElementaryFunctions()),
                         [](const auto& info) { return std::string(info.param.op); });

class ElementaryDoubleTest : public testing::TestWithParam<ElementaryFunction> {};

TEST_P(ElementaryDoubleTest, IsCloseToLibm) {
  const ElementaryFunction& function = GetParam();
  std::vector<double> x = FloatLine(100003);
  for (double v = -40; v < 40; v += 0.0137) x.push_back(v);
  for (double v = 1e6; v < 1e308; v *= 1.37e3) x.insert(x.end(), {v, -v});
  const std::vector<double> got = Apply(function.op, DType::kFloat64, x, {});
  ASSERT_EQ(got.size(), x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::abs(x[i]) > function.limit && !std::isinf(x[i])) continue;
    const double want = function.f(x[i]);
    if (std::isnan(want) || std::isinf(want) || want == 0) {
      EXPECT_TRUE(std::isnan(want) ? std::isnan(got[i]) : got[i] == want) << x[i] << ": " << got[i] << " " << want;
    } else if (std::abs(want) > 1e-300) {
      EXPECT_NEAR(got[i] / want, 1.0, 1e-14) << function.op << "(" << x[i] << ")";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ElementaryDoubleTest, testing::ValuesIn(ElementaryFunctions()),
                         [](const auto& info) { return std::string(info.param.op); });

// The worst that a search through all floats found: of this form, and of others that round one time more.
TEST(ElementaryTest, SigmoidHoldsAtItsWorstArguments) {
  std::vector<double> x = {-0.0003449918, -1.09950495, -16.635704, -16.6425343, -16.6362438, -16.6357021};
  for (double& v : x) v = static_cast<float>(v);
  for (const CompileProgramOptions& options : {CompileProgramOptions{}, CompileProgramOptions{.max_vector_bits = 256}}) {
    // As lanes of a whole vector, and as a tail.
    for (const size_t copies : {1, 16}) {
      std::vector<double> all;
      for (size_t i = 0; i < copies; ++i) all.insert(all.end(), x.begin(), x.end());
      const std::vector<double> got = Apply("sigmoid", DType::kFloat32, all, {}, options);
      ASSERT_EQ(got.size(), all.size());
      for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_LE(UlpError(got[i], 1 / (1 + std::exp(-all[i])), false), 2) << all[i] << " gives " << got[i];
      }
    }
  }
}

std::pair<std::vector<double>, std::vector<double>> Pairs() {
  const std::vector<double> values = {0.0,  -0.0, 1.0,  -1.0, 0.5,   -0.5,   2.0,   -2.0, 3.0,  -3.0,    kInf, -kInf,
                                      kNan, 1e10, 1e-10, 1e38, 1e-38, 1e-42, 7.25, -7.25, 100.5, 0.99999, 1.00001, 33.0};
  std::pair<std::vector<double>, std::vector<double>> pairs;
  auto add = [&](double a, double b) {
    pairs.first.push_back(static_cast<float>(a));
    pairs.second.push_back(static_cast<float>(b));
  };
  for (double a : values) {
    for (double b : values) add(a, b);
  }
  for (int i = 0; i < 20000; ++i) add(std::exp(std::sin(i * 0.7) * 9), std::cos(i * 0.31) * 12);
  return pairs;
}

TEST(ElementaryTest, PowIsCs) {
  const auto [x, y] = Pairs();
  const std::vector<double> got = Apply("pow", DType::kFloat32, x, y);
  const std::vector<double> got_double = Apply("pow", DType::kFloat64, x, y);
  for (size_t i = 0; i < x.size(); ++i) {
    const double want = std::pow(x[i], y[i]);
    EXPECT_LE(UlpError(got[i], want, false), 1) << x[i] << "^" << y[i] << ": " << got[i] << " " << want;
    if (std::isfinite(want) && std::abs(want) > 1e-300) {
      EXPECT_NEAR(got_double[i] / want, 1, 2e-13) << x[i] << "^" << y[i];
    }
  }
}

TEST(ElementaryTest, FmodIsExact) {
  const auto [x, y] = Pairs();
  const std::vector<double> got = Apply("fmod", DType::kFloat32, x, y);
  for (size_t i = 0; i < x.size(); ++i) {
    const double want = std::fmod(x[i], y[i]);
    if (std::isnan(want)) {
      EXPECT_TRUE(std::isnan(got[i])) << x[i] << " % " << y[i] << ": " << got[i];
    } else {
      EXPECT_EQ(got[i], want) << x[i] << " % " << y[i];
      EXPECT_EQ(std::signbit(got[i]), std::signbit(want)) << x[i] << " % " << y[i];
    }
  }
}

TEST(ElementaryTest, Atan2IsCs) {
  const auto [y, x] = Pairs();
  const std::vector<double> got = Apply("atan2", DType::kFloat32, y, x);
  for (size_t i = 0; i < x.size(); ++i) {
    const double want = std::atan2(y[i], x[i]);
    EXPECT_LE(UlpError(got[i], want, false), 1) << y[i] << ", " << x[i] << ": " << got[i] << " " << want;
  }
}

TEST(ElementaryTest, ResultsAreGoodWithoutFmaAndOnNarrowVectors) {
  const std::vector<double> x = FloatLine(200003);
  for (const CompileProgramOptions& options :
       {CompileProgramOptions{false, 512, "fma"}, CompileProgramOptions{false, 256, ""},
        CompileProgramOptions{false, 128, "sse4.1"}}) {
    for (const char* op : {"exp", "log", "tanh", "erf", "sin"}) {
      const auto functions = ElementaryFunctions();
      const auto function = std::find_if(functions.begin(), functions.end(),
                                         [&](const ElementaryFunction& f) { return std::string(f.op) == op; });
      const std::vector<double> got = Apply(op, DType::kFloat32, x, {}, options);
      ASSERT_EQ(got.size(), x.size());
      for (size_t i = 0; i < x.size(); ++i) {
        EXPECT_LE(UlpError(got[i], function->f(x[i]), false), 4) << op << "(" << x[i] << ") = " << got[i];
      }
    }
  }
}

}  // namespace
}  // namespace kiln
