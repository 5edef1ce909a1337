// Files that are there whole or not at all.
#ifndef KILN_SERVICE_ATOMIC_FILE_H_
#define KILN_SERVICE_ATOMIC_FILE_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace kiln {

// Writes beside `path`, flushes, renames. STORAGE, naming the file and the cause.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view contents, mode_t mode);

}  // namespace kiln

#endif  // KILN_SERVICE_ATOMIC_FILE_H_
