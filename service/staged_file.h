// Bytes that wait on disk, in a file that has no name and is gone with the object.
#ifndef KILN_SERVICE_STAGED_FILE_H_
#define KILN_SERVICE_STAGED_FILE_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cache/bundle_reader.h"
#include "service/unique_fd.h"

namespace kiln {

// Thread-compatible.
class StagedFile {
 public:
  // In `folder`; "" is memory. STORAGE, naming the folder.
  static absl::StatusOr<StagedFile> Create(const std::string& folder);

  // STORAGE.
  absl::Status Append(absl::string_view bytes);
  // From the beginning. Valid as long as this file.
  absl::StatusOr<ByteSource> Source() const;
  int64_t size() const { return size_; }

 private:
  explicit StagedFile(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  int64_t size_ = 0;
};

}  // namespace kiln

#endif  // KILN_SERVICE_STAGED_FILE_H_
