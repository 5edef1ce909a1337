// Fixtures of server tests: a real server in its own process with a data folder of
// its own, and a client.
#ifndef KILN_TESTS_E2E_SERVICE_FIXTURE_H_
#define KILN_TESTS_E2E_SERVICE_FIXTURE_H_

#include <grpcpp/grpcpp.h>
#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cache/testing/temp_folder.h"
#include "gtest/gtest.h"
#include "tests/e2e/server_process.h"
#include "tests/e2e/test_client.h"

namespace kiln {

class ServerTest : public testing::Test {
 protected:
  // `flags` are those of every start, as serve_or_test.cc takes them.
  explicit ServerTest(std::vector<std::string> flags = {}) : flags_(std::move(flags)) { Restart(); }

  // Ends the server, hard, and starts another over the same data.
  void Restart(std::vector<std::string> more_flags = {});
  std::string Data() const { return folder_.path() + "/data"; }
  // Waits until the server has this many workers at work, at most a few seconds.
  std::vector<pid_t> AwaitWorkers(size_t count);

  const std::vector<std::string> flags_;
  TempFolder folder_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<TestClient> client_;
};

inline constexpr char kAdd[] = R"(graph main(%a: f32[s0, s1], %b: f32[s0, s1]) {
  %c = aten.add.Tensor(%a, %b)  # model.py:41
  return (%c)
})";
inline const Hints kSizes = {{"s0", 8}, {"s1", 16}};

// With a compiler that does what the options of a request say
// (service/testing/fake_compiler.h).
class ServiceTest : public ServerTest {
 protected:
  ServiceTest() : ServerTest({"--compiler=fake"}) {}

  CompileAnswer Compile(const Options& options = {}, const Hints& sizes = kSizes) {
    return client_->Compile(RequestFor(kAdd, sizes, options));
  }

  // A compile that never ends.
  struct Hanging {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::CompileResponse>> reader;
    // How the call ended; waits for that.
    absl::Status Finish();
  };
  // Starts one and waits until its worker is in the middle.
  std::unique_ptr<Hanging> StartHanging();
};

}  // namespace kiln

#endif  // KILN_TESTS_E2E_SERVICE_FIXTURE_H_
