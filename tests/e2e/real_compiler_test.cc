// The service with the real compiler behind it: what comes out can be verified,
// loaded by nobody's leave but the host's, and is the same every time.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <set>
#include <thread>

#include "base/digest.h"
#include "compiler/artifact/read_manifest.h"
#include "compiler/artifact/signed_variant.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/import/export_graph.h"
#include "fake_runtime/import/testing/malformed_graphs.h"
#include "fake_runtime/ops/op_table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/service_fixture.h"

namespace kiln {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr char kBroadcastAdd[] = R"(graph main(%a: f32[s0, s1], %b: f32[s2, s1]) {
  %c = aten.add.Tensor(%a, %b)  # model.py:41
  return (%c)
})";
const Hints kEqual = {{"s0", 8}, {"s1", 16}, {"s2", 8}};
const Hints kBroadcast = {{"s0", 8}, {"s1", 16}, {"s2", 1}};

// A graph that takes a while: layers of products, activations and norms.
std::string DeepGraph(int layers) {
  std::string text = "graph main(%x0: f32[s0, s1], %w: f32[s1, s1]) {\n";
  for (int i = 0; i < layers; ++i) {
    const std::string n = std::to_string(i);
    text += "  %m" + n + " = aten.mm.default(%x" + n + ", %w)\n";
    text += "  %g" + n + " = aten.gelu.default(%m" + n + ")\n";
    text += "  %s" + n + " = aten._softmax.default(%g" + n + ", -1, false)\n";
    text += "  %x" + std::to_string(i + 1) + " = aten.add.Tensor(%s" + n + ", %x" + n + ")\n";
  }
  return text + "  return (%x" + std::to_string(layers) + ")\n}";
}

std::vector<std::string> Conditions(const v1::VariantRecord& record) {
  std::vector<std::string> conditions;
  for (const v1::Guard& guard : record.guards()) conditions.push_back(guard.condition());
  return conditions;
}

using RealCompilerTest = ServerTest;

TEST_F(RealCompilerTest, TwoVariantsOfOneKeyAndTheGuardsBetweenThem) {
  const CompileAnswer equal = client_->Compile(RequestFor(kBroadcastAdd, kEqual));
  ASSERT_TRUE(equal.ok()) << equal.status;
  const CompileAnswer broadcast = client_->Compile(RequestFor(kBroadcastAdd, kBroadcast));
  ASSERT_TRUE(broadcast.ok()) << broadcast.status;
  EXPECT_EQ(broadcast.tier(), v1::TIER_COMPILED);
  EXPECT_THAT(Conditions(equal.record()), UnorderedElementsAre("s0 == s2", "s2 != 1"));
  EXPECT_THAT(Conditions(broadcast.record()), testing::Contains("s2 == 1"));
  EXPECT_EQ(equal.record().guards(0).reason().node(), 0);
  EXPECT_EQ(equal.record().guards(0).reason().location(), "model.py:41");
  EXPECT_EQ(client_->Counters().keys(), 1);
  EXPECT_EQ(client_->Counters().variants(), 2);

  const Hints larger = {{"s0", 300}, {"s1", 7}, {"s2", 300}};
  const CompileAnswer hit = client_->Compile(RequestFor(kBroadcastAdd, larger));
  EXPECT_EQ(hit.tier(), v1::TIER_MEMORY);
  EXPECT_EQ(hit.record().artifact_sha256(), equal.record().artifact_sha256());
}

TEST_F(RealCompilerTest, AnAArch64ClientGetsAnArtifactOfItsOwn) {
  v1::CompileRequest request = RequestFor(kBroadcastAdd, kEqual);
  const CompileAnswer here = client_->Compile(request);
  ASSERT_TRUE(here.ok()) << here.status;
  v1::Target& target = *request.mutable_host()->mutable_target();
  target.set_arch("aarch64");
  target.clear_features();
  for (const char* feature : {"neon", "sve", "sve256"}) target.add_features(feature);
  const CompileAnswer there = client_->Compile(request);
  ASSERT_TRUE(there.ok()) << there.status;
  EXPECT_EQ(there.record().key().target_family(), "cpu/aarch64");
  EXPECT_THAT(there.record().isa_features(), testing::ElementsAre("sve256"));
  EXPECT_NE(there.record().artifact_sha256(), here.record().artifact_sha256());
  // A machine with longer registers may not have it.
  target.set_features(2, "sve512");
  EXPECT_EQ(client_->Compile(request).tier(), v1::TIER_COMPILED);
}

TEST_F(RealCompilerTest, EqualRequestsGiveEqualBytesWhoeverCompiles) {
  const v1::CompileRequest request = RequestFor(DeepGraph(2), {{"s0", 16}, {"s1", 32}});
  const CompileAnswer first = client_->Compile(request);
  ASSERT_TRUE(first.ok()) << first.status;
  TempFolder other_folder;
  std::unique_ptr<ServerProcess> other = ServerProcess::Start(other_folder.path());
  ASSERT_NE(other, nullptr);
  const CompileAnswer second = TestClient(other->address()).Compile(request);
  ASSERT_TRUE(second.ok()) << second.status;
  EXPECT_EQ(first.record().artifact_sha256(), second.record().artifact_sha256());
}

TEST_F(RealCompilerTest, NamesOfValuesAndSymbolsAreNotInTheKey) {
  ASSERT_TRUE(client_->Compile(RequestFor(kBroadcastAdd, kEqual)).ok());
  constexpr char kRenamed[] = R"(graph forward(%left: f32[s7, s3], %right: f32[s5, s3]) {
  %sum = aten.add.Tensor(%left, %right)
  return (%sum)
})";
  EXPECT_EQ(client_->Compile(RequestFor(kRenamed, {{"s7", 8}, {"s3", 16}, {"s5", 8}})).tier(), v1::TIER_MEMORY);
}

TEST_F(RealCompilerTest, AThunderingHerdCompilesOnceARestartNothing) {
  const v1::CompileRequest request = RequestFor(DeepGraph(3), {{"s0", 16}, {"s1", 32}});
  std::atomic<int> compiled = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 64; ++i) {
    threads.emplace_back([&] {
      TestClient client(server_->address());
      const CompileAnswer answer = client.Compile(request);
      EXPECT_TRUE(answer.ok()) << answer.status;
      if (answer.tier() == v1::TIER_COMPILED) ++compiled;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(compiled, 1);
  EXPECT_EQ(client_->Counters().compiles(), 1);
  server_->KillHard();
  Restart();
  EXPECT_EQ(client_->Compile(request).tier(), v1::TIER_DISK);
  EXPECT_EQ(client_->Counters().compiles(), 0);
}

TEST_F(RealCompilerTest, AWorkerKilledInTheMiddleFailsItsFlightAlone) {
  const v1::CompileRequest slow = RequestFor(DeepGraph(60), {{"s0", 16}, {"s1", 32}});
  CompileAnswer failed;
  std::thread asker([&] { failed = client_->Compile(slow); });
  std::vector<pid_t> workers;
  while ((workers = server_->Workers()).empty()) usleep(500);
  kill(workers[0], SIGKILL);
  asker.join();
  EXPECT_EQ(failed.reason(), "WORKER_CRASHED") << failed.status;
  EXPECT_THAT(std::string(failed.status.message()), HasSubstr("killed by signal 9"));
  const CompileAnswer next = client_->Compile(slow);
  ASSERT_TRUE(next.ok()) << next.status;
  EXPECT_EQ(next.tier(), v1::TIER_COMPILED);
}

TEST_F(RealCompilerTest, RefusalsNameTheNodeAndBothValues) {
  constexpr char kMismatch[] = R"(graph main(%a: f32[4, 64], %b: f32[32, 8]) {
  %c = aten.mm.default(%a, %b)  # model.py:7
  return (%c)
})";
  const CompileAnswer answer = client_->Compile(RequestFor(kMismatch, {}));
  EXPECT_EQ(answer.reason(), "SHAPE_MISMATCH");
  EXPECT_THAT(std::string(answer.status.message()), HasSubstr("aten.mm.default"));
  EXPECT_THAT(std::string(answer.status.message()), HasSubstr("64"));
  EXPECT_THAT(std::string(answer.status.message()), HasSubstr("32"));
}

TEST_F(RealCompilerTest, PropagatesInAWorker) {
  v1::PropagateResponse response;
  const absl::Status status = client_->Propagate(ModuleOf(kBroadcastAdd, kBroadcast), response);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(response.values_size(), 3);
  EXPECT_EQ(response.values(2).name(), "c");
  EXPECT_EQ(response.values(2).tensor().sizes(0).expr(), "s0");
  EXPECT_EQ(response.values(2).storage(), 2);
  EXPECT_GT(response.guards_size(), 0);
  EXPECT_THAT(response.table(), HasSubstr("aten.add.Tensor"));
  EXPECT_EQ(client_->Counters().compiles(), 0);
}

TEST_F(RealCompilerTest, MalformedGraphsGetTheirTypedErrorsFromPropagate) {
  int sent = 0;
  for (const MalformedGraph& malformed : ReadMalformedGraphs()) {
    SCOPED_TRACE(malformed.what + "\n" + malformed.text);
    ExprPool pool;
    const absl::StatusOr<Graph> graph = ParseGraph(malformed.text, &pool, FindOpSchema);
    if (!graph.ok()) continue;
    ++sent;
    v1::PropagateResponse response;
    ExpectRefusal(malformed, client_->Propagate(ExportModule(*graph, "2.13"), response));
  }
  EXPECT_GT(sent, 100);
  EXPECT_EQ(client_->Counters().worker_crashes(), 0);
  v1::PropagateResponse response;
  EXPECT_TRUE(client_->Propagate(ModuleOf(kBroadcastAdd, kBroadcast), response).ok());
}

TEST_F(RealCompilerTest, AnAssumptionThatPropagateUsedIsAGuardOfTheReply) {
  v1::GraphModule module = ModuleOf(kBroadcastAdd, kEqual);
  module.mutable_graphs(0)->add_assumptions("s0 == s2");
  module.mutable_graphs(0)->add_assumptions("s1 <= 64");
  v1::PropagateResponse response;
  const absl::Status status = client_->Propagate(module, response);
  ASSERT_TRUE(status.ok()) << status;
  std::vector<std::string> assumptions;
  for (const v1::Guard& guard : response.guards()) {
    if (guard.kind() == v1::Guard::KIND_ASSUMPTION) assumptions.push_back(guard.condition());
  }
  EXPECT_THAT(assumptions, testing::ElementsAre("s0 == s2"));
}

TEST_F(RealCompilerTest, AnAssumptionThatTheHintsRefuteIsRefusedByPropagate) {
  v1::GraphModule module = ModuleOf(kBroadcastAdd, kEqual);
  module.mutable_graphs(0)->add_assumptions("s0 != s2");
  v1::PropagateResponse response;
  EXPECT_EQ(ReasonOf(client_->Propagate(module, response)), "BAD_INPUT_METADATA");
}

TEST_F(RealCompilerTest, WhatIsServedIsWhatTheManifestSays) {
  const CompileAnswer answer = client_->Compile(RequestFor(DeepGraph(1), {{"s0", 16}, {"s1", 32}}));
  ASSERT_TRUE(answer.ok()) << answer.status;
  TrustedKeys trusted;
  std::ifstream file(folder_.path() + "/data/signing_key.pub");
  const std::string keys((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_TRUE(trusted.AddText(keys).ok());
  absl::StatusOr<v1::VariantRecord> record = trusted.Open(answer.result.variant().signed_());
  ASSERT_TRUE(record.ok()) << record.status();
  absl::StatusOr<v1::Manifest> manifest = ReadManifest(answer.result.variant().artifact());
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(record->artifact_sha256(), Sha256(answer.result.variant().artifact()).bytes());
  EXPECT_EQ(manifest->compiler_build(), client_->ServerInfo().compiler_build());
  std::set<std::string> stages;
  for (const v1::StageTime& time : record->stage_times()) stages.insert(time.stage());
  EXPECT_THAT(stages, testing::IsSupersetOf({"propagate", "codegen", "link"}));
}

}  // namespace
}  // namespace kiln
