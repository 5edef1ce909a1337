// The revocation list that this server may add to.
#ifndef KILN_SERVICE_REVOCATION_FILE_H_
#define KILN_SERVICE_REVOCATION_FILE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace kiln {

// Thread-safe. Lines that others write to the file meanwhile may be lost: it has one
// writer at a time.
class RevocationFile {
 public:
  explicit RevocationFile(std::string path) : path_(std::move(path)) {}

  // Appends what is not there yet; the file, or the one that a link of this name leads
  // to, is replaced whole. PARSE_ERROR, naming the line, if one of them or of the file's
  // own is malformed; LIMIT_EXCEEDED; STORAGE, also if what is there cannot be read. The
  // file is as it was after an error.
  absl::Status Add(const std::vector<std::string>& lines);

 private:
  const std::string path_;
  absl::Mutex mutex_;
};

}  // namespace kiln

#endif  // KILN_SERVICE_REVOCATION_FILE_H_
