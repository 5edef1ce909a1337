// A thin client of the compile service: each method is one RPC, blocks until it
// ends, and answers with the server's typed error.
//
//   KILN_ASSIGN_OR_RETURN(std::unique_ptr<Client> client, Client::Connect({.address = "127.0.0.1:7400"}));
//   KILN_ASSIGN_OR_RETURN(CompiledVariant compiled, client->GetOrCompile(graph, &pool, options, ThisHost(8)));
//   KILN_ASSIGN_OR_RETURN(auto artifact, LoadedArtifact::Load(...));   // clients/runtime
//
// Of several replicas one is asked; another, once, when it is UNAVAILABLE: gone,
// shutting down or overloaded. Every RPC is idempotent, so that no harm is done if
// the first had begun. A client stays with the replica that answered it last.
//
// The server is not trusted: with `trusted` keys a variant's signature is checked,
// and the artifact's bytes always must have the SHA-256 that the record names.
// What a host must compare besides (key components, ABI, ISA, extern ops) is
// clients/runtime's business.
//
// Thread-safe.
#ifndef KILN_CLIENTS_CPP_CLIENT_H_
#define KILN_CLIENTS_CPP_CLIENT_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/digest.h"
#include "clients/cpp/identify_graph.h"
#include "compiler/artifact/signed_variant.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {

struct ClientOptions {
  // "host:port" or "unix:/path"; those of several replicas with commas between.
  std::string address;
  // The tenant whose cache this is.
  std::string domain;
  // Who asks, for the variant record: "ci-17/warm".
  std::string requester;
  // The job that uses what this client is answered: the server keeps it while the job's
  // lease lasts. Empty: nothing is kept for it.
  std::string job;
  absl::Duration connect_timeout = absl::Seconds(5);
  // Of each RPC but Compile; each replica that is asked gets as much.
  absl::Duration timeout = absl::Seconds(30);
  absl::Duration compile_timeout = absl::Seconds(330);
  // Empty: signatures are not checked.
  TrustedKeys trusted;
  // Asks why after each compile: one more RPC.
  bool explain_misses = false;
  // Compile although the server remembers that it failed.
  bool no_remembered_failures = false;
};

// A variant with its artifact, after the checks above.
struct CompiledVariant {
  v1::SignedVariant signed_variant;
  v1::VariantRecord record;
  std::string elf;
  v1::Tier tier = v1::TIER_UNSPECIFIED;
  // Of the request that was answered with it: what Explain() takes.
  std::string request_id;
  // Why it had to be compiled, in one line; empty for a hit, and unless
  // ClientOptions.explain_misses.
  std::string why;
};

using OptionValues = std::map<std::string, std::string>;
using ProgressFn = std::function<void(const v1::Progress&)>;

// This machine's capabilities as a host: its processor, this build's ABI, and the
// extern ops that PyTorch serves ("aten.*"), for whoever compiles on behalf of a
// host like that.
v1::HostCapabilities ThisHost(int threads);

// `addresses` of several replicas, beginning with number `first` (modulo their number):
// how clients spread themselves.
std::string RotatedAddresses(const std::string& addresses, int first);

class Client {
 public:
  // UNAVAILABLE, naming the address, if there is no server within the timeout; of
  // several replicas one is enough.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // An empty `found` is a miss; `reasons` says why.
  absl::StatusOr<v1::LookupResponse> Lookup(const GraphIdentity& identity, const OptionValues& options,
                                            const v1::HostCapabilities& host);
  // Looks up and compiles on a miss. `graph` has its symbols bound.
  absl::StatusOr<CompiledVariant> Compile(const Graph& graph, const OptionValues& options,
                                          const v1::HostCapabilities& host, const ProgressFn& progress = nullptr);
  // Lookup, then Compile on a miss: a graph that the server knows does not travel.
  absl::StatusOr<CompiledVariant> GetOrCompile(const Graph& graph, ExprPool* pool, const OptionValues& options,
                                               const v1::HostCapabilities& host, const ProgressFn& progress = nullptr);
  // ARTIFACT_CORRUPT if what comes has another digest. A stream that breaks is
  // taken up from where it broke.
  absl::StatusOr<std::string> GetArtifact(const Digest& sha256);
  absl::StatusOr<v1::PropagateResponse> Propagate(const Graph& graph);
  // Tells the server the graph's sizes, and makes symbols of those plain ones that vary
  // from job to job (varying_sizes.h). The graph as it is, if the server cannot say.
  // Errors as Canonicalize.
  absl::StatusOr<Graph> MakeVaryingSizesSymbolic(Graph graph, ExprPool* pool);
  // What the server knows of this domain's sizes, page by page, for people.
  absl::StatusOr<v1::ProfileShapesResponse> ListShapes(absl::string_view after);
  absl::StatusOr<v1::GetServerInfoResponse> GetServerInfo();

  // Why a request was answered as it was; what is held under a digest of an artifact, a
  // graph or a key; what Compile would do. UNKNOWN_SUBJECT.
  absl::StatusOr<v1::ExplainResponse> ExplainRequest(const std::string& request_id);
  absl::StatusOr<v1::ExplainResponse> ExplainDigest(const Digest& digest);
  absl::StatusOr<v1::ExplainResponse> ExplainGraph(const Graph& graph, const OptionValues& options,
                                                   const v1::HostCapabilities& host);

  // Checks a variant as it came and fetches its artifact if it is not inside.
  // ARTIFACT_UNTRUSTED, ARTIFACT_CORRUPT.
  absl::StatusOr<CompiledVariant> Fetch(v1::Variant variant);

 private:
  struct Rpc;
  explicit Client(ClientOptions options);
  v1::RequestHeader MakeHeader() const;
  absl::StatusOr<v1::ProfileShapesResponse> ProfileShapes(v1::ProfileShapesRequest request);
  absl::StatusOr<v1::ExplainResponse> Explain(v1::ExplainRequest request);
  // Calls `rpc` with one replica's stub after another until one is not UNAVAILABLE;
  // what the last one said.
  template <typename Call>
  absl::Status Ask(const Call& rpc);
  template <typename Request, typename Response, typename Method>
  absl::Status AskUnary(const Method& method, const Request& request, Response& response);

  // Constant after construction.
  const ClientOptions options_;
  std::unique_ptr<Rpc> rpc_;
};

}  // namespace kiln

#endif  // KILN_CLIENTS_CPP_CLIENT_H_
