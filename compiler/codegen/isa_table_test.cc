#include "compiler/codegen/isa_table.h"

#include <algorithm>
#include <initializer_list>

#include "base/error.h"
#include "compiler/artifact/isa_feature_names.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::Target TargetOf(const char* arch, std::initializer_list<const char*> features, int vector_bits) {
  v1::Target target;
  target.set_arch(arch);
  for (const char* feature : features) target.add_features(feature);
  target.set_vector_bits(vector_bits);
  return target;
}

Isa Select(const char* arch, std::initializer_list<const char*> features, int vector_bits) {
  absl::StatusOr<Isa> isa = SelectIsa(TargetOf(arch, features, vector_bits));
  EXPECT_TRUE(isa.ok()) << isa.status();
  return isa.ok() ? *isa : Isa();
}

TEST(IsaTableTest, EveryRowIsAFeatureThatATargetMayList) {
  for (const IsaFeatureRow& row : IsaFeatureRows()) {
    const auto names = IsaFeatureNames();
    EXPECT_EQ(std::count_if(names.begin(), names.end(),
                            [&](const IsaFeatureName& n) { return n.arch == row.arch && n.name == row.name; }),
              1)
        << row.name;
  }
}

TEST(IsaTableTest, WithoutSveAArch64HasNeonsVectors) {
  const Isa isa = Select("aarch64", {"neon", "dotprod", "lse"}, 512);
  EXPECT_EQ(isa.vector_bits, 128);
  EXPECT_THAT(isa.features, IsEmpty());
  EXPECT_EQ(MaskedAccessOf(isa), MaskedAccess::kNone);
}

TEST(IsaTableTest, SveIsUsedAtTheLengthThatTheTargetSays) {
  const Isa isa = Select("aarch64", {"neon", "sve", "sve256"}, 512);
  EXPECT_EQ(isa.vector_bits, 256);
  EXPECT_THAT(isa.features, ElementsAre("sve256"));
  EXPECT_EQ(MaskedAccessOf(isa), MaskedAccess::kAll);
}

TEST(IsaTableTest, SveOfAnotherLengthThanIsWantedIsLeftAlone) {
  // Code for 256 bits would be wrong on registers of 512.
  for (const Isa& isa : {Select("aarch64", {"sve", "sve512"}, 256), Select("aarch64", {"sve"}, 512),
                         Select("aarch64", {"sve", "sve128"}, 128)}) {
    EXPECT_EQ(isa.vector_bits, 128);
    EXPECT_THAT(isa.features, IsEmpty());
  }
}

TEST(IsaTableTest, TwoLengthsOfOneRegisterAreRefused) {
  const absl::Status status = SelectIsa(TargetOf("aarch64", {"sve256", "sve512"}, 512)).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kUnsupportedTarget);
  EXPECT_THAT(std::string(status.message()), HasSubstr("sve256 and sve512"));
}

TEST(IsaTableTest, UnknownArchitecturesAndFeaturesAreRefusedByName) {
  EXPECT_THAT(std::string(SelectIsa(TargetOf("riscv64", {}, 128)).status().message()),
              HasSubstr("\"riscv64\" but only \"aarch64\" and \"x86_64\""));
  EXPECT_THAT(std::string(SelectIsa(TargetOf("x86_64", {"neon"}, 128)).status().message()), HasSubstr("\"neon\""));
}

TEST(IsaTableTest, ConversionsAreNeededWhereThereIsSomethingToConvert) {
  const Isa x86 = Select("x86_64", {"avx512bf16", "avx512dq", "avx512f", "avx512vl"}, 512);
  EXPECT_THAT(NarrowedTo({DType::kFloat32, DType::kBFloat16}, x86).features,
              ElementsAre("avx512bf16", "avx512dq", "avx512f", "avx512vl"));
  EXPECT_THAT(NarrowedTo({DType::kFloat32}, x86).features, ElementsAre("avx512dq", "avx512f", "avx512vl"));
  EXPECT_THAT(NarrowedTo({DType::kFloat32}, Select("aarch64", {"bf16"}, 128)).features, IsEmpty());
}

}  // namespace
}  // namespace kiln
