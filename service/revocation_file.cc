#include "service/revocation_file.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/artifact/revocation_list.h"
#include "compiler/artifact/trust_file.h"
#include "service/atomic_file.h"

namespace kiln {
namespace {

// The file behind `path`, which may be a link: replacing the link would leave the list
// that it names, and whoever else reads that, without the line.
absl::StatusOr<std::string> BehindLinks(const std::string& path) {
  char resolved[PATH_MAX];
  if (realpath(path.c_str(), resolved) != nullptr) return std::string(resolved);
  const int why = errno;
  struct stat info;
  if (why == ENOENT && lstat(path.c_str(), &info) != 0 && errno == ENOENT) return path;
  return MakeError(ErrorReason::kStorage, absl::StrCat(path, ": ", std::strerror(why)));
}

}  // namespace

absl::Status RevocationFile::Add(const std::vector<std::string>& lines) {
  // Alone first, so that a mistake is named by its own number.
  std::string text;
  for (const std::string& line : lines) {
    if (absl::StrContains(line, '\n')) return MakeError(ErrorReason::kParseError, "a line to revoke has several lines");
    absl::StrAppend(&text, line, "\n");
  }
  KILN_RETURN_IF_ERROR(RevocationList().AddText(text));

  absl::MutexLock lock(&mutex_);
  KILN_ASSIGN_OR_RETURN(const std::string path, BehindLinks(path_));
  absl::StatusOr<std::string> read = ReadTrustFile(path);
  if (absl::IsNotFound(read.status())) read = std::string();
  if (!read.ok()) return AddContext(read.status(), "nothing is revoked, since the list so far cannot be read");
  std::string whole = *std::move(read);
  RevocationList list;
  if (absl::Status status = list.AddText(whole); !status.ok()) return AddContext(status, path_);
  if (!whole.empty() && whole.back() != '\n') whole.push_back('\n');
  for (const std::string& line : lines) {
    const int64_t size = list.size();
    KILN_RETURN_IF_ERROR(list.AddText(line));
    // An epoch that moves is another line, though the list grows no longer.
    if (list.size() > size || absl::StrContains(line, "before")) absl::StrAppend(&whole, line, "\n");
  }
  return WriteFileAtomically(path, whole, 0644);
}

}  // namespace kiln
