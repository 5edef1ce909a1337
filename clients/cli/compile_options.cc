#include "clients/cli/compile_options.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {

absl::StatusOr<std::map<std::string, std::string>> ParseOptionFlags(const std::vector<std::string>& flags) {
  std::map<std::string, std::string> values;
  for (const std::string& flag : flags) {
    const size_t equals = flag.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return MakeError(ErrorReason::kBadArgumentValue, absl::StrCat("--option: '", flag, "' is not NAME=VALUE"));
    }
    const std::string name = flag.substr(0, equals);
    if (!values.emplace(name, flag.substr(equals + 1)).second) {
      return MakeError(ErrorReason::kBadArgumentValue, absl::StrCat("--option: ", name, " is given twice"));
    }
  }
  return values;
}

}  // namespace kiln
