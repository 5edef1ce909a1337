// "--option NAME=VALUE" as a map.
#ifndef KILN_CLIENTS_CLI_COMPILE_OPTIONS_H_
#define KILN_CLIENTS_CLI_COMPILE_OPTIONS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace kiln {

// BAD_ARGUMENT_VALUE, naming the piece that is not NAME=VALUE or comes twice.
absl::StatusOr<std::map<std::string, std::string>> ParseOptionFlags(const std::vector<std::string>& flags);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_COMPILE_OPTIONS_H_
