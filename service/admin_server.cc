#include "service/admin_server.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "service/admin_service.h"
#include "service/apply_trust.h"
#include "service/revocation_file.h"
#include "service/unique_fd.h"

namespace kiln {
namespace {

constexpr absl::string_view kUnixScheme = "unix:";
// Administrators are few, and some wait long for a verification.
constexpr int kMaxThreads = 16;
constexpr size_t kMinTokenBytes = 16;
constexpr size_t kMaxTokenBytes = 4096;

absl::Status Refused(absl::string_view what) { return MakeError(ErrorReason::kBadArgumentValue, what); }

bool IsLoopback(absl::string_view address) {
  for (absl::string_view host : {"127.", "[::1]:", "localhost:"}) {
    if (absl::StartsWith(address, host)) return true;
  }
  return false;
}

bool FitsSocket(absl::string_view address) {
  return address.size() - kUnixScheme.size() < sizeof(sockaddr_un::sun_path);
}

AdminParts PartsOf(const AdminOptions& options, std::string token, Front& front) {
  AdminParts parts;
  parts.cache = front.cache.get();
  parts.graphs = front.graphs.get();
  parts.trust = front.trust;
  parts.key = &front.key;
  parts.clock = front.clock;
  parts.activity = &front.activity;
  parts.compiler_build = front.compiler.build;
  parts.token = std::move(token);
  parts.staging_folder = options.data_folder;
  parts.used_by_job = [&front](const std::string& job, const Digest& artifact) {
    return front.pins->IsPinnedBy(job, artifact);
  };
  if (!options.revoked_file.empty()) {
    auto file = std::make_shared<RevocationFile>(options.revoked_file);
    parts.revoke = [file, &front](const std::vector<std::string>& lines) -> absl::StatusOr<int64_t> {
      KILN_RETURN_IF_ERROR(file->Add(lines));
      KILN_RETURN_IF_ERROR(front.trust->Reload().status());
      return DropUntrusted(front);
    };
  }
  return parts;
}

}  // namespace

std::string AdminSocketOf(absl::string_view data_folder) {
  return absl::StrCat(kUnixScheme, data_folder, "/admin.sock");
}

absl::StatusOr<std::string> ReadAdminToken(const std::string& path) {
  auto refused = [&](absl::string_view why) {
    return MakeError(ErrorReason::kStorage, absl::StrCat("admin token ", path, ": ", why));
  };
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info;
  if (!fd.valid() || fstat(fd.get(), &info) != 0) return refused(std::strerror(errno));
  if ((info.st_mode & 077) != 0) {
    return refused(absl::StrFormat("mode %04o lets others read it; chmod 600 it", info.st_mode & 0777));
  }
  char buffer[kMaxTokenBytes];
  const ssize_t size = read(fd.get(), buffer, sizeof(buffer));
  if (size < 0) return refused(std::strerror(errno));
  absl::string_view text(buffer, static_cast<size_t>(size));
  text = absl::StripAsciiWhitespace(text.substr(0, text.find('\n')));
  if (text.size() < kMinTokenBytes) return refused(absl::StrCat("a token has at least ", kMinTokenBytes, " characters"));
  return std::string(text);
}

absl::StatusOr<std::unique_ptr<GrpcServer>> StartAdminServer(const AdminOptions& options, Front& front) {
  std::string address = options.listen;
  if (address == "none" || (address.empty() && options.data_folder.empty())) return nullptr;
  if (address.empty()) {
    address = AdminSocketOf(options.data_folder);
    if (!FitsSocket(address)) {
      spdlog::warn("no admin address: {} is too long for a socket; give --admin-listen", address);
      return nullptr;
    }
  }
  std::string token;
  if (!absl::StartsWith(address, kUnixScheme)) {
    if (!IsLoopback(address)) {
      return Refused(absl::StrCat("--admin-listen ", address, " is neither unix:/PATH nor a loopback address"));
    }
    if (options.token_file.empty()) {
      return Refused(absl::StrCat("--admin-listen ", address, " wants a token: give --admin-token"));
    }
    KILN_ASSIGN_OR_RETURN(token, ReadAdminToken(options.token_file));
  }
  KILN_ASSIGN_OR_RETURN(
      std::unique_ptr<GrpcServer> server,
      GrpcServer::Start({address}, MakeAdminService(PartsOf(options, std::move(token), front)), kMaxThreads));
  spdlog::info("admin on {}", server->addresses().front());
  return server;
}

}  // namespace kiln
