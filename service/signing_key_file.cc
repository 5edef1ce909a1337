#include "service/signing_key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "service/atomic_file.h"
#include "service/unique_fd.h"

namespace kiln {
namespace {

constexpr size_t kMaxKeyFileBytes = 256;

absl::Status Refused(const std::string& path, absl::string_view why) {
  return MakeError(ErrorReason::kStorage, absl::StrCat("signing key ", path, ": ", why));
}

absl::StatusOr<SigningKey> Load(const std::string& path, int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0) return Refused(path, std::strerror(errno));
  if ((info.st_mode & 077) != 0) {
    return Refused(path, absl::StrFormat("mode %04o lets others read it; chmod 600 it", info.st_mode & 0777));
  }
  char buffer[kMaxKeyFileBytes];
  const ssize_t size = read(fd, buffer, sizeof(buffer));
  if (size < 0) return Refused(path, std::strerror(errno));
  const absl::string_view text = absl::StripAsciiWhitespace({buffer, static_cast<size_t>(size)});
  // A seed is written as a digest is: 64 hex digits.
  const std::optional<Digest> seed = Digest::FromHex(text);
  explicit_bzero(buffer, sizeof(buffer));
  if (!seed.has_value()) return Refused(path, "does not hold 64 hex digits");
  return SigningKey::FromSeed(seed->bytes());
}

absl::StatusOr<SigningKey> Create(const std::string& path) {
  SigningKey key = SigningKey::Generate();
  KILN_RETURN_IF_ERROR(WriteFileAtomically(path, absl::StrCat(absl::BytesToHexString(key.seed()), "\n"), 0600));
  return key;
}

}  // namespace

absl::StatusOr<SigningKey> LoadSigningKey(const std::string& path) {
  // Without O_NONBLOCK a pipe of that name would be waited for.
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.valid()) return Load(path, fd.get());
  if (errno == ENOENT) return absl::NotFoundError(path);
  return Refused(path, std::strerror(errno));
}

absl::StatusOr<SigningKey> LoadOrCreateSigningKey(const std::string& path) {
  absl::StatusOr<SigningKey> loaded = LoadSigningKey(path);
  if (absl::IsNotFound(loaded.status())) loaded = Create(path);
  KILN_ASSIGN_OR_RETURN(SigningKey key, std::move(loaded));
  const std::string text = absl::StrCat("# Kiln's public key; trust it to run what this server compiles.\n",
                                        absl::BytesToHexString(key.public_key()), "\n");
  KILN_RETURN_IF_ERROR(WriteFileAtomically(path + ".pub", text, 0644));
  return key;
}

}  // namespace kiln
