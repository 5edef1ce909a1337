#include "service/grpc_server.h"

#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/stat.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "service/grpc_service.h"

namespace kiln {
namespace {

constexpr absl::string_view kUnixScheme = "unix:";
// What gRPC receives beyond our limit, so that we can refuse it in our own words.
constexpr int kReceiveSlackBytes = 4 << 20;
constexpr int kMaxConcurrentStreams = 4096;

std::string DialableAddress(const std::string& listen, int port) {
  if (absl::StartsWith(listen, kUnixScheme)) return listen;
  return absl::StrCat(listen.substr(0, listen.rfind(':')), ":", port);
}

}  // namespace

struct GrpcServer::Rep {
  std::unique_ptr<grpc::Service> service;
  std::unique_ptr<grpc::Server> server;
};

GrpcServer::GrpcServer() : rep_(std::make_unique<Rep>()) {}
GrpcServer::~GrpcServer() = default;

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const std::vector<std::string>& listen, Front& front) {
  grpc::EnableDefaultHealthCheckService(true);
  std::unique_ptr<GrpcServer> self(new GrpcServer);
  self->rep_->service = MakeGrpcService(front);
  grpc::ServerBuilder builder;
  builder.RegisterService(self->rep_->service.get());
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
  for (size_t i = 0; i < listen.size(); ++i) {
    if (self->rep_->server == nullptr || ports[i] <= 0) {
      return MakeError(ErrorReason::kBadArgumentValue, absl::StrCat("cannot listen on ", listen[i]));
    }
    self->addresses_.push_back(DialableAddress(listen[i], ports[i]));
  }
  return self;
}

void GrpcServer::SetNotServing() {
  if (auto* health = rep_->server->GetHealthCheckService(); health != nullptr) health->SetServingStatus(false);
}

void GrpcServer::Shutdown(absl::Duration patience) {
  rep_->server->Shutdown(absl::ToChronoTime(absl::Now() + patience));
  rep_->server->Wait();
}

}  // namespace kiln
