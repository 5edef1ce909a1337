#include "cache/variant_key.h"

#include <set>

#include "base/error.h"
#include "cache/testing/make_variant.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

v1::KeyComponents Some() { return MakeComponents("g"); }

TEST(VariantKeyTest, EveryComponentCounts) {
  std::set<VariantKey> keys = {*KeyOf(Some())};
  const std::string other(Sha256("other").bytes());
  v1::KeyComponents c = Some();
  c.set_graph(other);
  keys.insert(*KeyOf(c));
  c = Some();
  c.set_signature(other);
  keys.insert(*KeyOf(c));
  c = Some();
  c.set_options(other);
  keys.insert(*KeyOf(c));
  c = Some();
  c.set_compiler_build(other);
  keys.insert(*KeyOf(c));
  c = Some();
  c.set_target_family("cpu/aarch64");
  keys.insert(*KeyOf(c));
  c = Some();
  c.set_domain("tenant");
  keys.insert(*KeyOf(c));
  EXPECT_EQ(keys.size(), 7u);
}

TEST(VariantKeyTest, EqualComponentsGiveEqualKeys) { EXPECT_EQ(*KeyOf(Some()), *KeyOf(Some())); }

TEST(VariantKeyTest, NamesTheComponentOfAnotherLength) {
  v1::KeyComponents c = Some();
  c.set_options("short");
  absl::Status status = KeyOf(c).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kMalformedMessage);
  EXPECT_EQ(status.message(), "key component options: a digest has 32 bytes but this one has 5");
}

TEST(VariantKeyTest, TheFamilyIsDeviceAndArchitecture) {
  v1::Target target;
  target.set_arch("x86_64");
  EXPECT_EQ(TargetFamily(target), "cpu/x86_64");
  target.set_device_type("cuda");
  target.set_arch("sm_90");
  EXPECT_EQ(TargetFamily(target), "cuda/sm_90");
}

TEST(VariantKeyTest, TuningIsNotInTheKey) {
  v1::Target a;
  a.set_arch("x86_64");
  v1::Target b = a;
  b.set_vector_bits(512);
  b.add_features("avx512f");
  b.set_threads(64);
  const Digest d = Sha256("x");
  EXPECT_EQ(*KeyOf(ComposeKey({d, d, d, "build", a, ""})), *KeyOf(ComposeKey({d, d, d, "build", b, ""})));
}

}  // namespace
}  // namespace kiln
