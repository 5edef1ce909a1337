#include "service/revocation_file.h"

#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/artifact/revocation_list.h"
#include "service/atomic_file.h"

namespace kiln {

absl::Status RevocationFile::Add(const std::vector<std::string>& lines) {
  // Alone first, so that a mistake is named by its own number.
  std::string text;
  for (const std::string& line : lines) {
    if (absl::StrContains(line, '\n')) return MakeError(ErrorReason::kParseError, "a line to revoke has several lines");
    absl::StrAppend(&text, line, "\n");
  }
  KILN_RETURN_IF_ERROR(RevocationList().AddText(text));

  absl::MutexLock lock(&mutex_);
  std::ifstream file(path_, std::ios::binary);
  std::string whole(std::istreambuf_iterator<char>(file), {});
  RevocationList list;
  if (absl::Status status = list.AddText(whole); !status.ok()) return AddContext(status, path_);
  if (!whole.empty() && whole.back() != '\n') whole.push_back('\n');
  for (const std::string& line : lines) {
    const int64_t size = list.size();
    KILN_RETURN_IF_ERROR(list.AddText(line));
    // An epoch that moves is another line, though the list grows no longer.
    if (list.size() > size || absl::StrContains(line, "before")) absl::StrAppend(&whole, line, "\n");
  }
  return WriteFileAtomically(path_, whole, 0644);
}

}  // namespace kiln
