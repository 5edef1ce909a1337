// Where AdminService listens, and whom it lets in.
#ifndef KILN_SERVICE_ADMIN_SERVER_H_
#define KILN_SERVICE_ADMIN_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "service/front.h"
#include "service/grpc_server.h"

namespace kiln {

// As in ServeOptions.
struct AdminOptions {
  std::string listen;
  std::string token_file;
  std::string data_folder;
  std::string revoked_file;
};

// "unix:<data folder>/admin.sock": where `kiln cache --data` looks.
std::string AdminSocketOf(absl::string_view data_folder);

// `front` must outlive it. Null if it is to be nowhere. BAD_ARGUMENT_VALUE for an address
// that is neither a Unix socket nor loopback, a TCP address without a token, and one
// that cannot be listened on; STORAGE for the token's file. Without an address of its
// own, a data folder whose path is too long for a socket is only logged.
absl::StatusOr<std::unique_ptr<GrpcServer>> StartAdminServer(const AdminOptions& options, Front& front);

// The token in the file: at least 16 characters on its first line. STORAGE for a file that
// others can read, or that holds none.
absl::StatusOr<std::string> ReadAdminToken(const std::string& path);

}  // namespace kiln

#endif  // KILN_SERVICE_ADMIN_SERVER_H_
