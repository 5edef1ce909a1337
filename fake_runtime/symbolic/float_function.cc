#include "fake_runtime/symbolic/float_function.h"

#include <cmath>

namespace kiln {
namespace {

struct Row {
  FloatFunction function;
  absl::string_view name;
  double (*call)(double);
};

constexpr Row kRows[] = {
    {FloatFunction::kAcos, "acos", [](double x) { return std::acos(x); }},
    {FloatFunction::kAsin, "asin", [](double x) { return std::asin(x); }},
    {FloatFunction::kAsinh, "asinh", [](double x) { return std::asinh(x); }},
    {FloatFunction::kAtan, "atan", [](double x) { return std::atan(x); }},
    {FloatFunction::kCos, "cos", [](double x) { return std::cos(x); }},
    {FloatFunction::kCosh, "cosh", [](double x) { return std::cosh(x); }},
    {FloatFunction::kExp, "exp", [](double x) { return std::exp(x); }},
    {FloatFunction::kLog, "log", [](double x) { return std::log(x); }},
    {FloatFunction::kLog2, "log2", [](double x) { return std::log2(x); }},
    {FloatFunction::kSin, "sin", [](double x) { return std::sin(x); }},
    {FloatFunction::kSinh, "sinh", [](double x) { return std::sinh(x); }},
    {FloatFunction::kTan, "tan", [](double x) { return std::tan(x); }},
    {FloatFunction::kTanh, "tanh", [](double x) { return std::tanh(x); }},
};
static_assert(std::size(kRows) == static_cast<size_t>(FloatFunction::kCount));

}  // namespace

absl::string_view FloatFunctionName(FloatFunction function) { return kRows[static_cast<int>(function)].name; }

std::optional<FloatFunction> FindFloatFunction(absl::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return row.function;
  }
  return std::nullopt;
}

std::optional<double> CallFloatFunction(FloatFunction function, double x) {
  const double result = kRows[static_cast<int>(function)].call(x);
  // Python raises ValueError and OverflowError where C gives NaN and infinity.
  if (std::isnan(result) && !std::isnan(x)) return std::nullopt;
  if (std::isinf(result) && !std::isinf(x)) return std::nullopt;
  return result;
}

}  // namespace kiln
