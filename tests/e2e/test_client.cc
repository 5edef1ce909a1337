#include "tests/e2e/test_client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "clients/cpp/grpc_status.h"
#include "compiler/artifact/kiln_abi.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/import/export_graph.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(60);

void SetTimeout(grpc::ClientContext& context, absl::Duration timeout) {
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
}

// A test's own text is right or the test is wrong.
template <typename T>
T ValueOrDie(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
  std::abort();
}

}  // namespace

std::string ReasonOf(const absl::Status& status) {
  if (status.ok()) return "OK";
  const std::optional<ErrorReason> reason = GetErrorReason(status);
  if (reason.has_value()) return std::string(GetErrorReasonRow(*reason).name);
  return absl::StatusCodeToString(status.code());
}

std::string CompileAnswer::reason() const { return ReasonOf(status); }

v1::VariantRecord CompileAnswer::record() const {
  v1::VariantRecord record;
  record.ParseFromString(result.variant().signed_().record());
  return record;
}

v1::GraphModule ModuleOf(const std::string& text, const Hints& hints) {
  ExprPool pool;
  const Graph graph = ValueOrDie(ParseGraph(text, &pool, FindOpSchema));
  v1::GraphModule module = ExportModule(graph, "2.13");
  for (v1::SymbolDeclaration& symbol : *module.mutable_graphs(0)->mutable_symbols()) {
    for (const auto& [name, value] : hints) {
      if (symbol.name() == name) symbol.set_hint(value);
    }
  }
  return module;
}

v1::CompileRequest RequestFor(const std::string& text, const Hints& hints, const Options& options) {
  v1::CompileRequest request;
  request.mutable_header()->set_request_id("test");
  request.mutable_header()->set_requester("e2e");
  *request.mutable_module() = ModuleOf(text, hints);
  request.mutable_options()->mutable_values()->insert(options.begin(), options.end());
  v1::HostCapabilities& host = *request.mutable_host();
  host.set_abi_min(KILN_ABI_VERSION);
  host.set_abi_max(KILN_ABI_VERSION);
  host.mutable_target()->set_arch("x86_64");
  host.mutable_target()->set_device_type("cpu");
  host.mutable_target()->set_vector_bits(256);
  for (const char* feature : {"avx", "avx2", "fma", "sse4.2"}) host.mutable_target()->add_features(feature);
  host.add_extern_ops("aten.*");
  return request;
}

v1::CompileRequest ByDigest(const v1::CompileRequest& request, const CompileAnswer& answer,
                            std::vector<int64_t> symbol_values) {
  v1::CompileRequest by_digest = request;
  v1::GraphRef& ref = *by_digest.mutable_ref();
  ref.set_graph_digest(answer.result.graph_digest());
  ref.set_signature_digest(answer.result.signature_digest());
  for (int64_t value : symbol_values) ref.add_symbol_values(value);
  return by_digest;
}

v1::LookupRequest LookupFor(const v1::CompileRequest& request, const CompileAnswer& answer,
                            std::vector<int64_t> symbol_values) {
  v1::LookupRequest lookup;
  *lookup.mutable_header() = request.header();
  *lookup.mutable_options() = request.options();
  *lookup.mutable_host() = request.host();
  lookup.set_graph_digest(answer.result.graph_digest());
  lookup.set_signature_digest(answer.result.signature_digest());
  for (int64_t value : symbol_values) lookup.add_symbol_values(value);
  return lookup;
}

TestClient::TestClient(const std::string& address)
    : channel_([&] {
        // A channel of one's own: connections are not shared between clients.
        grpc::ChannelArguments arguments;
        arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
        arguments.SetMaxReceiveMessageSize(-1);
        return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
      }()),
      stub_(v1::CompileService::NewStub(channel_)) {}

CompileAnswer TestClient::Compile(const v1::CompileRequest& request, absl::Duration timeout) {
  grpc::ClientContext context;
  SetTimeout(context, timeout);
  CompileAnswer answer;
  auto reader = stub_->Compile(&context, request);
  for (v1::CompileResponse message; reader->Read(&message);) {
    if (message.has_progress()) answer.progress.push_back(message.progress());
    if (message.has_result()) answer.result = message.result();
  }
  answer.status = FromGrpcStatus(reader->Finish());
  return answer;
}

absl::Status TestClient::Lookup(const v1::LookupRequest& request, v1::LookupResponse& response) {
  grpc::ClientContext context;
  SetTimeout(context, kTimeout);
  return FromGrpcStatus(stub_->Lookup(&context, request, &response));
}

absl::Status TestClient::GetArtifact(const std::string& sha256, int64_t offset, std::string& bytes, int* chunks) {
  grpc::ClientContext context;
  SetTimeout(context, kTimeout);
  v1::GetArtifactRequest request;
  request.set_sha256(sha256);
  request.set_offset(offset);
  auto reader = stub_->GetArtifact(&context, request);
  for (v1::GetArtifactResponse message; reader->Read(&message);) {
    bytes += message.data();
    if (chunks != nullptr) ++*chunks;
  }
  return FromGrpcStatus(reader->Finish());
}

absl::Status TestClient::Propagate(const v1::GraphModule& module, v1::PropagateResponse& response) {
  grpc::ClientContext context;
  SetTimeout(context, kTimeout);
  v1::PropagateRequest request;
  *request.mutable_module() = module;
  return FromGrpcStatus(stub_->Propagate(&context, request, &response));
}

absl::Status TestClient::Explain(const v1::ExplainRequest& request, v1::ExplainResponse& response) {
  grpc::ClientContext context;
  SetTimeout(context, kTimeout);
  return FromGrpcStatus(stub_->Explain(&context, request, &response));
}

v1::GetServerInfoResponse TestClient::ServerInfo() {
  grpc::ClientContext context;
  SetTimeout(context, kTimeout);
  v1::GetServerInfoResponse response;
  const grpc::Status status = stub_->GetServerInfo(&context, {}, &response);
  if (!status.ok()) std::fprintf(stderr, "GetServerInfo: %s\n", status.error_message().c_str());
  return response;
}

absl::Status TestClient::CallRaw(const std::string& method, const std::string& bytes, std::string* response) {
  const std::string path = method.front() == '/' ? method : "/kiln.v1.CompileService/" + method;
  grpc::ClientContext context;
  SetTimeout(context, kTimeout);
  grpc::GenericStub generic(channel_);
  grpc::CompletionQueue queue;
  grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  auto call = generic.PrepareCall(&context, path, &queue);
  void* tag = nullptr;
  bool ok = false;
  call->StartCall(nullptr);
  queue.Next(&tag, &ok);
  call->WriteLast(request, {}, nullptr);
  queue.Next(&tag, &ok);
  for (ok = true; ok;) {
    grpc::ByteBuffer message;
    call->Read(&message, nullptr);
    queue.Next(&tag, &ok);
    grpc::Slice whole;
    if (!ok || response == nullptr || !message.DumpToSingleSlice(&whole).ok()) continue;
    response->assign(reinterpret_cast<const char*>(whole.begin()), whole.size());
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  return FromGrpcStatus(status);
}

}  // namespace kiln
