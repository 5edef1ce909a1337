#include "compiler/artifact/isa_feature_names.h"

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

absl::Status Check(absl::string_view arch, absl::string_view feature) {
  v1::Target target;
  target.set_arch(std::string(arch));
  target.add_features(std::string(feature));
  return CheckIsaFeatures(target);
}

TEST(IsaFeatureNamesTest, RowsAreSortedAndUnique) {
  const auto key = [](const IsaFeatureName& row) { return std::tuple(row.arch, row.name); };
  const auto rows = IsaFeatureNames();
  for (size_t i = 1; i < rows.size(); ++i) EXPECT_LT(key(rows[i - 1]), key(rows[i]));
}

TEST(IsaFeatureNamesTest, LlvmsNamesAreTaken) {
  for (const IsaFeatureName& row : IsaFeatureNames()) EXPECT_TRUE(Check(row.arch, row.name).ok()) << row.name;
}

TEST(IsaFeatureNamesTest, AnUnknownFeatureIsRefusedByName) {
  const absl::Status status = Check("x86_64", "avx9");
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kUnsupportedTarget);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"avx9\" is none of x86_64"));
  EXPECT_EQ(GetErrorReason(Check("aarch64", "avx2")), ErrorReason::kUnsupportedTarget);
  EXPECT_EQ(GetErrorReason(Check("x86_64", "")), ErrorReason::kUnsupportedTarget);
}

TEST(IsaFeatureNamesTest, OfLinuxsNamesTheMessageSaysOurs) {
  EXPECT_THAT(std::string(Check("aarch64", "asimd").message()), HasSubstr("/proc/cpuinfo's asimd is called neon"));
  EXPECT_THAT(std::string(Check("x86_64", "avx512_bf16").message()), HasSubstr("is called avx512bf16"));
}

}  // namespace
}  // namespace kiln
