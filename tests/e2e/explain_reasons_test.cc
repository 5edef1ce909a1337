// Each reason of a miss, provoked on a real server: what Lookup says, what Explain says
// of it, and that the metric counts it.
#include <unistd.h>

#include <fstream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/disk_store.h"
#include "cache/miss_reason_table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/signing_key_file.h"
#include "tests/e2e/read_metrics.h"
#include "tests/e2e/service_fixture.h"

namespace kiln {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class ExplainReasonsTest : public ServiceTest {
 protected:
  static v1::CompileRequest Request(const Options& options = {}, const Hints& sizes = kSizes) {
    return RequestFor(kAdd, sizes, options);
  }

  CompileAnswer CompileOk(const v1::CompileRequest& request) {
    CompileAnswer answer = client_->Compile(request);
    EXPECT_TRUE(answer.ok()) << answer.status;
    return answer;
  }

  // What Compile would do with it.
  v1::ExplainResponse Explain(const v1::CompileRequest& request) {
    v1::ExplainRequest explain;
    *explain.mutable_header() = request.header();
    *explain.mutable_module() = request.module();
    *explain.mutable_options() = request.options();
    *explain.mutable_host() = request.host();
    v1::ExplainResponse response;
    const absl::Status status = client_->Explain(explain, response);
    EXPECT_TRUE(status.ok()) << status;
    return response;
  }

  // `request` misses for this reason: in Lookup (where the graph's digests are those of
  // `like`, if it is not null), in Explain and in the metric.
  v1::MissCause ExpectMiss(v1::MissReason reason, const v1::CompileRequest& request, const CompileAnswer* like,
                           std::vector<int64_t> values = {8, 16}) {
    const v1::ExplainResponse explained = Explain(request);
    EXPECT_EQ(explained.outcome(), v1::ExplainResponse::OUTCOME_MISS);
    EXPECT_THAT(explained.summary(), HasSubstr("miss ("));
    v1::MissCause cause;
    for (const v1::MissCause& c : explained.causes()) {
      if (c.reason() == reason) cause = c;
    }
    EXPECT_EQ(cause.reason(), reason) << explained.DebugString();
    EXPECT_EQ(cause.text(), GetMissReasonRow(reason).text);
    EXPECT_EQ(cause.advice(), GetMissReasonRow(reason).advice);
    if (like == nullptr) return cause;
    v1::LookupResponse found;
    EXPECT_TRUE(client_->Lookup(LookupFor(request, *like, std::move(values)), found).ok());
    EXPECT_FALSE(found.found());
    EXPECT_THAT(found.reasons(), Contains(reason));
    const std::string metrics = ReadMetrics(server_->metrics_url());
    const std::string line = absl::StrCat("kiln_cache_miss_reasons_total{reason=\"", GetMissReasonRow(reason).label, "\"} ");
    EXPECT_THAT(metrics, HasSubstr(line));
    EXPECT_THAT(metrics, ::testing::Not(HasSubstr(absl::StrCat(line, "0\n"))));
    return cause;
  }
};

TEST_F(ExplainReasonsTest, UnknownKey) {
  const v1::MissCause nothing = ExpectMiss(v1::MISS_REASON_UNKNOWN_KEY, Request(), nullptr);
  EXPECT_TRUE(nothing.differences().empty());
  const CompileAnswer add = CompileOk(Request());
  // Another graph, and the nearest is the one that is there.
  v1::CompileRequest sub = Request();
  *sub.mutable_module() = ModuleOf(R"(graph main(%a: f32[s0, s1], %b: f32[s0, s1]) {
  %c = aten.add.Tensor(%a, %b, alpha=2)  # model.py:77
  return (%c)
})", kSizes);
  const v1::MissCause cause = ExpectMiss(v1::MISS_REASON_UNKNOWN_KEY, sub, nullptr);
  ASSERT_EQ(cause.differences_size(), 1) << cause.DebugString();
  EXPECT_EQ(cause.differences(0).kind(), v1::Difference::KIND_NODE);
  EXPECT_EQ(cause.differences(0).text(), "node 0 (aten.add.Tensor) at model.py:77, alpha: 2 here, 1 there");
  EXPECT_EQ(cause.differences(0).location(), "model.py:77");
  CompileAnswer unknown = add;
  unknown.result.set_graph_digest(std::string(32, 'x'));
  ExpectMiss(v1::MISS_REASON_UNKNOWN_KEY, sub, &unknown);
}

TEST_F(ExplainReasonsTest, GuardFailed) {
  const Options options = {{"guards", "s0 % 8 == 0;s1 == 16"}};
  const CompileAnswer there = CompileOk(Request(options));
  const v1::MissCause cause =
      ExpectMiss(v1::MISS_REASON_GUARD_FAILED, Request(options, {{"s0", 36}, {"s1", 16}}), &there, {36, 16});
  ASSERT_EQ(cause.differences_size(), 1);
  EXPECT_EQ(cause.differences(0).kind(), v1::Difference::KIND_GUARD);
  EXPECT_EQ(cause.differences(0).text(), "s0 % 8 == 0 (s0 = 36), from aten.view at model.py:41");
  EXPECT_EQ(cause.differences(0).advice(), "Mark dimension 0 of input 0 (a) dynamic, or warm s0 = 36.");
}

TEST_F(ExplainReasonsTest, Isa) {
  const Options options = {{"needs", "avx2"}};
  const CompileAnswer there = CompileOk(Request(options));
  v1::CompileRequest older = Request(options);
  older.mutable_host()->mutable_target()->clear_features();
  const v1::MissCause cause = ExpectMiss(v1::MISS_REASON_ISA, older, &there);
  ASSERT_EQ(cause.differences_size(), 1);
  EXPECT_EQ(cause.differences(0).text(), "it needs processor feature avx2, which the host lacks");
}

TEST_F(ExplainReasonsTest, ExternOp) {
  const Options options = {{"calls", "aten.mm.out"}};
  const CompileAnswer there = CompileOk(Request(options));
  v1::CompileRequest bare = Request(options);
  bare.mutable_host()->clear_extern_ops();
  const v1::MissCause cause = ExpectMiss(v1::MISS_REASON_EXTERN_OP, bare, &there);
  ASSERT_EQ(cause.differences_size(), 1);
  EXPECT_EQ(cause.differences(0).theirs(), "aten.mm.out");
}

TEST_F(ExplainReasonsTest, Abi) {
  const CompileAnswer there = CompileOk(Request());
  server_->Stop();
  {
    // The row of a server whose artifacts have another ABI.
    absl::StatusOr<SigningKey> key = LoadOrCreateSigningKey(Data() + "/signing_key");
    ASSERT_TRUE(key.ok()) << key.status();
    v1::VariantRecord record = there.record();
    record.set_abi_version(record.abi_version() + 1);
    absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(Data() + "/cache");
    ASSERT_TRUE(store.ok()) << store.status();
    const Digest artifact = *Digest::FromBytes(record.artifact_sha256());
    ASSERT_TRUE((*store)
                    ->Publish({*KeyOf(record.key()), artifact, key->Sign(record.SerializeAsString())},
                              std::make_shared<const std::string>(there.result.variant().artifact()))
                    .ok());
  }
  Restart();
  const v1::MissCause cause = ExpectMiss(v1::MISS_REASON_ABI, Request(), &there);
  ASSERT_EQ(cause.differences_size(), 1);
  EXPECT_EQ(cause.differences(0).theirs(), absl::StrCat(there.record().abi_version() + 1));
}

TEST_F(ExplainReasonsTest, ArtifactGone) {
  const CompileAnswer there = CompileOk(Request());
  server_->Stop();
  {
    absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(Data() + "/cache");
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE((*store)->RemoveArtifact(*Digest::FromBytes(there.record().artifact_sha256())).ok());
  }
  Restart();
  v1::LookupResponse found;
  ASSERT_TRUE(client_->Lookup(LookupFor(Request(), there, {8, 16}), found).ok());
  EXPECT_THAT(found.reasons(), Contains(v1::MISS_REASON_ARTIFACT_GONE));
  EXPECT_THAT(ReadMetrics(server_->metrics_url()), HasSubstr("kiln_cache_miss_reasons_total{reason=\"artifact_gone\"} 1"));
  // The row went with that lookup, which is what an explanation of it tells.
  v1::ExplainRequest earlier;
  earlier.set_request_id("test");
  v1::ExplainResponse explained;
  ASSERT_TRUE(client_->Explain(earlier, explained).ok());
  EXPECT_THAT(explained.summary(), HasSubstr("artifact_gone"));
}

TEST_F(ExplainReasonsTest, Untrusted) {
  const CompileAnswer there = CompileOk(Request());
  server_->Stop();
  ASSERT_EQ(unlink((Data() + "/signing_key").c_str()), 0);
  Restart();
  ExpectMiss(v1::MISS_REASON_UNTRUSTED, Request(), &there);
}

TEST_F(ExplainReasonsTest, Signature) {
  const CompileAnswer there = CompileOk(Request());
  v1::CompileRequest other = Request();
  *other.mutable_module() = ModuleOf(R"(graph main(%a: bf16[s0, s1], %b: f32[s0, 36]) {
  %c = aten.add.Tensor(%a, %b)  # model.py:41
  return (%c)
})", kSizes);
  CompileAnswer like = there;
  like.result.set_signature_digest(std::string(32, 'x'));
  const v1::MissCause cause = ExpectMiss(v1::MISS_REASON_SIGNATURE, other, &like);
  ASSERT_EQ(cause.differences_size(), 2) << cause.DebugString();
  EXPECT_EQ(cause.differences(0).text(), "input 0 (a), dtype: bf16 here, f32 there");
  EXPECT_EQ(cause.differences(1).text(), "input 1 (b), size of dimension 1: 36 here, s1 there");
  EXPECT_EQ(cause.differences(1).advice(),
            "Mark dimension 1 of input 1 (b) dynamic: then one entry serves all sizes.");
}

TEST_F(ExplainReasonsTest, Options) {
  const CompileAnswer there = CompileOk(Request({{"bytes", "100"}, {"ms", "1"}}));
  const v1::MissCause cause =
      ExpectMiss(v1::MISS_REASON_OPTIONS, Request({{"bytes", "200"}, {"guards", "s0 == 8"}}), &there);
  ASSERT_EQ(cause.differences_size(), 3);
  EXPECT_EQ(cause.differences(0).text(), "option bytes: 200 here, 100 there");
  EXPECT_EQ(cause.differences(0).advice(), "Set option bytes to 100.");
  EXPECT_EQ(cause.differences(1).text(), "option guards: s0 == 8 here, not given there");
  EXPECT_EQ(cause.differences(1).advice(), "Leave option guards out.");
  EXPECT_EQ(cause.differences(2).text(), "option ms: not given here, 1 there");
}

TEST_F(ExplainReasonsTest, CompilerBuild) {
  const CompileAnswer there = CompileOk(Request());
  Restart({"--build=fake-2"});
  const v1::MissCause cause = ExpectMiss(v1::MISS_REASON_COMPILER_BUILD, Request(), &there);
  ASSERT_EQ(cause.differences_size(), 1);
  EXPECT_EQ(cause.differences(0).text(), "compiler build: fake-2 here, fake-1 there");
}

TEST_F(ExplainReasonsTest, TargetFamily) {
  const CompileAnswer there = CompileOk(Request());
  v1::CompileRequest arm = Request();
  arm.mutable_host()->mutable_target()->set_arch("aarch64");
  arm.mutable_host()->mutable_target()->clear_features();
  const v1::MissCause cause = ExpectMiss(v1::MISS_REASON_TARGET_FAMILY, arm, &there);
  ASSERT_EQ(cause.differences_size(), 1);
  EXPECT_EQ(cause.differences(0).text(), "target family: cpu/aarch64 here, cpu/x86_64 there");
}

TEST_F(ExplainReasonsTest, Revoked) {
  const CompileAnswer there = CompileOk(Request());
  server_->Stop();
  std::ofstream(Data() + "/revoked") << "build " << there.record().compiler_build() << "\n";
  Restart();
  ExpectMiss(v1::MISS_REASON_REVOKED, Request(), &there);
}

// Each row of the table stands above; whoever adds one adds its test here.
TEST(MissReasonsTest, EachHasATestThatReachesIt) {
  std::set<std::string> tests;
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  for (int s = 0; s < all.total_test_suite_count(); ++s) {
    const testing::TestSuite& suite = *all.GetTestSuite(s);
    if (std::string(suite.name()) != "ExplainReasonsTest") continue;
    for (int t = 0; t < suite.total_test_count(); ++t) tests.insert(suite.GetTestInfo(t)->name());
  }
  for (const MissReasonRow& row : MissReasonRows()) {
    std::string name;
    bool upper = true;
    for (char c : row.label) {
      if (c != '_') name += upper ? static_cast<char>(toupper(c)) : c;
      upper = c == '_';
    }
    EXPECT_TRUE(tests.contains(name)) << row.label;
  }
}

}  // namespace
}  // namespace kiln
