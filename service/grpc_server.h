// gRPC's server with one of our services, the standard health service, and limits.
#ifndef KILN_SERVICE_GRPC_SERVER_H_
#define KILN_SERVICE_GRPC_SERVER_H_

#include <grpcpp/impl/service_type.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace kiln {

// Thread-compatible.
class GrpcServer {
 public:
  // What the service works on must outlive it. `max_threads` bounds those of a synchronous
  // service; 0 for one that has none. `beside` is served too, if not null. BAD_ARGUMENT_VALUE, naming the address, when it
  // cannot listen there.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const std::vector<std::string>& listen,
                                                           std::unique_ptr<grpc::Service> service, int max_threads = 0,
                                                           std::unique_ptr<grpc::Service> beside = nullptr);
  ~GrpcServer();

  // As clients may dial them: with the port that was found for a 0.
  const std::vector<std::string>& addresses() const { return addresses_; }

  // To this process alone; `listen` may be empty then.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // Health checks answer NOT_SERVING from now on.
  void SetNotServing();
  // Takes no new calls; cancels what has not ended within `patience`; waits.
  void Shutdown(absl::Duration patience);

 private:
  GrpcServer();

  struct Rep;
  std::unique_ptr<Rep> rep_;
  std::vector<std::string> addresses_;
};

}  // namespace kiln

#endif  // KILN_SERVICE_GRPC_SERVER_H_
