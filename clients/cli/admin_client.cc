#include "clients/cli/admin_client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "base/server_address.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "clients/cli/option_checks.h"
#include "clients/cli/output_file.h"
#include "clients/cpp/grpc_status.h"
#include "service/admin_server.h"
#include "service/offline_cache.h"

namespace kiln {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(5);

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

absl::StatusOr<File> OpenFile(const std::string& path, const char* mode) {
  File file(std::fopen(path.c_str(), mode));
  if (file == nullptr) return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  return file;
}

std::shared_ptr<grpc::Channel> ChannelTo(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

bool Answers(grpc::Channel& channel, absl::Duration timeout) {
  return channel.WaitForConnected(absl::ToChronoTime(absl::Now() + timeout));
}

}  // namespace

void AddAdminOptions(CLI::App& command, AdminClientOptions& options) {
  command.add_option("--admin", options.address, "The server's admin address: unix:/PATH, or HOST:PORT with a token")
      ->envname("KILN_ADMIN");
  command.add_option("--data", options.data_folder,
                     "The server's data folder: its admin.sock if it runs, else the folder itself, to look at");
  command.add_option("--admin-token", options.token_file, "A file with the token that a TCP address asks for")
      ->envname("KILN_ADMIN_TOKEN_FILE");
  command
      .add_option("--trusted-keys", options.trusted_keys,
                  "A file of public keys that count besides the folder's own, where no server is asked")
      ->envname("KILN_TRUSTED_KEYS");
  command.add_option("--timeout", options.timeout_seconds, "Seconds to wait for an answer")
      ->check(NumberWithin(kMinSeconds, kMaxSeconds))
      ->capture_default_str();
}

AdminClient::AdminClient() = default;
AdminClient::~AdminClient() {
  // Its calls end before the server in this process does.
  stub_.reset();
}

absl::StatusOr<std::unique_ptr<AdminClient>> AdminClient::Connect(const AdminClientOptions& options) {
  std::unique_ptr<AdminClient> client(new AdminClient);
  client->options_ = options;
  std::string address = options.address;
  if (address.empty() && options.data_folder.empty()) {
    return MakeError(ErrorReason::kBadArgumentValue, "give --admin ADDRESS or --data FOLDER");
  }
  if (address.empty()) {
    const std::string socket = AdminSocketOf(options.data_folder);
    if (access(socket.substr(socket.find(':') + 1).c_str(), F_OK) == 0) {
      std::shared_ptr<grpc::Channel> channel = ChannelTo(socket);
      // A server that was killed leaves its socket.
      if (Answers(*channel, absl::Seconds(1))) {
        client->stub_ = v1::AdminService::NewStub(channel);
        return client;
      }
    }
    KILN_ASSIGN_OR_RETURN(client->offline_, OfflineCache::Open(options.data_folder, options.trusted_keys));
    client->stub_ = v1::AdminService::NewStub(client->offline_->Channel());
    return client;
  }
  if (!options.token_file.empty()) {
    KILN_ASSIGN_OR_RETURN(client->token_, ReadAdminToken(options.token_file));
  }
  KILN_RETURN_IF_ERROR(CheckServerAddress(address, AddressUse::kDial));
  std::shared_ptr<grpc::Channel> channel = ChannelTo(address);
  if (!Answers(*channel, std::min(kConnectTimeout, absl::Seconds(options.timeout_seconds)))) {
    return absl::UnavailableError(absl::StrCat("no Kiln server answers at ", address));
  }
  client->stub_ = v1::AdminService::NewStub(channel);
  return client;
}

std::unique_ptr<grpc::ClientContext> AdminClient::NewContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(options_.timeout_seconds)));
  if (!token_.empty()) context->AddMetadata("kiln-admin-token", token_);
  return context;
}

absl::Status AdminClient::VisitVariants(const v1::VariantFilter& filter,
                                        const std::function<bool(const v1::VariantSummary&)>& visit) {
  v1::ListVariantsRequest request;
  *request.mutable_filter() = filter;
  while (true) {
    v1::ListVariantsResponse response;
    KILN_RETURN_IF_ERROR(FromGrpcStatus(stub_->ListVariants(NewContext().get(), request, &response)));
    for (const v1::VariantSummary& variant : response.variants()) {
      if (!visit(variant)) return absl::OkStatus();
    }
    if (response.next_page_token().empty()) return absl::OkStatus();
    request.set_page_token(response.next_page_token());
  }
}

absl::StatusOr<v1::ShowArtifactResponse> AdminClient::ShowArtifact(const std::string& sha256) {
  v1::ShowArtifactRequest request;
  request.set_sha256(sha256);
  v1::ShowArtifactResponse response;
  KILN_RETURN_IF_ERROR(FromGrpcStatus(stub_->ShowArtifact(NewContext().get(), request, &response)));
  return response;
}

absl::StatusOr<v1::VerifyCacheResponse> AdminClient::Verify(
    int64_t bytes_per_second, const std::function<void(const v1::VerifyCacheResponse&)>& progress) {
  v1::VerifyCacheRequest request;
  request.set_bytes_per_second(bytes_per_second);
  const std::unique_ptr<grpc::ClientContext> context = NewContext();
  const auto reader = stub_->VerifyCache(context.get(), request);
  v1::VerifyCacheResponse response;
  while (reader->Read(&response)) {
    if (!response.done()) progress(response);
  }
  KILN_RETURN_IF_ERROR(FromGrpcStatus(reader->Finish()));
  return response;
}

absl::StatusOr<v1::EvictVariantsResponse> AdminClient::Evict(const v1::EvictVariantsRequest& request) {
  v1::EvictVariantsResponse response;
  KILN_RETURN_IF_ERROR(FromGrpcStatus(stub_->EvictVariants(NewContext().get(), request, &response)));
  return response;
}

absl::StatusOr<int64_t> AdminClient::Export(const v1::VariantFilter& filter, const std::string& path) {
  KILN_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(path));
  v1::ExportBundleRequest request;
  *request.mutable_filter() = filter;
  const std::unique_ptr<grpc::ClientContext> context = NewContext();
  const auto reader = stub_->ExportBundle(context.get(), request);
  v1::ExportBundleResponse chunk;
  int64_t bytes = 0;
  absl::Status written;
  while (written.ok() && reader->Read(&chunk)) {
    written = file.Write(chunk.data());
    bytes += static_cast<int64_t>(chunk.data().size());
  }
  if (!written.ok()) context->TryCancel();
  const absl::Status status = FromGrpcStatus(reader->Finish());
  KILN_RETURN_IF_ERROR(written);
  KILN_RETURN_IF_ERROR(status);
  KILN_RETURN_IF_ERROR(file.Commit());
  return bytes;
}

absl::StatusOr<v1::ImportBundleResponse> AdminClient::Import(const std::string& path) {
  KILN_ASSIGN_OR_RETURN(const File file, OpenFile(path, "rb"));
  const std::unique_ptr<grpc::ClientContext> context = NewContext();
  v1::ImportBundleResponse response;
  const auto writer = stub_->ImportBundle(context.get(), &response);
  std::string buffer(static_cast<size_t>(GetLimit(Limit::kChunkBytes)), '\0');
  v1::ImportBundleRequest chunk;
  while (const size_t got = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    chunk.set_data(buffer.data(), got);
    // A server that has ended the call says why at Finish().
    if (!writer->Write(chunk)) break;
  }
  const bool is_read = std::ferror(file.get()) == 0;
  if (!is_read) context->TryCancel();
  writer->WritesDone();
  const absl::Status status = FromGrpcStatus(writer->Finish());
  if (!is_read) return absl::NotFoundError(absl::StrCat(path, " cannot be read"));
  KILN_RETURN_IF_ERROR(status);
  return response;
}

absl::StatusOr<v1::GetCacheStatsResponse> AdminClient::Stats() {
  v1::GetCacheStatsResponse response;
  KILN_RETURN_IF_ERROR(FromGrpcStatus(stub_->GetCacheStats(NewContext().get(), v1::GetCacheStatsRequest(), &response)));
  return response;
}

absl::StatusOr<v1::RevokeResponse> AdminClient::Revoke(const std::vector<std::string>& lines) {
  v1::RevokeRequest request;
  for (const std::string& line : lines) request.add_lines(line);
  v1::RevokeResponse response;
  KILN_RETURN_IF_ERROR(FromGrpcStatus(stub_->Revoke(NewContext().get(), request, &response)));
  return response;
}

}  // namespace kiln
