#include "clients/cpp/client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/server_address.h"
#include "base/status_macros.h"
#include "clients/cpp/grpc_status.h"
#include "clients/cpp/varying_sizes.h"
#include "clients/runtime/cpu_features.h"
#include "compiler/artifact/kiln_abi.h"
#include "fake_runtime/import/export_graph.h"
#include "kiln/v1/compile_service.grpc.pb.h"

namespace kiln {
namespace {

// The operator set that a module names unless its graph came with another.
constexpr absl::string_view kOpset = "2.13";
// How often GetArtifact takes up a broken stream before it gives up.
constexpr int kMaxResumes = 3;
// Between rounds of asking who is there.
constexpr absl::Duration kConnectPause = absl::Milliseconds(100);

std::string NewRequestId() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  return absl::StrFormat("%016x", random());
}

void SetDeadline(grpc::ClientContext& context, absl::Duration timeout) {
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
}

v1::CompileOptions MakeOptions(const OptionValues& options) {
  v1::CompileOptions message;
  message.mutable_values()->insert(options.begin(), options.end());
  return message;
}

// True once it is connected; false at `deadline`, or as soon as it cannot be.
bool AwaitConnection(grpc::Channel& channel, absl::Time deadline) {
  for (;;) {
    const grpc_connectivity_state state = channel.GetState(/*try_to_connect=*/true);
    if (state == GRPC_CHANNEL_READY) return true;
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN) return false;
    if (!channel.WaitForStateChange(state, absl::ToChronoTime(deadline))) return false;
  }
}

// Adds what comes to `bytes`, which has the artifact's beginning.
absl::Status ReadArtifact(v1::CompileService::Stub& stub, const v1::RequestHeader& header, const Digest& sha256,
                          absl::Duration timeout, std::string& bytes) {
  v1::GetArtifactRequest request;
  *request.mutable_header() = header;
  request.set_sha256(std::string(sha256.bytes()));
  request.set_offset(static_cast<int64_t>(bytes.size()));
  grpc::ClientContext context;
  SetDeadline(context, timeout);
  std::unique_ptr<grpc::ClientReader<v1::GetArtifactResponse>> reader = stub.GetArtifact(&context, request);
  v1::GetArtifactResponse response;
  while (reader->Read(&response)) {
    bytes += response.data();
    absl::Status within = CheckLimit(Limit::kArtifactBytes, static_cast<int64_t>(bytes.size()), "artifact");
    if (within.ok()) continue;
    context.TryCancel();
    reader->Finish();
    return within;
  }
  return FromGrpcStatus(reader->Finish());
}

}  // namespace

v1::HostCapabilities ThisHost(int threads) {
  v1::HostCapabilities host;
  host.set_abi_min(KILN_ABI_VERSION);
  host.set_abi_max(KILN_ABI_VERSION);
  *host.mutable_target() = DetectTarget(threads);
  host.add_extern_ops("aten.*");
  return host;
}

std::string RotatedAddresses(const std::string& addresses, int first) {
  std::vector<std::string> all = absl::StrSplit(addresses, ',', absl::SkipEmpty());
  if (all.empty()) return addresses;
  std::rotate(all.begin(), all.begin() + first % static_cast<int>(all.size()), all.end());
  return absl::StrJoin(all, ",");
}

struct Client::Rpc {
  using Stub = v1::CompileService::Stub;
  struct Replica {
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<Stub> stub;
  };
  // Constant after Connect().
  std::vector<Replica> replicas;
  // Which one is asked first.
  std::atomic<size_t> current{0};
};

template <typename Call>
absl::Status Client::Ask(const Call& rpc) {
  const std::vector<Rpc::Replica>& replicas = rpc_->replicas;
  const size_t first = rpc_->current.load(std::memory_order_relaxed);
  absl::Status status;
  for (size_t i = 0; i < replicas.size(); ++i) {
    const size_t at = (first + i) % replicas.size();
    status = rpc(*replicas[at].stub);
    if (absl::IsUnavailable(status)) continue;
    if (i > 0) rpc_->current.store(at, std::memory_order_relaxed);
    return status;
  }
  return status;
}

template <typename Request, typename Response, typename Method>
absl::Status Client::AskUnary(const Method& method, const Request& request, Response& response) {
  return Ask([&](Rpc::Stub& stub) {
    grpc::ClientContext context;
    SetDeadline(context, options_.timeout);
    return FromGrpcStatus((stub.*method)(&context, request, &response));
  });
}

Client::Client(ClientOptions options) : options_(std::move(options)), rpc_(std::make_unique<Rpc>()) {}
Client::~Client() = default;

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(ClientOptions options) {
  std::unique_ptr<Client> client(new Client(std::move(options)));
  const ClientOptions& given = client->options_;
  grpc::ChannelArguments arguments;
  // Each client has connections of its own.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A reply holds an inline artifact at most, and its record.
  arguments.SetMaxReceiveMessageSize(static_cast<int>(2 * GetLimit(Limit::kRequestBytes)));
  std::vector<Rpc::Replica>& replicas = client->rpc_->replicas;
  for (absl::string_view address : absl::StrSplit(given.address, ',', absl::SkipEmpty())) {
    KILN_RETURN_IF_ERROR(CheckServerAddress(address, AddressUse::kDial));
    Rpc::Replica& replica = replicas.emplace_back();
    replica.channel = grpc::CreateCustomChannel(std::string(address), grpc::InsecureChannelCredentials(), arguments);
    replica.stub = v1::CompileService::NewStub(replica.channel);
  }
  const absl::Time deadline = absl::Now() + given.connect_timeout;
  while (!replicas.empty() && absl::Now() < deadline) {
    for (size_t i = 0; i < replicas.size(); ++i) {
      // Each its share of the time that is left.
      const absl::Duration share = (deadline - absl::Now()) / static_cast<int64_t>(replicas.size() - i);
      if (!AwaitConnection(*replicas[i].channel, absl::Now() + share)) continue;
      client->rpc_->current = i;
      return client;
    }
    // All have refused: one may be about to start.
    replicas.front().channel->WaitForStateChange(GRPC_CHANNEL_TRANSIENT_FAILURE,
                                                 absl::ToChronoTime(std::min(deadline, absl::Now() + kConnectPause)));
  }
  return absl::UnavailableError(absl::StrCat("no Kiln server answers at ", given.address, " within ",
                                             absl::FormatDuration(given.connect_timeout)));
}

v1::RequestHeader Client::MakeHeader() const {
  v1::RequestHeader header;
  header.set_request_id(NewRequestId());
  header.set_domain(options_.domain);
  header.set_requester(options_.requester);
  header.set_job(options_.job);
  header.set_no_remembered_failures(options_.no_remembered_failures);
  return header;
}

absl::StatusOr<v1::LookupResponse> Client::Lookup(const GraphIdentity& identity, const OptionValues& options,
                                                  const v1::HostCapabilities& host) {
  v1::LookupRequest request;
  *request.mutable_header() = MakeHeader();
  request.set_graph_digest(std::string(identity.graph.bytes()));
  request.set_signature_digest(std::string(identity.signature.bytes()));
  *request.mutable_options() = MakeOptions(options);
  *request.mutable_host() = host;
  for (int64_t value : identity.symbol_values) request.add_symbol_values(value);
  v1::LookupResponse response;
  KILN_RETURN_IF_ERROR(AskUnary(&Rpc::Stub::Lookup, request, response));
  return response;
}

absl::StatusOr<CompiledVariant> Client::Compile(const Graph& graph, const OptionValues& options,
                                                const v1::HostCapabilities& host, const ProgressFn& progress) {
  v1::CompileRequest request;
  *request.mutable_header() = MakeHeader();
  *request.mutable_module() = ExportModule(graph, kOpset);
  *request.mutable_options() = MakeOptions(options);
  *request.mutable_host() = host;
  std::optional<v1::Variant> variant;
  KILN_RETURN_IF_ERROR(Ask([&](Rpc::Stub& stub) {
    grpc::ClientContext context;
    SetDeadline(context, options_.compile_timeout);
    std::unique_ptr<grpc::ClientReader<v1::CompileResponse>> reader = stub.Compile(&context, request);
    v1::CompileResponse response;
    while (reader->Read(&response)) {
      if (response.has_progress() && progress != nullptr) progress(response.progress());
      if (response.has_result()) variant = std::move(*response.mutable_result()->mutable_variant());
    }
    return FromGrpcStatus(reader->Finish());
  }));
  if (!variant.has_value()) return absl::InternalError("the server ended a compile without a result");
  KILN_ASSIGN_OR_RETURN(CompiledVariant compiled, Fetch(*std::move(variant)));
  compiled.request_id = request.header().request_id();
  if (options_.explain_misses && (compiled.tier == v1::TIER_COMPILED || compiled.tier == v1::TIER_JOINED)) {
    // The variant is there, whether anybody can say why or not.
    absl::StatusOr<v1::ExplainResponse> why = ExplainRequest(compiled.request_id);
    if (why.ok()) compiled.why = why->summary();
  }
  return compiled;
}

absl::StatusOr<CompiledVariant> Client::GetOrCompile(const Graph& graph, ExprPool* pool, const OptionValues& options,
                                                     const v1::HostCapabilities& host, const ProgressFn& progress) {
  KILN_ASSIGN_OR_RETURN(GraphIdentity identity, IdentifyGraph(graph, pool));
  KILN_ASSIGN_OR_RETURN(v1::LookupResponse found, Lookup(identity, options, host));
  if (found.found()) {
    absl::StatusOr<CompiledVariant> fetched = Fetch(std::move(*found.mutable_variant()));
    // Evicted between the two RPCs: a miss after all.
    if (GetErrorReason(fetched.status()) != ErrorReason::kArtifactNotFound) return fetched;
  }
  return Compile(graph, options, host, progress);
}

absl::StatusOr<CompiledVariant> Client::Fetch(v1::Variant variant) {
  CompiledVariant compiled;
  if (!options_.trusted.empty()) {
    KILN_ASSIGN_OR_RETURN(compiled.record, options_.trusted.Open(variant.signed_()));
  } else if (!compiled.record.ParseFromString(variant.signed_().record())) {
    return MakeError(ErrorReason::kArtifactCorrupt, "the variant record does not parse");
  }
  std::optional<Digest> sha256 = Digest::FromBytes(compiled.record.artifact_sha256());
  if (!sha256.has_value()) return MakeError(ErrorReason::kArtifactCorrupt, "the variant record names no artifact");
  compiled.elf = std::move(*variant.mutable_artifact());
  if (compiled.elf.empty()) {
    KILN_ASSIGN_OR_RETURN(compiled.elf, GetArtifact(*sha256));
  } else if (Sha256(compiled.elf) != *sha256) {
    return MakeError(ErrorReason::kArtifactCorrupt,
                     absl::StrCat("the artifact's digest is ", Sha256(compiled.elf).ToShortHex(),
                                  " but its record names ", sha256->ToShortHex()));
  }
  compiled.signed_variant = std::move(*variant.mutable_signed_());
  compiled.tier = variant.tier();
  return compiled;
}

absl::StatusOr<std::string> Client::GetArtifact(const Digest& sha256) {
  std::string bytes;
  absl::Status status;
  for (int attempt = 0; attempt <= kMaxResumes; ++attempt) {
    status = Ask([&](Rpc::Stub& stub) { return ReadArtifact(stub, MakeHeader(), sha256, options_.timeout, bytes); });
    if (!absl::IsUnavailable(status)) break;
  }
  KILN_RETURN_IF_ERROR(status);
  const Digest actual = Sha256(bytes);
  if (actual == sha256) return bytes;
  return MakeError(ErrorReason::kArtifactCorrupt,
                   absl::StrCat("artifact ", sha256.ToShortHex(), " came with digest ", actual.ToShortHex(), ", ",
                                bytes.size(), " bytes"));
}

absl::StatusOr<v1::PropagateResponse> Client::Propagate(const Graph& graph) {
  v1::PropagateRequest request;
  *request.mutable_header() = MakeHeader();
  *request.mutable_module() = ExportModule(graph, kOpset);
  v1::PropagateResponse response;
  KILN_RETURN_IF_ERROR(AskUnary(&Rpc::Stub::Propagate, request, response));
  return response;
}

absl::StatusOr<v1::ProfileShapesResponse> Client::ProfileShapes(v1::ProfileShapesRequest request) {
  *request.mutable_header() = MakeHeader();
  v1::ProfileShapesResponse response;
  KILN_RETURN_IF_ERROR(AskUnary(&Rpc::Stub::ProfileShapes, request, response));
  return response;
}

absl::StatusOr<Graph> Client::MakeVaryingSizesSymbolic(Graph graph, ExprPool* pool) {
  v1::ProfileShapesRequest request;
  *request.mutable_observations() = ObserveSizes(graph);
  if (request.observations().empty()) return graph;
  KILN_ASSIGN_OR_RETURN(const Digest skeleton, SkeletonOf(graph, pool));
  request.set_subject(std::string(skeleton.bytes()));
  request.set_subject_name(graph.name);
  // Advice: an older server has none, and one that is away says so at the next call.
  absl::StatusOr<v1::ProfileShapesResponse> answer = ProfileShapes(std::move(request));
  if (!answer.ok() || answer->subjects().empty()) return graph;
  return MakeVaryingSymbolic(std::move(graph), answer->subjects(0), pool);
}

absl::StatusOr<v1::ProfileShapesResponse> Client::ListShapes(absl::string_view after) {
  v1::ProfileShapesRequest request;
  request.set_after(std::string(after));
  return ProfileShapes(std::move(request));
}

absl::StatusOr<v1::ExplainResponse> Client::Explain(v1::ExplainRequest request) {
  *request.mutable_header() = MakeHeader();
  v1::ExplainResponse response;
  KILN_RETURN_IF_ERROR(AskUnary(&Rpc::Stub::Explain, request, response));
  return response;
}

absl::StatusOr<v1::ExplainResponse> Client::ExplainRequest(const std::string& request_id) {
  v1::ExplainRequest request;
  request.set_request_id(request_id);
  return Explain(std::move(request));
}

absl::StatusOr<v1::ExplainResponse> Client::ExplainDigest(const Digest& digest) {
  v1::ExplainRequest request;
  request.set_digest(std::string(digest.bytes()));
  return Explain(std::move(request));
}

absl::StatusOr<v1::ExplainResponse> Client::ExplainGraph(const Graph& graph, const OptionValues& options,
                                                         const v1::HostCapabilities& host) {
  v1::ExplainRequest request;
  *request.mutable_module() = ExportModule(graph, kOpset);
  *request.mutable_options() = MakeOptions(options);
  *request.mutable_host() = host;
  return Explain(std::move(request));
}

absl::StatusOr<v1::GetServerInfoResponse> Client::GetServerInfo() {
  v1::GetServerInfoRequest request;
  *request.mutable_header() = MakeHeader();
  v1::GetServerInfoResponse response;
  KILN_RETURN_IF_ERROR(AskUnary(&Rpc::Stub::GetServerInfo, request, response));
  return response;
}

}  // namespace kiln
