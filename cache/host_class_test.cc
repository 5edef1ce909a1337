#include "cache/host_class.h"

#include "cache/testing/make_variant.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(HostClassTest, RunsWhatNeedsNothing) { EXPECT_THAT(MakeHost().WhyNot(MakeRecord({})), IsEmpty()); }

TEST(HostClassTest, NamesAllThatItLacks) {
  const v1::VariantRecord record = MakeRecord({.features = {"avx512f"}, .extern_ops = {"aten.mm.out"}, .abi = 2});
  EXPECT_THAT(MakeHost({"avx2"}).WhyNot(record),
              ElementsAre(v1::MISS_REASON_ABI, v1::MISS_REASON_ISA, v1::MISS_REASON_EXTERN_OP));
  EXPECT_THAT(MakeHost({"avx512f", "avx2"}, {"aten.mm.out"}, 1, 2).WhyNot(record), IsEmpty());
}

TEST(HostClassTest, AStarServesAnySuffix) {
  const v1::VariantRecord record = MakeRecord({.extern_ops = {"aten.mm.out", "aten.bmm.out"}});
  EXPECT_THAT(MakeHost({}, {"aten.*"}).WhyNot(record), IsEmpty());
  EXPECT_THAT(MakeHost({}, {"aten.m*"}).WhyNot(record), ElementsAre(v1::MISS_REASON_EXTERN_OP));
  EXPECT_THAT(MakeHost({}, {"*"}).WhyNot(record), IsEmpty());
}

TEST(HostClassTest, ItsProtoIsOfTheSameClass) {
  for (const HostClass& host : {MakeHost(), MakeHost({"b", "a"}, {"x.*", "y", "*"}, 2, 7)}) {
    EXPECT_EQ(HostClass(host.ToProto()).digest(), host.digest());
  }
}

TEST(HostClassTest, OrderAndRepetitionDoNotCount) {
  EXPECT_EQ(MakeHost({"a", "b", "a"}, {"x.*", "y"}).digest(), MakeHost({"b", "a"}, {"y", "x.*"}).digest());
  EXPECT_NE(MakeHost({"a"}).digest(), MakeHost({"b"}).digest());
  EXPECT_NE(MakeHost({}, {"x"}).digest(), MakeHost({}, {"x*"}).digest());
}

TEST(HostClassTest, CoversAHostThatHasLess) {
  EXPECT_TRUE(MakeHost({"avx2", "avx512f"}, {"aten.*"}).Covers(MakeHost({"avx2"}, {"aten.m*", "aten.mm.out"})));
  EXPECT_FALSE(MakeHost({"avx2"}).Covers(MakeHost({"avx2", "avx512f"})));
  EXPECT_FALSE(MakeHost({}, {"aten.m*"}).Covers(MakeHost({}, {"aten.*"})));
  EXPECT_FALSE(MakeHost({}, {"aten.mm.out"}).Covers(MakeHost({}, {"aten.mm.*"})));
  EXPECT_FALSE(MakeHost({}, {}, 1, 1).Covers(MakeHost({}, {}, 1, 2)));
}

}  // namespace
}  // namespace kiln
