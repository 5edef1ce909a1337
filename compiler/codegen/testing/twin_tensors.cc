#include "compiler/codegen/testing/twin_tensors.h"

#include <cmath>

#include "absl/strings/str_cat.h"

namespace kiln {
namespace {

double RandomUnit(uint64_t& seed) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return static_cast<double>(seed >> 40) / (1 << 24);
}

}  // namespace

PlainTensor RandomTensor(DType dtype, int64_t n, uint64_t seed) {
  std::vector<double> values;
  for (int64_t i = 0; i < n; ++i) {
    const double unit = RandomUnit(seed);
    if (dtype == DType::kBool) {
      values.push_back(unit < 0.5);
    } else if (IsFloating(dtype)) {
      values.push_back(4 * unit - 2);
    } else {
      values.push_back(std::floor(unit * 7));
    }
  }
  return PlainTensor::Of(dtype, {n}, values);
}

std::string FirstDifference(const std::vector<PlainTensor>& want, const std::vector<PlainTensor>& got,
                            double tolerance) {
  if (want.size() != got.size()) return absl::StrCat(got.size(), " outputs instead of ", want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    const std::vector<double> x = want[i].Values(), y = got[i].Values();
    if (x.size() != y.size()) return absl::StrCat("output ", i, " has ", y.size(), " elements, not ", x.size());
    for (size_t n = 0; n < x.size(); ++n) {
      const bool same = x[n] == y[n] || (std::isnan(x[n]) && std::isnan(y[n]));
      if (same || std::abs(x[n] - y[n]) <= tolerance * (1 + std::abs(x[n]))) continue;
      return absl::StrCat("output ", i, "[", n, "] is ", y[n], " but should be ", x[n]);
    }
  }
  return "";
}

}  // namespace kiln
