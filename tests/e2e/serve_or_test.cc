// The main() of server tests: the tests, or, with --serve, the server that they
// talk to. One binary, so that a server's build is the test's.
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "service/serve.h"
#include "service/testing/fake_compiler.h"

namespace {

int RunServer(int argc, char** argv) {
  kiln::ServeOptions options;
  options.listen = {"127.0.0.1:0"};
  options.log_level = "warn";
  options.drain = absl::Seconds(5);
  for (int i = 2; i < argc; ++i) {
    absl::string_view flag = argv[i];
    if (absl::ConsumePrefix(&flag, "--data=")) options.data_folder = std::string(flag);
    if (absl::ConsumePrefix(&flag, "--listen=")) options.listen = {std::string(flag)};
    if (absl::ConsumePrefix(&flag, "--workers=")) options.workers = std::atoi(std::string(flag).c_str());
    if (absl::ConsumePrefix(&flag, "--idle_ms=")) {
      options.idle_exit = absl::Milliseconds(std::atoi(std::string(flag).c_str()));
    }
    if (flag == "--compiler=fake") options.compiler = kiln::FakeCompiler();
  }
  return kiln::Serve(options);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && absl::string_view(argv[1]) == "--serve") return RunServer(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
