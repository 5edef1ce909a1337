// The service over a real socket, with a compiler that does what the test says:
// admission, flights, workers, the store, faults.
#include <arpa/inet.h>
#include <dirent.h>
#include <grpcpp/grpcpp.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "base/limits.h"
#include "cache/testing/temp_folder.h"
#include "clients/cpp/grpc_status.h"
#include "compiler/artifact/read_manifest.h"
#include "compiler/artifact/signed_variant.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/server_process.h"
#include "tests/e2e/test_client.h"

namespace kiln {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kAdd[] = R"(graph main(%a: f32[s0, s1], %b: f32[s0, s1]) {
  %c = aten.add.Tensor(%a, %b)  # model.py:41
  return (%c)
})";
const Hints kSizes = {{"s0", 8}, {"s1", 16}};

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() { Restart(); }

  void Restart(std::vector<std::string> flags = {}) {
    server_.reset();
    flags.push_back("--compiler=fake");
    server_ = ServerProcess::Start(Data(), flags);
    ASSERT_NE(server_, nullptr);
    client_ = std::make_unique<TestClient>(server_->address());
  }
  std::string Data() const { return folder_.path() + "/data"; }

  CompileAnswer Compile(const Options& options = {}, const Hints& sizes = kSizes) {
    return client_->Compile(RequestFor(kAdd, sizes, options));
  }
  // Waits until the server has this many workers at work.
  std::vector<pid_t> AwaitWorkers(size_t count) {
    for (int i = 0; i < 1000 && server_->Workers().size() != count; ++i) usleep(5000);
    return server_->Workers();
  }

  // Starts a compile that never ends and waits until its worker is in the middle.
  struct Hanging {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::CompileResponse>> reader;
    absl::Status Finish() {
      // gRPC gives the status only behind the last message.
      for (v1::CompileResponse message; reader->Read(&message);) {
      }
      return FromGrpcStatus(reader->Finish());
    }
  };
  std::unique_ptr<Hanging> StartHanging() {
    auto hanging = std::make_unique<Hanging>();
    hanging->reader = client_->stub().Compile(&hanging->context, RequestFor(kAdd, kSizes, {{"behave", "hang"}}));
    for (v1::CompileResponse message; hanging->reader->Read(&message);) {
      if (message.progress().phase() == v1::Progress::PHASE_PROPAGATED) break;
    }
    return hanging;
  }

  TempFolder folder_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<TestClient> client_;
};

TEST_F(ServiceTest, CompilesOnceThenServesFromMemory) {
  const CompileAnswer first = Compile();
  ASSERT_TRUE(first.ok()) << first.status;
  EXPECT_EQ(first.tier(), v1::TIER_COMPILED);
  const CompileAnswer second = Compile();
  ASSERT_TRUE(second.ok()) << second.status;
  EXPECT_EQ(second.tier(), v1::TIER_MEMORY);
  EXPECT_EQ(second.result.variant().artifact(), first.result.variant().artifact());
  EXPECT_EQ(client_->Counters().compiles(), 1);
}

TEST_F(ServiceTest, TheRecordSaysEverythingAndIsSigned) {
  v1::CompileRequest request = RequestFor(kAdd, kSizes, {{"guards", "s0 <= 64"}});
  request.mutable_header()->set_domain("tenant");
  const CompileAnswer answer = client_->Compile(request);
  ASSERT_TRUE(answer.ok()) << answer.status;
  TrustedKeys trusted;
  ASSERT_TRUE(trusted.Add(client_->ServerInfo().public_keys(0)).ok());
  absl::StatusOr<v1::VariantRecord> record = trusted.Open(answer.result.variant().signed_());
  ASSERT_TRUE(record.ok()) << record.status();
  const std::string& elf = answer.result.variant().artifact();
  EXPECT_EQ(record->artifact_sha256(), Sha256(elf).bytes());
  EXPECT_EQ(record->artifact_bytes(), static_cast<int64_t>(elf.size()));
  EXPECT_EQ(record->key().graph(), answer.result.graph_digest());
  EXPECT_EQ(record->key().signature(), answer.result.signature_digest());
  EXPECT_EQ(record->key().domain(), "tenant");
  EXPECT_EQ(record->key().target_family(), "cpu/x86_64");
  EXPECT_EQ(record->requester(), "e2e");
  EXPECT_THAT(record->locations(), ElementsAre("model.py:41"));
  EXPECT_THAT(record->symbols(), ElementsAre("s0", "s1"));
  EXPECT_EQ(record->guards(0).condition(), "s0 <= 64");
  EXPECT_EQ(record->guard_signature().size(), Digest::kSizeBytes);
  EXPECT_GT(record->compile_seconds(), 0);
  EXPECT_GT(record->created_unix_seconds(), 0);
  EXPECT_EQ(ReadManifest(elf)->key().SerializeAsString(), record->key().SerializeAsString());
}

TEST_F(ServiceTest, AnotherDomainIsAnotherKey) {
  ASSERT_TRUE(Compile().ok());
  v1::CompileRequest request = RequestFor(kAdd, kSizes);
  request.mutable_header()->set_domain("tenant");
  EXPECT_EQ(client_->Compile(request).tier(), v1::TIER_COMPILED);
}

TEST_F(ServiceTest, SixtyFourThreadsOfManyConnectionsCompileOnce) {
  const v1::CompileRequest request = RequestFor(kAdd, kSizes, {{"ms", "200"}});
  std::atomic<int> compiled = 0, shared = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 64; ++i) {
    threads.emplace_back([&] {
      TestClient client(server_->address());
      const CompileAnswer answer = client.Compile(request);
      EXPECT_TRUE(answer.ok()) << answer.status;
      answer.tier() == v1::TIER_COMPILED ? ++compiled : ++shared;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(compiled, 1);
  EXPECT_EQ(shared, 63);
  const v1::ServerCounters counters = client_->Counters();
  EXPECT_EQ(counters.compiles(), 1);
  EXPECT_EQ(counters.joined() + counters.hits_memory(), 63);
}

TEST_F(ServiceTest, EightProcessesOfEightThreadsCompileOnce) {
  const std::vector<int> compiled = AskFromProcesses(server_->address(), 8, 8);
  EXPECT_EQ(std::accumulate(compiled.begin(), compiled.end(), 0), 1) << testing::PrintToString(compiled);
  const v1::ServerCounters counters = client_->Counters();
  EXPECT_EQ(counters.compiles(), 1);
  EXPECT_EQ(counters.joined() + counters.hits_memory(), 63);
}

TEST_F(ServiceTest, ARestartAfterKillNineCompilesNothing) {
  const CompileAnswer before = Compile();
  ASSERT_TRUE(before.ok()) << before.status;
  server_->KillHard();
  Restart();
  const CompileAnswer after = Compile();
  ASSERT_TRUE(after.ok()) << after.status;
  EXPECT_EQ(after.tier(), v1::TIER_DISK);
  EXPECT_EQ(after.result.variant().artifact(), before.result.variant().artifact());
  EXPECT_EQ(client_->Counters().compiles(), 0);
  EXPECT_EQ(Compile().tier(), v1::TIER_MEMORY);
}

TEST_F(ServiceTest, GuardsPickTheVariant) {
  ASSERT_EQ(Compile({{"guards", "s0 == 8"}}).tier(), v1::TIER_COMPILED);
  EXPECT_EQ(Compile({{"guards", "s0 == 8"}}, {{"s0", 8}, {"s1", 99}}).tier(), v1::TIER_MEMORY);
  const CompileAnswer other = Compile({{"guards", "s0 == 8"}}, {{"s0", 9}, {"s1", 16}});
  // The fake compiler's guard is false for it, and the front does not sign that.
  EXPECT_EQ(other.reason(), "WORKER_PROTOCOL");
  v1::LookupResponse response;
  const CompileAnswer first = Compile({{"guards", "s0 == 8"}});
  ASSERT_TRUE(client_->Lookup(LookupFor(RequestFor(kAdd, kSizes, {{"guards", "s0 == 8"}}), first, {9, 16}), response)
                  .ok());
  EXPECT_FALSE(response.found());
  EXPECT_THAT(response.reasons(), ElementsAre(v1::MISS_REASON_GUARD_FAILED));
}

TEST_F(ServiceTest, OthersJoinByThePropagatedGuards) {
  const Options slow = {{"guards", "s0 <= 64"}, {"ms", "500"}};
  std::thread leader([&] { EXPECT_EQ(Compile(slow).tier(), v1::TIER_COMPILED); });
  AwaitWorkers(1);
  const CompileAnswer joined = Compile(slow, {{"s0", 32}, {"s1", 7}});
  leader.join();
  EXPECT_EQ(joined.tier(), v1::TIER_JOINED) << joined.status;
  EXPECT_EQ(client_->Counters().compiles(), 1);
}

TEST_F(ServiceTest, AJoinerThatFailsALateGuardGetsItsOwnWithoutPerformanceGuards) {
  const Options slow = {{"performance_guard", "s0 == 8"}, {"ms", "500"}};
  std::thread leader([&] { EXPECT_EQ(Compile(slow).tier(), v1::TIER_COMPILED); });
  AwaitWorkers(1);
  const CompileAnswer other = Compile(slow, {{"s0", 32}, {"s1", 7}});
  leader.join();
  ASSERT_TRUE(other.ok()) << other.status;
  EXPECT_EQ(other.tier(), v1::TIER_COMPILED);
  EXPECT_EQ(other.record().guards_size(), 0);
  EXPECT_EQ(client_->Counters().compiles(), 2);
}

TEST_F(ServiceTest, StreamsProgress) {
  const CompileAnswer answer = Compile({{"guards", "s0 <= 64"}});
  std::vector<v1::Progress::Phase> phases;
  for (const v1::Progress& progress : answer.progress) phases.push_back(progress.phase());
  EXPECT_THAT(phases, Contains(v1::Progress::PHASE_QUEUED));
  EXPECT_THAT(phases, Contains(v1::Progress::PHASE_PROPAGATED));
  for (const v1::Progress& progress : answer.progress) {
    if (progress.phase() != v1::Progress::PHASE_PROPAGATED) continue;
    EXPECT_EQ(progress.guards(0).condition(), "s0 <= 64");
  }
}

TEST_F(ServiceTest, AKilledWorkerFailsItsFlightAndTheNextWorks) {
  const std::unique_ptr<Hanging> hanging = StartHanging();
  const std::vector<pid_t> workers = server_->Workers();
  ASSERT_EQ(workers.size(), 1u);
  kill(workers[0], SIGKILL);
  const absl::Status status = hanging->Finish();
  EXPECT_EQ(ReasonOf(status), "WORKER_CRASHED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("killed by signal 9"));
  EXPECT_TRUE(Compile().ok());
  EXPECT_EQ(client_->Counters().worker_crashes(), 1);
}

TEST_F(ServiceTest, AKilledZygoteIsReplaced) {
  const std::unique_ptr<Hanging> hanging = StartHanging();
  const pid_t before = server_->ZygotePid();
  ASSERT_GT(before, 1);
  kill(before, SIGKILL);
  EXPECT_EQ(ReasonOf(hanging->Finish()), "WORKER_CRASHED");
  const CompileAnswer next = Compile();
  EXPECT_TRUE(next.ok()) << next.status;
  EXPECT_NE(server_->ZygotePid(), before);
}

TEST_F(ServiceTest, WorkersThatDieOrTakeTooMuchAreTypedErrors) {
  for (const char* behave : {"abort", "early_abort", "eat_memory"}) {
    const CompileAnswer answer = Compile({{"behave", behave}});
    EXPECT_EQ(answer.reason(), "WORKER_CRASHED") << behave << answer.status;
  }
  EXPECT_EQ(Compile({{"behave", "refuse"}}).reason(), "UNKNOWN_OP");
  EXPECT_TRUE(Compile().ok());
}

TEST_F(ServiceTest, WhatAWorkerLiesAboutIsNotSigned) {
  const Options with_guard = {{"guards", "s0 <= 64"}};
  for (const char* behave :
       {"other_key", "other_build", "other_guards", "false_guard", "other_symbols", "needs_avx9", "junk"}) {
    Options options = with_guard;
    options["behave"] = behave;
    const CompileAnswer answer = Compile(options);
    EXPECT_EQ(answer.reason(), "WORKER_PROTOCOL") << behave << answer.status;
  }
  EXPECT_EQ(client_->Counters().variants(), 0);
}

TEST_F(ServiceTest, ADeadlineIsHonouredAndTheWorkStops) {
  const absl::Time begin = absl::Now();
  const CompileAnswer answer =
      client_->Compile(RequestFor(kAdd, kSizes, {{"behave", "hang"}}), absl::Milliseconds(300));
  EXPECT_EQ(answer.status.code(), absl::StatusCode::kDeadlineExceeded) << answer.status;
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
  EXPECT_TRUE(AwaitWorkers(0).empty());
}

TEST_F(ServiceTest, AShortDeadlineDoesNotStopTheCompileForOthers) {
  const v1::CompileRequest request = RequestFor(kAdd, kSizes, {{"ms", "600"}});
  std::thread hasty([&] {
    TestClient client(server_->address());
    EXPECT_EQ(client.Compile(request, absl::Milliseconds(200)).status.code(), absl::StatusCode::kDeadlineExceeded);
  });
  AwaitWorkers(1);
  EXPECT_EQ(client_->Compile(request).tier(), v1::TIER_JOINED);
  hasty.join();
  EXPECT_EQ(client_->Counters().compiles(), 1);
}

TEST_F(ServiceTest, WhenTheLastWaiterGoesTheWorkerDies) {
  const std::unique_ptr<Hanging> hanging = StartHanging();
  ASSERT_EQ(server_->Workers().size(), 1u);
  hanging->context.TryCancel();
  EXPECT_EQ(hanging->Finish().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(AwaitWorkers(0).empty());
  EXPECT_EQ(client_->Counters().compile_failures(), 1);
}

TEST_F(ServiceTest, CompilesByDigestWhatItHolds) {
  const v1::CompileRequest request = RequestFor(kAdd, kSizes, {{"guards", "s0 <= 64"}});
  const CompileAnswer first = client_->Compile(request);
  v1::CompileRequest by_digest = ByDigest(request, first, {32, 5});
  EXPECT_EQ(client_->Compile(by_digest).tier(), v1::TIER_MEMORY);
  (*by_digest.mutable_options()->mutable_values())["guards"] = "s1 == 5";
  const CompileAnswer other = client_->Compile(by_digest);
  ASSERT_TRUE(other.ok()) << other.status;
  EXPECT_EQ(other.result.graph_digest(), first.result.graph_digest());
  server_->KillHard();
  Restart();
  (*by_digest.mutable_options()->mutable_values())["guards"] = "s1 <= 6";
  EXPECT_EQ(client_->Compile(by_digest).tier(), v1::TIER_COMPILED);
  by_digest.mutable_ref()->set_graph_digest(std::string(32, 'x'));
  EXPECT_EQ(client_->Compile(by_digest).reason(), "GRAPH_NOT_FOUND");
  by_digest = ByDigest(request, first, {32});
  EXPECT_EQ(client_->Compile(by_digest).reason(), "MALFORMED_MESSAGE");
}

TEST_F(ServiceTest, LookupNeverCompilesAndSaysWhy) {
  const v1::CompileRequest request = RequestFor(kAdd, kSizes, {{"guards", "s0 <= 64"}});
  const CompileAnswer compiled = client_->Compile(request);
  v1::LookupRequest lookup = LookupFor(request, compiled, {8, 16});
  v1::LookupResponse response;
  ASSERT_TRUE(client_->Lookup(lookup, response).ok());
  EXPECT_TRUE(response.found());
  EXPECT_TRUE(response.graph_known());
  EXPECT_EQ(response.variant().artifact(), compiled.result.variant().artifact());

  lookup.add_have(compiled.record().artifact_sha256());
  ASSERT_TRUE(client_->Lookup(lookup, response).ok());
  EXPECT_TRUE(response.found());
  EXPECT_EQ(response.variant().artifact(), "");

  (*lookup.mutable_options()->mutable_values())["guards"] = "";
  ASSERT_TRUE(client_->Lookup(lookup, response).ok());
  EXPECT_THAT(response.reasons(), ElementsAre(v1::MISS_REASON_UNKNOWN_KEY));

  lookup.set_graph_digest("short");
  EXPECT_EQ(ReasonOf(client_->Lookup(lookup, response)), "MALFORMED_MESSAGE");
  lookup.mutable_host()->set_abi_min(7);
  lookup.mutable_host()->set_abi_max(9);
  EXPECT_EQ(ReasonOf(client_->Lookup(lookup, response)), "ABI_MISMATCH");
}

TEST_F(ServiceTest, LargeArtifactsComeInChunksFromAnyOffset) {
  const CompileAnswer answer = Compile({{"bytes", "3000000"}});
  ASSERT_TRUE(answer.ok()) << answer.status;
  EXPECT_EQ(answer.result.variant().artifact(), "");
  const std::string sha256 = answer.record().artifact_sha256();
  std::string whole, rest, none;
  int chunks = 0;
  ASSERT_TRUE(client_->GetArtifact(sha256, 0, whole, &chunks).ok());
  EXPECT_EQ(Sha256(whole).bytes(), sha256);
  EXPECT_EQ(chunks, (static_cast<int>(whole.size()) + (256 << 10) - 1) / (256 << 10));
  ASSERT_TRUE(client_->GetArtifact(sha256, 1000001, rest).ok());
  EXPECT_EQ(rest, whole.substr(1000001));
  EXPECT_TRUE(client_->GetArtifact(sha256, static_cast<int64_t>(whole.size()), none).ok());
  EXPECT_EQ(none, "");
  EXPECT_EQ(client_->GetArtifact(sha256, static_cast<int64_t>(whole.size()) + 1, none).code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(client_->GetArtifact(sha256, -1, none).code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReasonOf(client_->GetArtifact(std::string(32, 'x'), 0, none)), "ARTIFACT_NOT_FOUND");
}

TEST_F(ServiceTest, RandomBytesAreTypedErrorsAndTheServerGoesOn) {
  std::mt19937 random(7);
  for (const char* method : {"Lookup", "Compile", "GetArtifact", "Propagate", "GetServerInfo"}) {
    for (int i = 0; i < 40; ++i) {
      std::string bytes(random() % 200 + 1, '\0');
      for (char& c : bytes) c = static_cast<char>(random());
      const absl::Status status = client_->CallRaw(method, bytes);
      if (status.ok()) continue;  // GetServerInfo may skip what it does not know
      EXPECT_THAT(ReasonOf(status), testing::AnyOf("MALFORMED_MESSAGE", "UNSUPPORTED_GRAPH", "UNSUPPORTED_TARGET"))
          << method << status;
    }
  }
  EXPECT_TRUE(Compile().ok());
}

TEST_F(ServiceTest, MutatedRequestsAreTypedErrorsOrCompile) {
  const std::string good = RequestFor(kAdd, kSizes).SerializeAsString();
  std::mt19937 random(11);
  for (int i = 0; i < 150; ++i) {
    std::string bytes = good;
    for (unsigned k = 0; k <= random() % 3; ++k) bytes[random() % bytes.size()] = static_cast<char>(random());
    const absl::Status status = client_->CallRaw("Compile", bytes);
    EXPECT_TRUE(status.ok() || GetErrorReason(status).has_value()) << status;
  }
  EXPECT_TRUE(Compile().ok());
  EXPECT_EQ(client_->Counters().worker_crashes(), 0);
}

TEST_F(ServiceTest, MalformedRequestsNameTheFault) {
  v1::CompileRequest request = RequestFor(kAdd, kSizes);
  request.mutable_host()->mutable_target()->set_arch("riscv64");
  EXPECT_EQ(client_->Compile(request).reason(), "UNSUPPORTED_TARGET");
  request = RequestFor(kAdd, kSizes, {{"no_such_option", "1"}});
  EXPECT_EQ(client_->Compile(request).reason(), "OPTION_UNKNOWN");
  request = RequestFor(kAdd, kSizes);
  request.mutable_header()->set_request_id(std::string(65, 'x'));
  EXPECT_EQ(client_->Compile(request).reason(), "MALFORMED_MESSAGE");
  request = RequestFor(kAdd, kSizes);
  request.clear_graph();
  EXPECT_EQ(client_->Compile(request).reason(), "MALFORMED_MESSAGE");
  request = RequestFor(kAdd, kSizes);
  request.mutable_module()->mutable_graphs(0)->mutable_nodes(0)->set_target("aten.no_such.op");
  EXPECT_EQ(client_->Compile(request).reason(), "UNKNOWN_OP");
  request.add_have(std::string(GetLimit(Limit::kRequestBytes), 'x'));
  EXPECT_EQ(client_->Compile(request).reason(), "LIMIT_EXCEEDED");
}

// Every file of the store, changed one bit at several places.
void FlipBits(const std::string& folder) {
  DIR* dir = opendir(folder.c_str());
  ASSERT_NE(dir, nullptr) << folder;
  for (dirent* entry; (entry = readdir(dir)) != nullptr;) {
    const std::string path = folder + "/" + entry->d_name;
    struct stat info;
    if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    const std::string name = entry->d_name;
    if (name.find(".sst") == std::string::npos && name.find(".blob") == std::string::npos &&
        name.find(".log") == std::string::npos) {
      continue;
    }
    FILE* file = fopen(path.c_str(), "r+b");
    for (long at = info.st_size / 4; at < info.st_size; at += info.st_size / 4 + 1) {
      fseek(file, at, SEEK_SET);
      const int byte = fgetc(file);
      fseek(file, at, SEEK_SET);
      fputc(byte ^ 1, file);
    }
    fclose(file);
  }
  closedir(dir);
}

TEST_F(ServiceTest, AFlippedBitInTheStoreIsAMissOrAClearRefusalToStart) {
  ASSERT_TRUE(Compile({{"bytes", "100000"}}).ok());
  server_->Stop();
  FlipBits(Data() + "/cache");
  server_ = ServerProcess::Start(Data(), {"--compiler=fake"});
  if (server_ == nullptr) {
    const EndedServer ended = RunServerToItsEnd(Data(), {"--compiler=fake"});
    EXPECT_EQ(ended.exit_code, 3);
    EXPECT_THAT(ended.stderr_text, HasSubstr(Data()));
    return;
  }
  client_ = std::make_unique<TestClient>(server_->address());
  const CompileAnswer again = Compile({{"bytes", "100000"}});
  ASSERT_TRUE(again.ok()) << again.status;
  EXPECT_EQ(again.tier(), v1::TIER_COMPILED);
}

TEST_F(ServiceTest, AnArtifactOfAnotherKeyIsAMiss) {
  ASSERT_TRUE(Compile().ok());
  server_->Stop();
  ASSERT_EQ(unlink((Data() + "/signing_key").c_str()), 0);
  Restart();
  EXPECT_EQ(Compile().tier(), v1::TIER_COMPILED);
}

TEST_F(ServiceTest, AServerThatCannotStartSaysWhyInOneLine) {
  const EndedServer locked = RunServerToItsEnd(Data(), {"--compiler=fake"});
  EXPECT_EQ(locked.exit_code, 3);
  EXPECT_THAT(locked.stderr_text, HasSubstr(Data()));
  EXPECT_EQ(std::count(locked.stderr_text.begin(), locked.stderr_text.end(), '\n'), 1) << locked.stderr_text;

  const EndedServer no_folder = RunServerToItsEnd("/proc/kiln", {"--compiler=fake"});
  EXPECT_EQ(no_folder.exit_code, 3);
  EXPECT_THAT(no_folder.stderr_text, HasSubstr("/proc/kiln"));

  const EndedServer taken =
      RunServerToItsEnd(folder_.path() + "/other", {"--compiler=fake", "--listen=" + server_->address()});
  EXPECT_EQ(taken.exit_code, 4);
  EXPECT_THAT(taken.stderr_text, HasSubstr(server_->address()));

  const std::string key = folder_.path() + "/bad/signing_key";
  mkdir((folder_.path() + "/bad").c_str(), 0700);
  FILE* file = fopen(key.c_str(), "w");
  fputs("not a key\n", file);
  fclose(file);
  chmod(key.c_str(), 0600);
  const EndedServer bad_key = RunServerToItsEnd(folder_.path() + "/bad", {"--compiler=fake"});
  EXPECT_EQ(bad_key.exit_code, 3);
  EXPECT_THAT(bad_key.stderr_text, HasSubstr(key));
  chmod(key.c_str(), 0644);
  EXPECT_THAT(RunServerToItsEnd(folder_.path() + "/bad", {"--compiler=fake"}).stderr_text, HasSubstr("0644"));
}

TEST_F(ServiceTest, KeyFilesAreForTheirReaders) {
  struct stat info;
  ASSERT_EQ(stat((Data() + "/signing_key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(stat((Data() + "/signing_key.pub").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644u);
}

TEST_F(ServiceTest, SigtermLetsRunningCallsEndAndLeavesNobodyBehind) {
  CompileAnswer answer;
  std::thread asker([&] { answer = Compile({{"ms", "500"}}); });
  ASSERT_EQ(AwaitWorkers(1).size(), 1u);
  const pid_t zygote = server_->ZygotePid();
  ASSERT_GT(zygote, 1);
  EXPECT_EQ(server_->Stop(), 0);
  asker.join();
  EXPECT_TRUE(answer.ok()) << answer.status;
  EXPECT_NE(kill(zygote, 0), 0);
}

TEST_F(ServiceTest, AHungCompileDoesNotHoldUpTheEnd) {
  Restart({"--workers=1"});
  const std::unique_ptr<Hanging> hanging = StartHanging();
  EXPECT_EQ(server_->Stop(), 0);
  EXPECT_EQ(ReasonOf(hanging->Finish()), "SHUTTING_DOWN");
}

TEST_F(ServiceTest, KillNineOfTheFrontLeavesNobodyBehind) {
  const std::unique_ptr<Hanging> hanging = StartHanging();
  const std::vector<pid_t> workers = server_->Workers();
  ASSERT_EQ(workers.size(), 1u);
  const pid_t zygote = server_->ZygotePid();
  ASSERT_GT(zygote, 1);
  server_->KillHard();
  hanging->Finish();
  for (pid_t pid : {zygote, workers[0]}) {
    for (int i = 0; i < 1000 && kill(pid, 0) == 0; ++i) usleep(5000);
    EXPECT_NE(kill(pid, 0), 0);
  }
}

TEST_F(ServiceTest, AnIdleServerEnds) {
  Restart({"--idle_ms=200"});
  EXPECT_EQ(server_->Wait(), 0);
}

TEST_F(ServiceTest, ServesOnAUnixSocketForItsOwnerAlone) {
  const std::string path = folder_.path() + "/kiln.sock";
  Restart({"--listen=unix:" + path});
  EXPECT_EQ(server_->address(), "unix:" + path);
  EXPECT_TRUE(Compile().ok());
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 077, 0u);
}

// The body of a page of the server's.
std::string Get(const std::string& url) {
  int port = 0;
  if (sscanf(url.c_str(), "http://127.0.0.1:%d/metrics", &port) != 1) return "";
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  std::string page;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
    if (write(fd, request.data(), request.size()) > 0) {
      char buffer[4096];
      for (ssize_t got; (got = read(fd, buffer, sizeof(buffer))) > 0;) page.append(buffer, static_cast<size_t>(got));
    }
  }
  close(fd);
  return page;
}

TEST_F(ServiceTest, MetricsAreTheSameNumbers) {
  ASSERT_TRUE(Compile({{"guards", "s0 <= 64;s1 != 3"}}).ok());
  ASSERT_TRUE(Compile({{"guards", "s0 <= 64;s1 != 3"}}).ok());
  Compile({{"behave", "abort"}});
  const v1::ServerCounters counters = client_->Counters();
  EXPECT_EQ(counters.guards(), 2);
  const std::string page = Get(server_->metrics_url());
  for (const std::string& line :
       {absl::StrCat("kiln_compiles_total ", counters.compiles()),
        absl::StrCat("kiln_cache_hits_total{tier=\"memory\"} ", counters.hits_memory()),
        absl::StrCat("kiln_artifact_bytes ", counters.artifact_bytes()),
        absl::StrCat("kiln_guards_total ", counters.guards()), std::string("kiln_flights 0"),
        std::string("kiln_compile_failures_total{reason=\"WORKER_CRASHED\"} 1"),
        std::string("kiln_requests_total{code=\"OK\",rpc=\"Compile\"} 2"),
        std::string("kiln_compile_stage_seconds_total{stage=\"codegen\"} ")}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST_F(ServiceTest, TheStandardHealthServiceAnswers) {
  std::string response;
  ASSERT_TRUE(client_->CallRaw("/grpc.health.v1.Health/Check", "", &response).ok());
  // status: SERVING
  EXPECT_EQ(response, "\x08\x01");
}

TEST_F(ServiceTest, ServerInfoHasTheTables) {
  const v1::GetServerInfoResponse info = client_->ServerInfo();
  EXPECT_EQ(info.compiler_build(), "fake-1");
  EXPECT_THAT(info.target_families(), ElementsAre("cpu/x86_64"));
  EXPECT_EQ(info.limits_size(), static_cast<int>(Limits().size()));
  EXPECT_EQ(info.options_size(), 6);
  EXPECT_THAT(info.capabilities(), Contains("compile-by-digest"));
  EXPECT_EQ(info.public_keys(0).size(), kPublicKeyBytes);
}

}  // namespace
}  // namespace kiln
