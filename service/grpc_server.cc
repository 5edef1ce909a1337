#include "service/grpc_server.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/server_address.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

constexpr absl::string_view kUnixScheme = "unix:";
// What gRPC receives beyond our limit, so that we can refuse it in our own words.
constexpr int kReceiveSlackBytes = 4 << 20;
constexpr int kMaxConcurrentStreams = 4096;

// gRPC prints a line of its own for what is an error of ours as well.
void LogOfGrpc(gpr_log_func_args* line) { spdlog::debug("grpc: {}", line->message); }

std::string DialableAddress(const std::string& listen, int port) {
  if (absl::StartsWith(listen, kUnixScheme)) return listen;
  return absl::StrCat(listen.substr(0, listen.rfind(':')), ":", port);
}

}  // namespace

struct GrpcServer::Rep {
  std::unique_ptr<grpc::Service> service;
  std::unique_ptr<grpc::Service> beside;
  std::unique_ptr<grpc::Server> server;
};

GrpcServer::GrpcServer() : rep_(std::make_unique<Rep>()) {}
GrpcServer::~GrpcServer() = default;

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const std::vector<std::string>& listen,
                                                              std::unique_ptr<grpc::Service> service,
                                                              int max_threads,
                                                              std::unique_ptr<grpc::Service> beside) {
  for (const std::string& address : listen) {
    KILN_RETURN_IF_ERROR(CheckServerAddress(address, AddressUse::kListen));
  }
  gpr_set_log_function(LogOfGrpc);
  grpc::EnableDefaultHealthCheckService(true);
  std::unique_ptr<GrpcServer> self(new GrpcServer);
  self->rep_->service = std::move(service);
  self->rep_->beside = std::move(beside);
  grpc::ServerBuilder builder;
  if (max_threads > 0) builder.SetResourceQuota(grpc::ResourceQuota("kiln").SetMaxThreads(max_threads));
  builder.RegisterService(self->rep_->service.get());
  if (self->rep_->beside != nullptr) builder.RegisterService(self->rep_->beside.get());
  builder.SetMaxReceiveMessageSize(static_cast<int>(GetLimit(Limit::kRequestBytes)) + kReceiveSlackBytes);
  builder.SetMaxSendMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxConcurrentStreams);
  // Another server on the port must be an error, not a companion.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  std::vector<int> ports(listen.size(), -1);
  for (size_t i = 0; i < listen.size(); ++i) {
    builder.AddListeningPort(listen[i], grpc::InsecureServerCredentials(), &ports[i]);
  }
  // A Unix socket is for its owner alone.
  const mode_t mask = umask(0077);
  self->rep_->server = builder.BuildAndStart();
  umask(mask);
  // gRPC stops at the first address that it cannot have.
  const size_t refused = static_cast<size_t>(
      std::find_if(ports.begin(), ports.end(), [](int port) { return port <= 0; }) - ports.begin());
  if (self->rep_->server == nullptr || refused < listen.size()) {
    const std::string& address = listen.empty() ? std::string("no address") : listen[refused < listen.size() ? refused : 0];
    return MakeError(ErrorReason::kBadArgumentValue, absl::StrCat("cannot listen on ", address));
  }
  for (size_t i = 0; i < listen.size(); ++i) {
    self->addresses_.push_back(DialableAddress(listen[i], ports[i]));
  }
  return self;
}

std::shared_ptr<grpc::Channel> GrpcServer::InProcessChannel() {
  return rep_->server->InProcessChannel(grpc::ChannelArguments());
}

void GrpcServer::SetNotServing() {
  if (auto* health = rep_->server->GetHealthCheckService(); health != nullptr) health->SetServingStatus(false);
}

void GrpcServer::Shutdown(absl::Duration patience) {
  rep_->server->Shutdown(absl::ToChronoTime(absl::Now() + patience));
  rep_->server->Wait();
}

}  // namespace kiln
