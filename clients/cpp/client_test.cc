#include "clients/cpp/client.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "base/error.h"
#include "compiler/artifact/kiln_abi.h"
#include "fake_runtime/graph/testing/test_schemas.h"
#include "fake_runtime/graph/text_form.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "kiln/v1/compile_service.grpc.pb.h"

namespace kiln {
namespace {

grpc::Status ErrorOf(ErrorReason reason, const std::string& message, const std::string& domain = "kiln.dev") {
  const ErrorReasonRow& row = GetErrorReasonRow(reason);
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(row.name));
  info.set_domain(domain);
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  return grpc::Status(static_cast<grpc::StatusCode>(row.code), message, details.SerializeAsString());
}

// A server that says what the test tells it to, over a real socket.
class ScriptedServer final : public v1::CompileService::Service {
 public:
  ScriptedServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~ScriptedServer() override { server_->Shutdown(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  grpc::Status Lookup(grpc::ServerContext*, const v1::LookupRequest* request, v1::LookupResponse* response) override {
    lookup = *request;
    response->set_found(found);
    *response->mutable_variant() = variant;
    return status;
  }
  grpc::Status Compile(grpc::ServerContext*, const v1::CompileRequest* request,
                       grpc::ServerWriter<v1::CompileResponse>* writer) override {
    compile = *request;
    ++compiles;
    v1::CompileResponse response;
    response.mutable_progress()->set_phase(v1::Progress::PHASE_PROPAGATED);
    writer->Write(response);
    if (!status.ok()) return status;
    *response.mutable_result()->mutable_variant() = variant;
    writer->Write(response);
    return grpc::Status::OK;
  }
  grpc::Status GetArtifact(grpc::ServerContext*, const v1::GetArtifactRequest* request,
                           grpc::ServerWriter<v1::GetArtifactResponse>* writer) override {
    offsets.push_back(request->offset());
    if (!status.ok()) return status;
    v1::GetArtifactResponse response;
    size_t at = static_cast<size_t>(request->offset());
    while (at < stored.size()) {
      response.set_data(stored.substr(at, 4));
      writer->Write(response);
      at += 4;
      if (breaks-- > 0) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the connection broke");
    }
    return grpc::Status::OK;
  }
  grpc::Status GetServerInfo(grpc::ServerContext*, const v1::GetServerInfoRequest*,
                             v1::GetServerInfoResponse* response) override {
    response->set_version("0.1.0");
    return status;
  }

  grpc::Status status;
  v1::Variant variant;
  std::string stored;
  bool found = false;
  int breaks = 0;
  int compiles = 0;
  std::vector<int64_t> offsets;
  v1::LookupRequest lookup;
  v1::CompileRequest compile;

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

class ClientTest : public ::testing::Test {
 protected:
  std::unique_ptr<Client> Connect(bool trusting = false) {
    ClientOptions options{.address = server_.address(), .domain = "tenant", .requester = "me"};
    if (trusting) {
      EXPECT_TRUE(options.trusted.Add(key_.public_key()).ok());
    }
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }
  void Serve(const SigningKey& signer, const std::string& elf, const std::string& sent) {
    v1::VariantRecord record;
    record.set_format_version(1);
    record.set_artifact_sha256(std::string(Sha256(elf).bytes()));
    *server_.variant.mutable_signed_() = signer.Sign(record.SerializeAsString());
    server_.variant.set_artifact(sent);
    server_.stored = elf;
  }
  Graph AddGraph() {
    absl::StatusOr<Graph> graph =
        ParseGraph("graph f(%a: f32[s7, 4], %b: f32[s9, 4]) symbols { s7 = 8, s9 = 3 } {\n"
                   "  %c = aten.add.Tensor(%a, %b)\n  return (%c)\n}\n",
                   &pool_, FindTestSchema);
    EXPECT_TRUE(graph.ok()) << graph.status();
    return *std::move(graph);
  }

  ExprPool pool_;
  SigningKey key_ = SigningKey::Generate();
  ScriptedServer server_;
};

TEST_F(ClientTest, NamesTheAddressWhereNobodyAnswers) {
  absl::Status status =
      Client::Connect({.address = "unix:/nowhere/kiln.sock", .connect_timeout = absl::Milliseconds(100)}).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(), "no Kiln server answers at unix:/nowhere/kiln.sock within 100ms");
}

TEST_F(ClientTest, AsksAnotherReplicaWhenOneIsUnavailable) {
  ScriptedServer other;
  Serve(key_, "elf", "elf");
  other.variant = server_.variant;
  other.status = ErrorOf(ErrorReason::kShuttingDown, "draining");
  absl::StatusOr<std::unique_ptr<Client>> client =
      Client::Connect({.address = "unix:/nowhere/kiln.sock," + other.address() + "," + server_.address()});
  ASSERT_TRUE(client.ok()) << client.status();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE((*client)->Compile(AddGraph(), {}, ThisHost(1)).ok());
  // It stays where it was served.
  EXPECT_EQ(other.compiles, 1);
  EXPECT_EQ(server_.compiles, 3);
  other.status = grpc::Status::OK;
  server_.status = ErrorOf(ErrorReason::kOverloaded, "busy");
  EXPECT_TRUE((*client)->Compile(AddGraph(), {}, ThisHost(1)).ok());
  EXPECT_EQ(other.compiles, 2);
  other.status = ErrorOf(ErrorReason::kUnknownOp, "node 0 (no.such.op)");
  EXPECT_EQ(GetErrorReason((*client)->Compile(AddGraph(), {}, ThisHost(1)).status()), ErrorReason::kUnknownOp);
}

TEST_F(ClientTest, AnArtifactIsTakenUpAtAnotherReplica) {
  ScriptedServer other;
  server_.stored = other.stored = "0123456789abcdef";
  server_.breaks = 2;
  absl::StatusOr<std::unique_ptr<Client>> client =
      Client::Connect({.address = server_.address() + "," + other.address()});
  ASSERT_TRUE(client.ok()) << client.status();
  absl::StatusOr<std::string> elf = (*client)->GetArtifact(Sha256(server_.stored));
  ASSERT_TRUE(elf.ok()) << elf.status();
  EXPECT_EQ(*elf, server_.stored);
  EXPECT_THAT(server_.offsets, ::testing::ElementsAre(0));
  EXPECT_THAT(other.offsets, ::testing::ElementsAre(4));
}

TEST_F(ClientTest, ErrorsKeepTheirReasons) {
  server_.status = ErrorOf(ErrorReason::kShapeMismatch, "node 3 (aten.mm.default): 64 but 32");
  absl::Status status = Connect()->Compile(AddGraph(), {}, ThisHost(1)).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kShapeMismatch);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "node 3 (aten.mm.default): 64 but 32");
}

TEST_F(ClientTest, ErrorsOfOtherDomainsKeepOnlyTheirCode) {
  server_.status = ErrorOf(ErrorReason::kOverloaded, "busy", "elsewhere.example");
  absl::Status status = Connect()->GetServerInfo().status();
  EXPECT_EQ(GetErrorReason(status), std::nullopt);
  EXPECT_TRUE(absl::IsUnavailable(status));
  server_.status = grpc::Status(grpc::StatusCode::INTERNAL, "x", "not a message \xff");
  EXPECT_TRUE(absl::IsInternal(Connect()->GetServerInfo().status()));
}

TEST_F(ClientTest, LookupSendsDigestsAndSymbolValues) {
  absl::StatusOr<GraphIdentity> identity = IdentifyGraph(AddGraph(), &pool_);
  ASSERT_TRUE(identity.ok()) << identity.status();
  absl::StatusOr<v1::LookupResponse> response = Connect()->Lookup(*identity, {{"fuse", "false"}}, ThisHost(2));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_FALSE(response->found());
  EXPECT_EQ(server_.lookup.graph_digest(), identity->graph.bytes());
  EXPECT_EQ(server_.lookup.header().domain(), "tenant");
  EXPECT_FALSE(server_.lookup.header().request_id().empty());
  EXPECT_THAT(server_.lookup.symbol_values(), ::testing::ElementsAre(8, 3));
  EXPECT_EQ(server_.lookup.options().values().at("fuse"), "false");
  EXPECT_EQ(server_.lookup.host().abi_max(), static_cast<uint32_t>(KILN_ABI_VERSION));
}

TEST_F(ClientTest, AHitDoesNotCompile) {
  Serve(key_, "elf", "elf");
  server_.found = true;
  Graph graph = AddGraph();
  absl::StatusOr<CompiledVariant> compiled = Connect(true)->GetOrCompile(graph, &pool_, {}, ThisHost(1));
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  EXPECT_EQ(compiled->elf, "elf");
  EXPECT_EQ(server_.compiles, 0);
  server_.found = false;
  ASSERT_TRUE(Connect(true)->GetOrCompile(graph, &pool_, {}, ThisHost(1)).ok());
  EXPECT_EQ(server_.compiles, 1);
}

TEST_F(ClientTest, TellsProgress) {
  Serve(key_, "elf", "elf");
  std::vector<v1::Progress::Phase> phases;
  ASSERT_TRUE(Connect()
                  ->Compile(AddGraph(), {}, ThisHost(1), [&](const v1::Progress& p) { phases.push_back(p.phase()); })
                  .ok());
  EXPECT_THAT(phases, ::testing::ElementsAre(v1::Progress::PHASE_PROPAGATED));
}

TEST_F(ClientTest, LargeArtifactsAreFetched) {
  Serve(key_, "a larger artifact", "");
  absl::StatusOr<CompiledVariant> compiled = Connect(true)->Fetch(server_.variant);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  EXPECT_EQ(compiled->elf, "a larger artifact");
}

TEST_F(ClientTest, ABrokenStreamIsTakenUpWhereItBroke) {
  server_.stored = "0123456789abcdef";
  server_.breaks = 2;
  absl::StatusOr<std::string> elf = Connect()->GetArtifact(Sha256(server_.stored));
  ASSERT_TRUE(elf.ok()) << elf.status();
  EXPECT_EQ(*elf, server_.stored);
  EXPECT_THAT(server_.offsets, ::testing::ElementsAre(0, 4, 8));
}

TEST_F(ClientTest, CorruptArtifactsAreRefused) {
  Serve(key_, "elf", "flipped");
  EXPECT_EQ(GetErrorReason(Connect()->Fetch(server_.variant).status()), ErrorReason::kArtifactCorrupt);
  server_.stored = "flipped";
  EXPECT_EQ(GetErrorReason(Connect()->GetArtifact(Sha256("elf")).status()), ErrorReason::kArtifactCorrupt);
}

TEST_F(ClientTest, VariantsOfStrangersAreRefused) {
  Serve(SigningKey::Generate(), "elf", "elf");
  EXPECT_EQ(GetErrorReason(Connect(true)->Fetch(server_.variant).status()), ErrorReason::kArtifactUntrusted);
  EXPECT_TRUE(Connect(false)->Fetch(server_.variant).ok());
}

TEST_F(ClientTest, ASymbolWithoutAValueCannotBeLookedUp) {
  absl::StatusOr<Graph> graph = ParseGraph("graph f(%a: f32[s0]) { return (%a) }", &pool_, FindTestSchema);
  ASSERT_TRUE(graph.ok()) << graph.status();
  absl::Status status = IdentifyGraph(*graph, &pool_).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kBadInputMetadata);
  EXPECT_EQ(status.message(), "symbol s0 has no value: bind it");
}

}  // namespace
}  // namespace kiln
