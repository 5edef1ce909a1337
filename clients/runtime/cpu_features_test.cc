#include "clients/runtime/cpu_features.h"

#include "clients/runtime/aarch64_hwcaps.h"
#include "compiler/artifact/isa_feature_names.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

constexpr uint64_t kEverything = ~uint64_t{0};

absl::Status CheckNames(const DetectedIsa& isa) {
  v1::Target target;
  target.set_arch(isa.arch);
  for (const std::string& feature : isa.features) target.add_features(feature);
  return CheckIsaFeatures(target);
}

TEST(CpuFeaturesTest, ServersKnowTheNamesOfThisMachinesFeatures) {
  const v1::Target target = DetectTarget(2);
  EXPECT_TRUE(CheckIsaFeatures(target).ok()) << CheckIsaFeatures(target);
  EXPECT_GT(target.features_size(), 0);
  EXPECT_TRUE(std::is_sorted(target.features().begin(), target.features().end()));
}

TEST(CpuFeaturesTest, ServersKnowTheNamesOfEveryAArch64Feature) {
  for (int sve_bits : {0, 128, 256, 512, 1024}) {
    const DetectedIsa isa = DescribeAArch64(kEverything, kEverything, sve_bits);
    EXPECT_TRUE(CheckNames(isa).ok()) << CheckNames(isa);
    EXPECT_TRUE(std::is_sorted(isa.features.begin(), isa.features.end()));
  }
}

// HWCAP of a Cortex-A72: fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid.
TEST(CpuFeaturesTest, AnOldAArch64HasNeon) {
  const DetectedIsa isa = DescribeAArch64(0x8ff, 0, 0);
  EXPECT_THAT(isa.features, ElementsAre("aes", "crc", "fp-armv8", "neon", "sha2"));
  EXPECT_EQ(isa.vector_bits, 128);
}

TEST(CpuFeaturesTest, SveSaysItsLength) {
  EXPECT_THAT(DescribeAArch64(kEverything, kEverything, 256).features, Contains("sve256"));
  EXPECT_EQ(DescribeAArch64(kEverything, kEverything, 256).vector_bits, 256);
  // No code is made for such registers; NEON's are their lower parts.
  EXPECT_THAT(DescribeAArch64(kEverything, kEverything, 1024).features, Not(Contains("sve1024")));
  EXPECT_EQ(DescribeAArch64(kEverything, kEverything, 1024).vector_bits, 128);
}

TEST(CpuFeaturesTest, Bf16NeedsSvesConversionsWhereThereIsSve) {
  constexpr uint64_t kSve = uint64_t{1} << 22, kBf16 = 1 << 14, kSveBf16 = 1 << 12;
  EXPECT_THAT(DescribeAArch64(0, kBf16, 0).features, Contains("bf16"));
  EXPECT_THAT(DescribeAArch64(kSve, kBf16, 256).features, Not(Contains("bf16")));
  EXPECT_THAT(DescribeAArch64(kSve, kBf16 | kSveBf16, 256).features, Contains("bf16"));
}

}  // namespace
}  // namespace kiln
