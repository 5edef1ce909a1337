// gRPC's server with our service, the standard health service, and limits.
#ifndef KILN_SERVICE_GRPC_SERVER_H_
#define KILN_SERVICE_GRPC_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/front.h"

namespace kiln {

// Thread-compatible.
class GrpcServer {
 public:
  // `front` must outlive it. BAD_ARGUMENT_VALUE, naming the address, when it cannot
  // listen there.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const std::vector<std::string>& listen, Front& front);
  ~GrpcServer();

  // As clients may dial them: with the port that was found for a 0.
  const std::vector<std::string>& addresses() const { return addresses_; }

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
