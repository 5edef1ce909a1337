// The tiers below memory, beside what redis-benchmark takes for values of the same
// size; and hits of memory while Redis is well, hangs, and is gone.
//
//   tier_bench --kiln=build/clients/cli/kiln
//
// Starts a redis-server and servers of its own. What is compared is asked for in
// turn, one call at a time.
#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/lock_checks.h"
#include "base/status_macros.h"
#include "cache/disk_store.h"
#include "cache/redis/redis_store.h"
#include "cache/shared_index.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/redis_process.h"
#include "cache/verified_store.h"
#include "clients/cpp/client.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/op_table.h"
#include "kiln/v1/compile_service.grpc.pb.h"

extern char** environ;

namespace kiln {
namespace {

constexpr char kGraph[] = R"(
graph hit(%a: f32[s0, s1], %b: f32[s1]) {
  %0 = aten.add.Tensor(%a, %b)
  %1 = aten.relu.default(%0)
  return (%1)
}
)";

double Microseconds(const std::function<void()>& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

double Percentile(std::vector<double>& values, double p) {
  auto at = values.begin() + static_cast<ptrdiff_t>(p * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// Of this thread alone: what a busy machine takes from it does not count.
double CpuMicroseconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

struct Way {
  const char* name;
  std::function<bool()> call;
  std::vector<double> times = {};
  std::vector<double> cpu_times = {};
};

// What `redis-benchmark` says of GET for one connection: microseconds at p50 and p99.
bool AskRedisBenchmark(int port, const std::string& key, int calls, double& p50, double& p99) {
  const std::string command = absl::StrCat("redis-benchmark -p ", port, " -c 1 -n ", calls, " --csv GET ", key);
  FILE* output = popen(command.c_str(), "r");
  if (output == nullptr) return false;
  char line[1024];
  std::string last;
  while (fgets(line, sizeof(line), output) != nullptr) last = line;
  pclose(output);
  // "test","rps","avg","min","p50","p95","p99","max", in milliseconds.
  std::vector<std::string> fields = absl::StrSplit(last, ',');
  for (std::string& field : fields) std::erase(field, '"');
  if (fields.size() < 8 || !absl::SimpleAtod(fields[4], &p50) || !absl::SimpleAtod(fields[6], &p99)) return false;
  p50 *= 1000;
  p99 *= 1000;
  return true;
}

bool CompareTiers(RedisProcess& redis) {
  const SigningKey key = SigningKey::Generate();
  TempFolder folder;
  RedisOptions options = redis.ClientOptions();
  options.limits = RedisStoreReplyLimits();
  std::shared_ptr<RedisClient> client = *RedisClient::Create(options, Clock::Real());
  SharedIndex shared(std::make_shared<RedisStore>(client, RedisStoreOptions(), Clock::Real()), Trusting(key), {},
                     Clock::Real());
  VerifiedStore disk(*DiskStore::Open(folder.path() + "/disk"), Trusting(key), std::make_shared<DropLog>());
  std::printf("one artifact by its digest, verified; microseconds at p50 and p99, of this thread's CPU at p50\n");
  for (size_t size : {size_t{4} << 10, size_t{64} << 10, size_t{1} << 20}) {
    std::mt19937_64 random(size);
    std::string elf(size, '\0');
    for (char& byte : elf) byte = static_cast<char>(random());
    const VariantSpec spec = {.elf = elf};
    const Digest digest = Sha256(elf);
    const IndexedVariantPtr variant = *MakeIndexedVariant(SignVariant(key, spec));
    if (!shared.Publish(*variant, Elf(elf)).ok() || !disk.Publish(SignedRow(key, spec), Elf(elf)).ok()) return false;
    const std::string raw = absl::StrCat("raw", size);
    if (!client->Call(raw, {"SET", raw, elf}).ok()) return false;
    std::vector<Way> ways = {{"disk", [&] { return disk.GetArtifact(digest).ok(); }},
                             {"Redis", [&] { return shared.Fetch("", digest).ok(); }},
                             {"GET alone", [&] { return client->Call(raw, {"GET", raw}).ok(); }},
                             {"SHA-256 alone", [&] { return Sha256(elf) == digest; }}};
    const int calls = size > 100000 ? 500 : 5000;
    for (int i = 0; i < calls; ++i) {
      for (Way& way : ways) {
        bool ok = false;
        const double cpu = CpuMicroseconds();
        way.times.push_back(Microseconds([&] { ok = way.call(); }));
        way.cpu_times.push_back(CpuMicroseconds() - cpu);
        if (!ok) return false;
      }
    }
    double p50 = 0, p99 = 0;
    if (!AskRedisBenchmark(redis.port(), raw, calls, p50, p99)) return false;
    std::printf("  %7zu B", size);
    for (Way& way : ways) {
      std::printf("   %s %.0f %.0f (%.0f)", way.name, Percentile(way.times, 0.5), Percentile(way.times, 0.99),
                  Percentile(way.cpu_times, 0.5));
    }
    std::printf("   redis-benchmark %.0f %.0f\n", p50, p99);
  }
  return true;
}

// `kiln serve`, killed with the object.
class Server {
 public:
  Server(const std::string& kiln, const std::string& redis_url) {
    int ends[2];
    if (pipe(ends) != 0) return;
    std::vector<std::string> words = {kiln,      "serve",   "--listen", "127.0.0.1:0", "--metrics", "none",
                                      "--redis", redis_url, "--log-level", "err"};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn(&pid_, kiln.c_str(), &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE* output = fdopen(ends[0], "r");
    char address[256] = {};
    if (fscanf(output, "kiln: serving on %255s", address) == 1) address_ = address;
    fclose(output);
  }
  ~Server() {
    if (pid_ <= 1) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  const std::string& address() const { return address_; }

 private:
  pid_t pid_ = -1;
  std::string address_;
};

// Lookups of graphs that nobody has: each asks Redis.
class Misses {
 public:
  Misses(const std::string& address, v1::LookupRequest request) {
    for (int i = 0; i < 2; ++i) {
      threads_.emplace_back([this, address, request, i]() mutable {
        auto stub = v1::CompileService::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
        std::mt19937_64 random(static_cast<uint64_t>(i) + 1);
        while (!done_) {
          for (char& byte : *request.mutable_graph_digest()) byte = static_cast<char>(random());
          grpc::ClientContext context;
          v1::LookupResponse response;
          if (!stub->Lookup(&context, request, &response).ok()) ++failed_;
          ++asked_;
          std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
      });
    }
  }
  ~Misses() {
    done_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  int asked() const { return asked_; }
  int failed() const { return failed_; }

 private:
  std::atomic<bool> done_{false};
  std::atomic<int> asked_{0};
  std::atomic<int> failed_{0};
  std::vector<std::thread> threads_;
};

absl::Status CompareOutages(const std::string& kiln, RedisProcess& redis, int calls) {
  Server server(kiln, redis.url());
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(Graph graph, ParseGraph(kGraph, &pool, FindOpSchema));
  KILN_RETURN_IF_ERROR(BindSymbols(graph, {{"s0", 64}, {"s1", 32}}));
  KILN_ASSIGN_OR_RETURN(std::unique_ptr<Client> client, Client::Connect({.address = server.address()}));
  const v1::HostCapabilities host = ThisHost(1);
  KILN_RETURN_IF_ERROR(client->Compile(graph, {}, host).status());
  KILN_ASSIGN_OR_RETURN(GraphIdentity identity, IdentifyGraph(graph, &pool));
  v1::LookupRequest request;
  request.set_graph_digest(std::string(identity.graph.bytes()));
  request.set_signature_digest(std::string(identity.signature.bytes()));
  request.mutable_symbol_values()->Add(identity.symbol_values.begin(), identity.symbol_values.end());
  *request.mutable_host() = host;
  auto stub = v1::CompileService::NewStub(grpc::CreateChannel(server.address(), grpc::InsecureChannelCredentials()));
  const struct {
    const char* name;
    std::function<void()> make;
  } states[] = {{"is well", [] {}},
                {"hangs", [&] { redis.Pause(); }},
                {"is well again", [&] { redis.Resume(); }},
                {"is gone", [&] { redis.KillHard(); }}};
  std::printf("a hit of memory over loopback, beside lookups that miss, while Redis\n");
  for (const auto& state : states) {
    state.make();
    Misses misses(server.address(), request);
    std::vector<double> hits;
    int not_found = 0;
    for (int i = 0; i < calls; ++i) {
      hits.push_back(Microseconds([&] {
        grpc::ClientContext context;
        v1::LookupResponse response;
        if (!stub->Lookup(&context, request, &response).ok() || !response.found()) ++not_found;
      }));
    }
    std::printf("  %-14s p50 %6.0f us   p99 %6.0f us   of %d hits %d failed, of %d misses %d failed\n", state.name,
                Percentile(hits, 0.5), Percentile(hits, 0.99), calls, not_found, misses.asked(), misses.failed());
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  kiln::SkipLockOrderChecks();
  CLI::App app{"Tiers below memory, and memory while Redis is away"};
  std::string kiln;
  int calls = 10000;
  app.add_option("--kiln", kiln, "The kiln binary")->required();
  app.add_option("--calls", calls, "Hits in each state of Redis")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const std::unique_ptr<kiln::RedisProcess> redis = kiln::RedisProcess::Start();
  if (redis == nullptr || !kiln::CompareTiers(*redis)) {
    std::cerr << "error: the tiers cannot be compared\n";
    return 1;
  }
  const absl::Status status = kiln::CompareOutages(kiln, *redis, calls);
  if (!status.ok()) std::cerr << "error: " << status << "\n";
  return status.ok() ? 0 : 1;
}
