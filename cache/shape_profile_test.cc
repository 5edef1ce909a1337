#include "cache/shape_profile.h"

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/disk_store.h"
#include "cache/testing/temp_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

constexpr char kDomain[] = "team";

Digest Subject(absl::string_view name) { return Sha256(name); }

std::unique_ptr<ShapeProfile> Profile(int threshold = 2) { return *ShapeProfile::Open(nullptr, threshold); }

ShapeObservations Sizes(const std::string& source, const std::vector<int64_t>& sizes) {
  ShapeObservations observations;
  v1::ShapeObservation& observation = *observations.Add();
  observation.set_source(source);
  for (int64_t size : sizes) observation.add_sizes(size);
  return observations;
}

// "L['x']:0" for each dimension that varies, in the order of their first observation.
std::vector<std::string> Varying(const ShapeProfile& profile, absl::string_view name = "f",
                                 absl::string_view domain = kDomain) {
  std::vector<std::string> varying;
  const std::optional<SubjectShapes> shapes = profile.Find(domain, Subject(name));
  if (!shapes.has_value()) return varying;
  for (const auto& dim : shapes->dims()) {
    if (dim.varies()) varying.push_back(absl::StrCat(dim.source(), ":", dim.dim()));
  }
  return varying;
}

TEST(ShapeProfileTest, ADimensionVariesOnceTwoSizesWereSeen) {
  auto profile = Profile();
  profile->Observe(kDomain, Subject("f"), "f", Sizes("x", {8, 16}));
  EXPECT_THAT(Varying(*profile), ElementsAre());
  profile->Observe(kDomain, Subject("f"), "f", Sizes("x", {9, 16}));
  EXPECT_THAT(Varying(*profile), ElementsAre("x:0"));
}

TEST(ShapeProfileTest, TheThresholdCountsDistinctSizes) {
  auto profile = Profile(3);
  for (int64_t size : {8, 9, 8, 9, 8}) profile->Observe(kDomain, Subject("f"), "", Sizes("x", {size}));
  EXPECT_THAT(Varying(*profile), ElementsAre());
  profile->Observe(kDomain, Subject("f"), "", Sizes("x", {10}));
  EXPECT_THAT(Varying(*profile), ElementsAre("x:0"));
}

TEST(ShapeProfileTest, AScalarVariesAsItself) {
  auto profile = Profile();
  ShapeObservations observations = Sizes("n", {3});
  observations.Mutable(0)->set_is_scalar(true);
  profile->Observe(kDomain, Subject("f"), "", observations);
  observations.Mutable(0)->set_sizes(0, 4);
  profile->Observe(kDomain, Subject("f"), "", observations);
  EXPECT_THAT(Varying(*profile), ElementsAre("n:-1"));
}

TEST(ShapeProfileTest, SubjectsAndDomainsAreApart) {
  auto profile = Profile();
  profile->Observe(kDomain, Subject("f"), "", Sizes("x", {8}));
  profile->Observe(kDomain, Subject("g"), "", Sizes("x", {9}));
  profile->Observe("other", Subject("f"), "", Sizes("x", {10}));
  EXPECT_THAT(Varying(*profile), ElementsAre());
  EXPECT_EQ(profile->List(kDomain, "", 10).size(), 2);
  EXPECT_EQ(profile->List("other", "", 10).size(), 1);
  EXPECT_EQ(profile->List("", "", 10).size(), 0);
}

TEST(ShapeProfileTest, GuardsDivideTheSizes) {
  auto profile = Profile();
  ShapeObservations small = Sizes("x", {8});
  small.Mutable(0)->add_valid()->set_max(512);
  ShapeObservations large = Sizes("x", {4000});
  large.Mutable(0)->add_valid()->set_min(513);
  profile->Observe(kDomain, Subject("f"), "", small);
  profile->Observe(kDomain, Subject("f"), "", large);
  const auto shapes = profile->Find(kDomain, Subject("f"));
  EXPECT_THAT(shapes->dims(0).divisions(), ElementsAre(513));
}

TEST(ShapeProfileTest, ListGivesPagesInTheOrderOfSubjects) {
  auto profile = Profile();
  for (int i = 0; i < 25; ++i) profile->Observe(kDomain, Subject(absl::StrCat(i)), "", Sizes("x", {8}));
  std::set<std::string> seen;
  std::string after;
  for (int page = 0; page < 3; ++page) {
    for (const SubjectShapes& subject : profile->List(kDomain, after, 10)) {
      EXPECT_GT(subject.subject(), after);
      after = subject.subject();
      seen.insert(after);
    }
  }
  EXPECT_EQ(seen.size(), 25);
  EXPECT_EQ(profile->List(kDomain, after, 10).size(), 0);
}

TEST(ShapeProfileTest, SubjectsObservedLongestAgoLeave) {
  auto profile = Profile();
  profile->Observe(kDomain, Subject("f"), "", Sizes("x", {8}));
  for (int i = 0; i < 20000; ++i) {
    profile->Observe(kDomain, Subject(absl::StrCat(i)), "", Sizes("x", {8}));
    if (i == 10000) profile->Observe(kDomain, Subject("f"), "", Sizes("x", {8}));
  }
  EXPECT_EQ(profile->num_subjects(), 20000);
  EXPECT_TRUE(profile->Find(kDomain, Subject("f")).has_value());
  EXPECT_FALSE(profile->Find(kDomain, Subject("0")).has_value());
}

TEST(ShapeProfileTest, ManySizesKeepTheExtremes) {
  auto profile = Profile();
  for (int64_t size = 1000; size > 0; --size) profile->Observe(kDomain, Subject("f"), "", Sizes("x", {size}));
  const auto shapes = profile->Find(kDomain, Subject("f"));
  EXPECT_EQ(shapes->dims(0).sizes_size(), 32);
  EXPECT_EQ(shapes->dims(0).min(), 1);
  EXPECT_EQ(shapes->dims(0).max(), 1000);
  EXPECT_EQ(shapes->dims(0).observed(), 1000);
}

TEST(ShapeProfileTest, WhatWasFlushedIsThereAfterARestart) {
  TempFolder folder;
  {
    std::shared_ptr<DiskStore> store = *DiskStore::Open(folder.path());
    auto profile = *ShapeProfile::Open(store, 2);
    profile->Observe(kDomain, Subject("f"), "f at model.py:41", Sizes("x", {8, 16}));
    ASSERT_TRUE(profile->Flush().ok());
    profile->Observe(kDomain, Subject("f"), "", Sizes("x", {9, 16}));
    ASSERT_TRUE(profile->Flush().ok());
  }
  std::shared_ptr<DiskStore> store = *DiskStore::Open(folder.path());
  auto profile = *ShapeProfile::Open(store, 2);
  EXPECT_THAT(Varying(*profile), ElementsAre("x:0"));
  EXPECT_EQ(profile->Find(kDomain, Subject("f"))->name(), "f at model.py:41");
  // Another threshold counts the same sizes otherwise.
  EXPECT_THAT(Varying(**ShapeProfile::Open(store, 3)), ElementsAre());
}

TEST(ShapeProfileTest, CorruptValuesAreDroppedFromTheStore) {
  TempFolder folder;
  std::shared_ptr<DiskStore> store = *DiskStore::Open(folder.path());
  ASSERT_TRUE(store->PutProfile("short", "value").ok());
  ASSERT_TRUE(store->PutProfile(Subject("f").bytes(), "\xff\xff\xff").ok());
  auto profile = *ShapeProfile::Open(store, 2);
  EXPECT_EQ(profile->num_subjects(), 0);
  ASSERT_TRUE(profile->Flush().ok());
  int left = 0;
  ASSERT_TRUE(store->VisitProfiles([&](absl::string_view, absl::string_view) { ++left; }).ok());
  EXPECT_EQ(left, 0);
}

// Bytes that parse and are no profile of this server's: none is believed beyond what it
// would have written itself.
TEST(ShapeProfileTest, StoredValuesAreHeldToTheBounds) {
  TempFolder folder;
  std::shared_ptr<DiskStore> store = *DiskStore::Open(folder.path());
  const auto put = [&](absl::string_view name, const std::vector<int64_t>& sizes, int divisions) {
    SubjectShapes shapes;
    shapes.set_subject("another's");
    auto& dim = *shapes.add_dims();
    dim.set_source("x");
    for (int64_t size : sizes) dim.add_sizes(size);
    for (int i = 0; i < divisions; ++i) dim.add_divisions(i);
    ASSERT_TRUE(store->PutProfile(absl::StrCat(Subject(name).bytes(), kDomain), shapes.SerializeAsString()).ok());
  };
  put("good", {8, 16}, 16);
  put("twice", {8, 8}, 0);
  put("falling", {16, 8}, 0);
  put("divided", {8}, 17);
  std::vector<int64_t> many;
  for (int i = 0; i <= ShapeProfile::kMaxThreshold; ++i) many.push_back(i);
  put("many", many, 0);
  auto profile = *ShapeProfile::Open(store, 2);
  EXPECT_EQ(profile->num_subjects(), 1);
  EXPECT_THAT(Varying(*profile, "good"), ElementsAre("x:0"));
  EXPECT_EQ(profile->Find(kDomain, Subject("good"))->subject(), Subject("good").bytes());
}

// Against sets, which is what the profile means.
TEST(ShapeProfileTest, AgreesWithSetsOfSizes) {
  std::mt19937 random(7);
  auto profile = Profile(4);
  std::map<std::string, std::set<int64_t>> seen;
  for (int i = 0; i < 5000; ++i) {
    const std::string subject = absl::StrCat(random() % 20);
    const std::string source = absl::StrCat("x", random() % 3);
    const auto size = static_cast<int64_t>(random() % 8);
    profile->Observe(kDomain, Subject(subject), "", Sizes(source, {size}));
    seen[absl::StrCat(subject, "/", source)].insert(size);
    const auto shapes = profile->Find(kDomain, Subject(subject));
    for (const auto& dim : shapes->dims()) {
      const std::set<int64_t>& sizes = seen[absl::StrCat(subject, "/", dim.source())];
      EXPECT_EQ(dim.varies(), sizes.size() >= 4);
      EXPECT_EQ(std::set<int64_t>(dim.sizes().begin(), dim.sizes().end()), sizes);
    }
  }
}

}  // namespace
}  // namespace kiln
