// A file that a command writes: there whole, or as it was.
//
//   KILN_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(path));
//   KILN_RETURN_IF_ERROR(file.Write(bytes));
//   KILN_RETURN_IF_ERROR(file.Commit());
#ifndef KILN_CLIENTS_CLI_OUTPUT_FILE_H_
#define KILN_CLIENTS_CLI_OUTPUT_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace kiln {

// Not thread-safe. Errors name the path and the cause.
class OutputFile {
 public:
  // Written beside `path` under a name that nobody else has, and put in its place by
  // Commit(). What a link names is replaced, not the link. A device or a pipe is written
  // to as it is: a file in its place would be the end of it.
  static absl::StatusOr<OutputFile> Create(const std::string& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  // Without a Commit() nothing is left of it.
  ~OutputFile();

  absl::Status Write(absl::string_view bytes);
  // Once, at the end. What was at the path before keeps its mode.
  absl::Status Commit();

 private:
  OutputFile(std::string path, std::string target, std::string partial, int fd);
  absl::Status Failed() const;

  std::string path_;     // for messages
  std::string target_;   // what is replaced
  std::string partial_;  // "" if it is written in place, or committed
  int fd_;
};

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_OUTPUT_FILE_H_
