// The client of server tests: requests from text, answers with everything that a
// test may ask about. Thread-safe.
#ifndef KILN_TESTS_E2E_TEST_CLIENT_H_
#define KILN_TESTS_E2E_TEST_CLIENT_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "kiln/v1/compile_service.grpc.pb.h"

namespace kiln {

using Hints = std::vector<std::pair<std::string, int64_t>>;
using Options = std::map<std::string, std::string>;

struct CompileAnswer {
  absl::Status status;
  v1::CompileResult result;
  std::vector<v1::Progress> progress;

  bool ok() const { return status.ok(); }
  v1::Tier tier() const { return result.variant().tier(); }
  v1::VariantRecord record() const;
  // The reason's name, or "OK".
  std::string reason() const;
};

// "OK", the reason's name, or the code's where there is no reason.
std::string ReasonOf(const absl::Status& status);

// `text` as a module, its symbols bound to `hints`.
v1::GraphModule ModuleOf(const std::string& text, const Hints& hints);
v1::CompileRequest RequestFor(const std::string& text, const Hints& hints, const Options& options = {});
// The same by digest, from the answer to an earlier one.
v1::CompileRequest ByDigest(const v1::CompileRequest& request, const CompileAnswer& answer,
                            std::vector<int64_t> symbol_values);
v1::LookupRequest LookupFor(const v1::CompileRequest& request, const CompileAnswer& answer,
                            std::vector<int64_t> symbol_values);

class TestClient {
 public:
  explicit TestClient(const std::string& address);

  CompileAnswer Compile(const v1::CompileRequest& request, absl::Duration timeout = absl::Seconds(60));
  absl::Status Lookup(const v1::LookupRequest& request, v1::LookupResponse& response);
  // All chunks from `offset`; counts them.
  absl::Status GetArtifact(const std::string& sha256, int64_t offset, std::string& bytes, int* chunks = nullptr);
  absl::Status Propagate(const v1::GraphModule& module, v1::PropagateResponse& response);
  absl::Status Explain(const v1::ExplainRequest& request, v1::ExplainResponse& response);
  v1::GetServerInfoResponse ServerInfo();
  v1::ServerCounters Counters() { return ServerInfo().counters(); }
  // A unary or streaming method by name, or by path, with bytes of the test's; the
  // last message's bytes.
  absl::Status CallRaw(const std::string& method, const std::string& bytes, std::string* response = nullptr);

  v1::CompileService::Stub& stub() { return *stub_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::CompileService::Stub> stub_;
};

}  // namespace kiln

#endif  // KILN_TESTS_E2E_TEST_CLIENT_H_
