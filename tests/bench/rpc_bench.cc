// The RPC of a cache hit against an empty RPC of the same size.
//
//   rpc_bench --address=127.0.0.1:7077 [--calls=4000] [--connections 1 64 1000]
//
// Compiles a small graph through the server, then asks for it again and again by
// Lookup, in turn with the same request to a second process that answers every
// Lookup with the same bytes and does nothing else. Prints p50 and p99 of both and
// their ratio, once with the artifact in the reply and once without; then the
// throughput of many connections that each ask again when they are answered.
#include <grpcpp/grpcpp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/synchronization/blocking_counter.h"
#include "base/lock_checks.h"
#include "base/status_macros.h"
#include "clients/cpp/client.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/op_table.h"
#include "kiln/v1/compile_service.grpc.pb.h"

namespace kiln {
namespace {

constexpr char kGraph[] = R"(
graph hit(%a: f32[s0, s1], %b: f32[s1]) {
  %0 = aten.add.Tensor(%a, %b)
  %1 = aten.relu.default(%0)
  return (%1)
}
)";

// Answers every Lookup with one of two replies that the real server gave.
class EmptyService final : public v1::CompileService::CallbackService {
 public:
  explicit EmptyService(v1::LookupResponse with, v1::LookupResponse without)
      : with_artifact_(std::move(with)), without_artifact_(std::move(without)) {}

  grpc::ServerUnaryReactor* Lookup(grpc::CallbackServerContext* context, const v1::LookupRequest* request,
                                   v1::LookupResponse* response) override {
    *response = request->have_size() > 0 ? without_artifact_ : with_artifact_;
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const v1::LookupResponse with_artifact_;
  const v1::LookupResponse without_artifact_;
};

std::string ReadAll(int fd) {
  std::string bytes;
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof(buffer))) > 0;) bytes.append(buffer, n);
  return bytes;
}

// The second process: replies come in on standard input, the port goes out.
int RunEmptyServer() {
  // The two replies, in the digests' fields of one message.
  v1::LookupRequest framed;
  framed.ParseFromString(ReadAll(STDIN_FILENO));
  v1::LookupResponse with, without;
  with.ParseFromString(framed.graph_digest());
  without.ParseFromString(framed.signature_digest());
  EmptyService service(std::move(with), std::move(without));
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  std::cout << port << std::endl;
  server->Wait();
  return 0;
}

// A child of this very binary, killed when the value dies.
class EmptyServer {
 public:
  EmptyServer(const v1::LookupResponse& with, const v1::LookupResponse& without) {
    int to_child[2], from_child[2];
    if (pipe(to_child) != 0 || pipe(from_child) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      dup2(to_child[0], STDIN_FILENO);
      dup2(from_child[1], STDOUT_FILENO);
      close(to_child[1]);
      close(from_child[0]);
      execl("/proc/self/exe", "rpc_bench", "--empty-server", nullptr);
      _exit(127);
    }
    close(to_child[0]);
    close(from_child[1]);
    v1::LookupRequest framed;
    framed.set_graph_digest(with.SerializeAsString());
    framed.set_signature_digest(without.SerializeAsString());
    const std::string bytes = framed.SerializeAsString();
    for (size_t sent = 0; sent < bytes.size();) {
      ssize_t n = write(to_child[1], bytes.data() + sent, bytes.size() - sent);
      if (n <= 0) break;
      sent += n;
    }
    close(to_child[1]);
    char line[16] = {};
    if (read(from_child[0], line, sizeof(line) - 1) > 0) address_ = std::string("127.0.0.1:") + std::to_string(std::atoi(line));
    close(from_child[0]);
  }
  ~EmptyServer() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  EmptyServer(const EmptyServer&) = delete;
  EmptyServer& operator=(const EmptyServer&) = delete;
  const std::string& address() const { return address_; }

 private:
  pid_t pid_ = -1;
  std::string address_;
};

using Stub = std::unique_ptr<v1::CompileService::Stub>;

Stub Connect(const std::string& address) {
  return v1::CompileService::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
}

double CallMicroseconds(const Stub& stub, const v1::LookupRequest& request, v1::LookupResponse* response) {
  grpc::ClientContext context;
  const auto start = std::chrono::steady_clock::now();
  grpc::Status status = stub->Lookup(&context, request, response);
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
  if (!status.ok()) {
    std::cerr << "error: Lookup: " << status.error_message() << "\n";
    std::exit(1);
  }
  return took.count();
}

// One of many connections: asks again when it is answered.
class Asker {
 public:
  Asker(const std::string& address, const v1::LookupRequest& request, std::atomic<int>* left)
      : request_(request), left_(left) {
    grpc::ChannelArguments arguments;
    // A socket of its own.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = v1::CompileService::NewStub(
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
  }

  // Asks while there are calls left, then tells `running`.
  void Start(absl::BlockingCounter* running) {
    running_ = running;
    Next();
  }
  int failed() const { return failed_; }

 private:
  void Next() {
    if (left_->fetch_sub(1) <= 0) {
      running_->DecrementCount();
      return;
    }
    // gRPC may still look at the last call's context while it tells of its end.
    last_context_ = std::exchange(context_, std::make_unique<grpc::ClientContext>());
    response_ = std::make_unique<v1::LookupResponse>();
    stub_->async()->Lookup(context_.get(), &request_, response_.get(), [this](grpc::Status status) {
      if (!status.ok() || !response_->found()) ++failed_;
      Next();
    });
  }
  const v1::LookupRequest& request_;
  std::atomic<int>* const left_;
  absl::BlockingCounter* running_ = nullptr;
  Stub stub_;
  std::unique_ptr<grpc::ClientContext> context_, last_context_;
  std::unique_ptr<v1::LookupResponse> response_;
  int failed_ = 0;
};

// Calls a second.
double Throughput(const std::string& address, const v1::LookupRequest& request, int connections, int calls) {
  std::atomic<int> left{0};
  std::vector<std::unique_ptr<Asker>> askers;
  for (int i = 0; i < connections; ++i) askers.push_back(std::make_unique<Asker>(address, request, &left));
  auto seconds_of = [&](int count) {
    absl::BlockingCounter running(connections);
    left = count;
    const auto start = std::chrono::steady_clock::now();
    for (auto& asker : askers) asker->Start(&running);
    running.Wait();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  // Connects.
  seconds_of(10 * connections);
  const double seconds = seconds_of(calls);
  int failed = 0;
  for (auto& asker : askers) failed += asker->failed();
  if (failed > 0) std::printf("  %d calls FAILED\n", failed);
  return calls / seconds;
}

double Percentile(std::vector<double>& values, double p) {
  auto at = values.begin() + static_cast<ptrdiff_t>(p * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

void Compare(const char* name, const Stub& real, const Stub& empty, const v1::LookupRequest& request, int calls) {
  v1::LookupResponse response;
  std::vector<double> hit, nothing;
  for (int i = 0; i < calls; ++i) {
    hit.push_back(CallMicroseconds(real, request, &response));
    nothing.push_back(CallMicroseconds(empty, request, &response));
  }
  const double h50 = Percentile(hit, 0.5), h99 = Percentile(hit, 0.99);
  const double e50 = Percentile(nothing, 0.5), e99 = Percentile(nothing, 0.99);
  std::printf("  %-32s %7zu B  hit p50 %6.0f us p99 %6.0f us   empty p50 %6.0f us p99 %6.0f us   empty/hit %.2f\n", name,
              response.ByteSizeLong(), h50, h99, e50, e99, e50 / h50);
}

void CompareThroughput(const std::string& real, const std::string& empty, const v1::LookupRequest& request,
                       const std::vector<int>& connections, int calls) {
  for (int count : connections) {
    const double hits = Throughput(real, request, count, calls);
    const double nothing = Throughput(empty, request, count, calls);
    std::printf("  %4d connections: %8.0f hits/s   %8.0f empty calls/s   hit/empty %.2f\n", count, hits, nothing,
                hits / nothing);
  }
}

absl::Status Run(const std::string& address, int calls, const std::vector<int>& connections) {
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(Graph graph, ParseGraph(kGraph, &pool, FindOpSchema));
  KILN_RETURN_IF_ERROR(BindSymbols(graph, {{"s0", 64}, {"s1", 32}}));
  KILN_ASSIGN_OR_RETURN(std::unique_ptr<Client> client, Client::Connect({.address = address}));
  const v1::HostCapabilities host = ThisHost(1);
  KILN_RETURN_IF_ERROR(client->Compile(graph, {}, host).status());
  KILN_ASSIGN_OR_RETURN(GraphIdentity identity, IdentifyGraph(graph, &pool));
  KILN_ASSIGN_OR_RETURN(v1::LookupResponse with, client->Lookup(identity, {}, host));
  v1::VariantRecord record;
  if (!with.found() || !record.ParseFromString(with.variant().signed_().record())) {
    return absl::InternalError("the graph that was just compiled is not found");
  }
  v1::LookupRequest request;
  request.set_graph_digest(std::string(identity.graph.bytes()));
  request.set_signature_digest(std::string(identity.signature.bytes()));
  request.mutable_symbol_values()->Add(identity.symbol_values.begin(), identity.symbol_values.end());
  *request.mutable_host() = host;
  v1::LookupResponse without = with;
  without.mutable_variant()->clear_artifact();
  EmptyServer empty_server(with, without);
  const Stub real = Connect(address), empty = Connect(empty_server.address());
  std::printf("a hit against an empty RPC of the same size, %d calls each, in turn\n", calls);
  Compare("Lookup, artifact in the reply", real, empty, request, calls);
  request.add_have(record.artifact_sha256());
  Compare("Lookup, host has the artifact", real, empty, request, calls);
  std::printf("throughput, client and servers on the same cores, the host has the artifact\n");
  CompareThroughput(address, empty_server.address(), request, connections, 4 * calls);
  return absl::OkStatus();
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  kiln::SkipLockOrderChecks();
  CLI::App app{"The RPC of a hit against an empty RPC of the same size."};
  std::string address;
  int calls = 4000;
  std::vector<int> connections = {1, 64, 1000};
  bool empty_server = false;
  app.add_option("--address", address, "A running server");
  app.add_option("--calls", calls, "Calls of each kind");
  app.add_option("--connections", connections, "Connections at once, in turn")->check(CLI::PositiveNumber);
  app.add_flag("--empty-server", empty_server, "Be the second process");
  CLI11_PARSE(app, argc, argv);
  if (empty_server) return kiln::RunEmptyServer();
  absl::Status status = kiln::Run(address, calls, connections);
  if (!status.ok()) std::cerr << "error: " << status.ToString() << "\n";
  return status.ok() ? 0 : 1;
}
