// The main() of server tests: the tests; or, with --serve, the server that they
// talk to; or, with --ask, one of many client processes. One binary, so that a
// server's build is the test's.
#include <grpcpp/channel.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "service/serve.h"
#include "service/testing/fake_compiler.h"
#include "tests/e2e/test_client.h"

namespace {

constexpr absl::Duration kPatience = absl::Seconds(240);

int RunServer(int argc, char** argv) {
  kiln::ServeOptions options;
  options.listen = {"127.0.0.1:0"};
  options.log_level = "warn";
  options.drain = absl::Seconds(5);
  std::string build;
  for (int i = 2; i < argc; ++i) {
    absl::string_view flag = argv[i];
    if (absl::ConsumePrefix(&flag, "--data=")) options.data_folder = std::string(flag);
    if (absl::ConsumePrefix(&flag, "--listen=")) options.listen = {std::string(flag)};
    if (absl::ConsumePrefix(&flag, "--trusted_keys=")) options.trusted_keys_file = std::string(flag);
    if (absl::ConsumePrefix(&flag, "--revoked=")) options.revoked_file = std::string(flag);
    if (absl::ConsumePrefix(&flag, "--admin=")) options.admin_listen = std::string(flag);
    if (absl::ConsumePrefix(&flag, "--admin_token=")) options.admin_token_file = std::string(flag);
    if (absl::ConsumePrefix(&flag, "--workers=")) options.workers = std::atoi(std::string(flag).c_str());
    if (absl::ConsumePrefix(&flag, "--disk_bytes=")) {
      options.disk_cache_bytes = std::atoll(std::string(flag).c_str());
    }
    if (absl::ConsumePrefix(&flag, "--memory_bytes=")) {
      options.memory_cache_bytes = std::atoll(std::string(flag).c_str());
    }
    if (absl::ConsumePrefix(&flag, "--scrub_bytes_per_second=")) {
      options.scrub_bytes_per_second = std::atoll(std::string(flag).c_str());
    }
    if (absl::ConsumePrefix(&flag, "--idle_ms=")) {
      options.idle_exit = absl::Milliseconds(std::atoi(std::string(flag).c_str()));
    }
    if (absl::ConsumePrefix(&flag, "--key=")) options.key_file = std::string(flag);
    if (absl::ConsumePrefix(&flag, "--log=")) options.log_level = std::string(flag);
    if (absl::ConsumePrefix(&flag, "--redis=")) options.redis = std::string(flag);
    if (absl::ConsumePrefix(&flag, "--peers=")) options.peers = absl::StrSplit(flag, ',');
    if (absl::ConsumePrefix(&flag, "--redis_ca=")) options.redis_tls.ca_file = std::string(flag);
    if (absl::ConsumePrefix(&flag, "--redis_cert=")) options.redis_tls.cert_file = std::string(flag);
    if (absl::ConsumePrefix(&flag, "--redis_key=")) options.redis_tls.key_file = std::string(flag);
    if (absl::ConsumePrefix(&flag, "--shape_threshold=")) {
      options.shape_threshold = std::atoi(std::string(flag).c_str());
    }
    if (flag == "--better_isa") options.better_isa = true;
    if (absl::ConsumePrefix(&flag, "--lease_ms=")) {
      options.fleet.lifetime = absl::Milliseconds(std::atoi(std::string(flag).c_str()));
    }
    if (flag == "--compiler=fake") options.compiler = kiln::FakeCompiler();
    if (absl::ConsumePrefix(&flag, "--build=")) build = std::string(flag);
  }
  if (!build.empty()) options.compiler.build = build;
  return kiln::Serve(options);
}

// NAME=VALUE from argument `first` on.
kiln::Options OptionsOf(int argc, char** argv, int first) {
  kiln::Options options;
  for (int i = first; i < argc; ++i) {
    const std::pair<std::string, std::string> option = absl::StrSplit(argv[i], absl::MaxSplits('=', 1));
    options.insert(option);
  }
  return options;
}

// As many threads as told, each with a connection of its own, ask for one graph,
// with a compiler that behaves as told. The exit code is the number of them that
// caused a compile, 100 on an error.
int RunAskers(const std::string& address, int threads, const kiln::Options& options) {
  const kiln::v1::CompileRequest request =
      kiln::RequestFor("graph main(%a: f32[s0]) {\n  %b = aten.add.Tensor(%a, %a)\n  return (%b)\n}", {{"s0", 8}},
                       options);
  std::atomic<int> compiled = 0, failed = 0;
  std::vector<std::thread> askers;
  for (int i = 0; i < threads; ++i) {
    askers.emplace_back([&] {
      kiln::TestClient client(address);
      // A thousand who connect at once need longer than one connection is given.
      client.channel()->WaitForConnected(absl::ToChronoTime(absl::Now() + kPatience));
      const kiln::CompileAnswer answer = client.Compile(request, kPatience);
      if (!answer.ok()) ++failed;
      if (answer.tier() == kiln::v1::TIER_COMPILED) ++compiled;
    });
  }
  for (std::thread& asker : askers) asker.join();
  return failed > 0 ? 100 : compiled.load();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && absl::string_view(argv[1]) == "--serve") return RunServer(argc, argv);
  if (argc > 3 && absl::string_view(argv[1]) == "--ask") {
    return RunAskers(argv[2], std::atoi(argv[3]), OptionsOf(argc, argv, 4));
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
