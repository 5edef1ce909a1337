#include "compiler/codegen/testing/elementary_cases.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "absl/strings/substitute.h"

namespace kiln {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double SigmoidOf(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
double RsqrtOf(double x) { return 1 / std::sqrt(x); }

const ElementaryFunction kFunctions[] = {
    {"acos", std::acos, 1},   {"asin", std::asin, 1},       {"atan", std::atan, 1},
    {"cos", std::cos, 1}, {"cosh", std::cosh, 1},     {"erf", std::erf, 1.5},
    {"exp", std::exp, 1.2},   {"expm1", std::expm1, 1},     {"log", std::log, 1.5},
    {"log10", std::log10, 1}, {"log1p", std::log1p, 1},     {"log2", std::log2, 1},
    {"rsqrt", RsqrtOf, 1.5},  {"sigmoid", SigmoidOf, 2.0}, {"sin", std::sin, 1},
    {"sinh", std::sinh, 1},   {"sqrt", std::sqrt, 0.51},    {"tan", std::tan, 1},
    {"tanh", std::tanh, 1.5},
};

}  // namespace

absl::Span<const ElementaryFunction> ElementaryFunctions() { return kFunctions; }

std::string ElementaryProgram(absl::string_view op, absl::string_view dtype, int arity) {
  const std::string second = arity == 2 ? absl::Substitute("%1 = load $0 b1[i0]\n", dtype) : "";
  const std::string args = arity == 2 ? "%0, %1" : "%0";
  return absl::Substitute(
      "program symbols=[s0] inputs=2 {\nbuffer b0 input 0 $0[s0]\nbuffer b1 input 1 $0[s0]\n"
      "buffer b2 output 0 $0[s0]\ninputs [b0, b1]\nkernel k nodes=[0] {\nvector i0 < s0 {\n%0 = load $0 b0[i0]\n$1"
      "%2 = $2 $0 $3\nstore b2[i0], %2\n}\n}\nreturn new b2: $0[s0] strides=[1] offset=0\n}\n",
      dtype, second, op, args);
}

std::vector<double> FloatLine(int step) {
  std::vector<double> values = {0.0, -0.0, kInf, -kInf, kNan, 1.0, -1.0, 0.5, -0.5, 2.0};
  for (uint64_t bits = 0; bits < 0x7f800000; bits += step) {
    const uint32_t pattern = static_cast<uint32_t>(bits);
    float f;
    std::memcpy(&f, &pattern, 4);
    values.push_back(f);
    values.push_back(-f);
  }
  return values;
}

double UlpError(double got, double want, bool is_double) {
  if (std::isnan(want)) return std::isnan(got) ? 0 : kInf;
  const double rounded = is_double ? want : static_cast<double>(static_cast<float>(want));
  if (std::isinf(rounded) || std::isinf(got)) return got == rounded ? 0 : kInf;
  const int mantissa = is_double ? 52 : 23;
  const int least = is_double ? -1022 : -126;
  const int exponent = want == 0 ? least : std::max(std::ilogb(want), least);
  return std::abs(got - want) / std::ldexp(1.0, exponent - mantissa);
}

}  // namespace kiln
