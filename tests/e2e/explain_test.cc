// The Explain RPC on a real server: earlier requests, digests, what is not there, and
// walls between domains.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/variant_key.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/service_fixture.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ExplainTest : public ServiceTest {
 protected:
  static v1::CompileRequest Request(const std::string& id, const Options& options = {}, const Hints& sizes = kSizes,
                                    const std::string& domain = "") {
    v1::CompileRequest request = RequestFor(kAdd, sizes, options);
    request.mutable_header()->set_request_id(id);
    request.mutable_header()->set_domain(domain);
    return request;
  }

  static v1::ExplainRequest OfId(const std::string& id, const std::string& domain = "") {
    v1::ExplainRequest request;
    request.set_request_id(id);
    request.mutable_header()->set_domain(domain);
    return request;
  }
  static v1::ExplainRequest OfDigest(const std::string& digest, const std::string& domain = "") {
    v1::ExplainRequest request;
    request.set_digest(digest);
    request.mutable_header()->set_domain(domain);
    return request;
  }
  static v1::ExplainRequest OfGraph(const v1::CompileRequest& compile) {
    v1::ExplainRequest request;
    *request.mutable_header() = compile.header();
    *request.mutable_module() = compile.module();
    *request.mutable_options() = compile.options();
    *request.mutable_host() = compile.host();
    return request;
  }

  v1::ExplainResponse Ask(const v1::ExplainRequest& request) {
    v1::ExplainResponse response;
    const absl::Status status = client_->Explain(request, response);
    EXPECT_TRUE(status.ok()) << status;
    return response;
  }
  std::string Refusal(const v1::ExplainRequest& request) {
    v1::ExplainResponse response;
    return ReasonOf(client_->Explain(request, response));
  }
};

TEST_F(ExplainTest, AHitTellsTierGuardsAndSizes) {
  ASSERT_TRUE(client_->Compile(Request("first", {{"guards", "s0 <= 64"}})).ok());
  ASSERT_TRUE(client_->Compile(Request("second", {{"guards", "s0 <= 64"}})).ok());
  const v1::ExplainResponse hit = Ask(OfId("second"));
  EXPECT_EQ(hit.outcome(), v1::ExplainResponse::OUTCOME_HIT);
  EXPECT_EQ(hit.tier(), v1::TIER_MEMORY);
  EXPECT_THAT(hit.summary(), StartsWith("hit in memory: variant "));
  EXPECT_THAT(hit.summary(), HasSubstr("under s0 <= 64"));
  ASSERT_EQ(hit.entries_size(), 1);
  EXPECT_EQ(hit.entries(0).guards(0).condition(), "s0 <= 64");
  EXPECT_TRUE(hit.entries(0).locations().empty());
  EXPECT_EQ(std::vector<int64_t>(hit.symbol_values().begin(), hit.symbol_values().end()), (std::vector<int64_t>{8, 16}));
  EXPECT_EQ(hit.key_digest(), KeyOf(hit.key())->digest.bytes());
}

TEST_F(ExplainTest, AnEarlierMissIsToldAsItWasThen) {
  const Options options = {{"guards", "s0 <= 64"}};
  ASSERT_TRUE(client_->Compile(Request("first", options)).ok());
  const v1::ExplainResponse first = Ask(OfId("first"));
  EXPECT_EQ(first.outcome(), v1::ExplainResponse::OUTCOME_MISS);
  EXPECT_EQ(first.tier(), v1::TIER_COMPILED);
  EXPECT_EQ(first.causes(0).reason(), v1::MISS_REASON_UNKNOWN_KEY);
  EXPECT_TRUE(first.entries().empty());
  EXPECT_THAT(first.summary(), HasSubstr("; it was compiled in "));
  // By now the graph itself would hit.
  EXPECT_EQ(Ask(OfGraph(Request("", options))).outcome(), v1::ExplainResponse::OUTCOME_HIT);
}

TEST_F(ExplainTest, AFailedRequestTellsItsError) {
  EXPECT_EQ(client_->Compile(Request("bad", {{"behave", "refuse"}})).reason(), "UNKNOWN_OP");
  const v1::ExplainResponse bad = Ask(OfId("bad"));
  EXPECT_EQ(bad.error(), "UNKNOWN_OP");
  EXPECT_THAT(bad.summary(), HasSubstr("it failed: UNKNOWN_OP"));
}

TEST_F(ExplainTest, ALookupIsARequestToo) {
  const CompileAnswer there = client_->Compile(Request("compile", {{"guards", "s0 == 8"}}));
  ASSERT_TRUE(there.ok());
  v1::LookupResponse found;
  v1::LookupRequest lookup = LookupFor(Request("lookup", {{"guards", "s0 == 8"}}), there, {9, 16});
  ASSERT_TRUE(client_->Lookup(lookup, found).ok());
  const v1::ExplainResponse missed = Ask(OfId("lookup"));
  EXPECT_EQ(missed.causes(0).reason(), v1::MISS_REASON_GUARD_FAILED);
  // The line is that of who compiled it: a lookup brings none.
  EXPECT_EQ(missed.causes(0).differences(0).text(), "s0 == 8 (s0 = 9), from aten.view at model.py:41");
  EXPECT_EQ(missed.tier(), v1::TIER_UNSPECIFIED);
}

TEST_F(ExplainTest, DigestsOfArtifactKeyAndGraphFindTheEntry) {
  const CompileAnswer one = client_->Compile(Request("", {{"bytes", "100"}}));
  const CompileAnswer two = client_->Compile(Request("", {{"bytes", "200"}}));
  ASSERT_TRUE(one.ok() && two.ok());
  const v1::VariantRecord record = one.record();
  const v1::ExplainResponse artifact = Ask(OfDigest(record.artifact_sha256()));
  EXPECT_EQ(artifact.outcome(), v1::ExplainResponse::OUTCOME_ENTRY);
  EXPECT_EQ(artifact.num_entries(), 1);
  EXPECT_EQ(artifact.entries(0).artifact_sha256(), record.artifact_sha256());
  EXPECT_EQ(artifact.entries(0).preimage().options(0).value(), "100");
  const v1::ExplainResponse key = Ask(OfDigest(std::string(KeyOf(record.key())->digest.bytes())));
  EXPECT_EQ(key.entries(0).artifact_sha256(), record.artifact_sha256());
  EXPECT_EQ(key.key().SerializeAsString(), record.key().SerializeAsString());
  const v1::ExplainResponse graph = Ask(OfDigest(one.result.graph_digest()));
  EXPECT_EQ(graph.num_entries(), 2);
  EXPECT_THAT(graph.summary(), HasSubstr("2 variants of 2 keys"));
}

TEST_F(ExplainTest, ThePreimageOfTheKeyIsKept) {
  const CompileAnswer answer = client_->Compile(Request("", {{"ms", "1"}, {"bytes", "7"}}));
  const v1::KeyPreimage preimage = answer.record().preimage();
  ASSERT_EQ(preimage.options_size(), 2);
  EXPECT_EQ(preimage.options(0).name(), "bytes");
  EXPECT_EQ(preimage.options(1).value(), "1");
  EXPECT_EQ(std::vector<std::string>(preimage.features().begin(), preimage.features().end()),
            (std::vector<std::string>{"avx", "avx2", "fma", "sse4.2"}));
  EXPECT_EQ(preimage.sketch_size(), 16);
}

TEST_F(ExplainTest, NothingOfAnotherTenantIsTold) {
  const CompileAnswer theirs = client_->Compile(Request("id", {{"bytes", "100"}}, kSizes, "theirs"));
  ASSERT_TRUE(theirs.ok());
  const std::string artifact = theirs.record().artifact_sha256();
  EXPECT_EQ(Refusal(OfId("id", "mine")), "UNKNOWN_SUBJECT");
  EXPECT_EQ(Refusal(OfId("id")), "UNKNOWN_SUBJECT");
  for (const std::string& domain : {std::string("mine"), std::string()}) {
    EXPECT_EQ(Refusal(OfDigest(artifact, domain)), "UNKNOWN_SUBJECT");
    EXPECT_EQ(Refusal(OfDigest(theirs.result.graph_digest(), domain)), "UNKNOWN_SUBJECT");
    EXPECT_EQ(Refusal(OfDigest(std::string(KeyOf(theirs.record().key())->digest.bytes()), domain)), "UNKNOWN_SUBJECT");
    const v1::ExplainResponse miss = Ask(OfGraph(Request("", {{"bytes", "100"}}, kSizes, domain)));
    EXPECT_EQ(miss.outcome(), v1::ExplainResponse::OUTCOME_MISS);
    EXPECT_TRUE(miss.entries().empty());
    EXPECT_TRUE(miss.causes(0).differences().empty());
    EXPECT_THAT(miss.DebugString(), Not(HasSubstr("theirs\"")));
  }
  EXPECT_EQ(Ask(OfId("id", "theirs")).tier(), v1::TIER_COMPILED);
  EXPECT_EQ(Ask(OfDigest(artifact, "theirs")).num_entries(), 1);
}

TEST_F(ExplainTest, TheSharedDomainIsNobodys) {
  const CompileAnswer shared = client_->Compile(Request("", {{"bytes", "100"}}));
  ASSERT_TRUE(shared.ok());
  const v1::ExplainResponse miss = Ask(OfGraph(Request("", {{"bytes", "100"}}, kSizes, "mine")));
  ASSERT_EQ(miss.causes(0).differences_size(), 1);
  EXPECT_EQ(miss.causes(0).differences(0).kind(), v1::Difference::KIND_DOMAIN);
  EXPECT_EQ(miss.causes(0).differences(0).text(), "domain: mine here, the shared domain there");
  EXPECT_EQ(Ask(OfDigest(shared.record().artifact_sha256(), "mine")).num_entries(), 1);
}

TEST_F(ExplainTest, ExplanationsCountNowhereAndCompileNothing) {
  ASSERT_TRUE(client_->Compile(Request("")).ok());
  const v1::ServerCounters before = client_->Counters();
  Ask(OfGraph(Request("")));
  Ask(OfGraph(Request("", {{"bytes", "9"}})));
  const v1::ServerCounters after = client_->Counters();
  EXPECT_EQ(after.compiles(), before.compiles());
  EXPECT_EQ(after.misses(), before.misses());
  EXPECT_EQ(after.hits_memory() + after.hits_disk(), before.hits_memory() + before.hits_disk());
}

TEST_F(ExplainTest, WhatIsNotThereOrMalformedIsRefusedByReason) {
  EXPECT_EQ(Refusal(OfId("never")), "UNKNOWN_SUBJECT");
  EXPECT_EQ(Refusal(OfId("")), "UNKNOWN_SUBJECT");
  EXPECT_EQ(Refusal(OfId(std::string(65, 'x'))), "MALFORMED_MESSAGE");
  EXPECT_EQ(Refusal(OfDigest(std::string(32, 'x'))), "UNKNOWN_SUBJECT");
  for (size_t bytes : {0, 1, 31, 33, 100000}) EXPECT_EQ(Refusal(OfDigest(std::string(bytes, 'x'))), "MALFORMED_MESSAGE");
  EXPECT_EQ(Refusal({}), "MALFORMED_MESSAGE");
  v1::ExplainRequest no_host = OfGraph(Request(""));
  no_host.clear_host();
  EXPECT_EQ(Refusal(no_host), "MALFORMED_MESSAGE");
  v1::ExplainRequest no_graph = OfGraph(Request(""));
  no_graph.mutable_module()->clear_graphs();
  EXPECT_NE(Refusal(no_graph), "OK");
  v1::ExplainRequest unknown_option = OfGraph(Request("", {{"no_such", "1"}}));
  EXPECT_EQ(Refusal(unknown_option), "OPTION_UNKNOWN");
  v1::ExplainRequest ref = OfGraph(Request(""));
  ref.mutable_ref()->set_graph_digest(std::string(32, 'x'));
  ref.mutable_ref()->set_signature_digest(std::string(32, 'x'));
  EXPECT_EQ(Refusal(ref), "GRAPH_NOT_FOUND");
  EXPECT_EQ(ReasonOf(client_->CallRaw("Explain", "\xff\xff\xff")), "MALFORMED_MESSAGE");
}

std::string Chain(int nodes, const std::string& op) {
  std::string text = "graph main(%v0: f32[s0, s1]) {\n";
  for (int i = 0; i < nodes; ++i) {
    absl::StrAppend(&text, "  %v", i + 1, " = aten.", i == nodes / 2 ? op : "relu", ".default(%v", i, ")  # m.py:", i, "\n");
  }
  return absl::StrCat(text, "  return (%v", nodes, ")\n}");
}

TEST_F(ExplainTest, AHugeGraphIsComparedToo) {
  constexpr int kNodes = 20000;
  ASSERT_TRUE(client_->Compile(RequestFor(Chain(kNodes, "relu"), kSizes)).ok());
  const v1::ExplainResponse miss = Ask(OfGraph(RequestFor(Chain(kNodes, "neg"), kSizes)));
  ASSERT_EQ(miss.causes(0).differences_size(), 1) << miss.summary();
  EXPECT_EQ(miss.causes(0).differences(0).text(),
            "node 10000 (aten.neg.default) at m.py:10000 is node 10000 (aten.relu.default) at m.py:10000 there");
}

}  // namespace
}  // namespace kiln
