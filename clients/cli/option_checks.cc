#include "clients/cli/option_checks.h"

#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace kiln {

CLI::Validator NumberWithin(double least, double most) {
  const std::string range = absl::StrCat("from ", least, " to ", most);
  return CLI::Validator(
      [=](const std::string& text) {
        double value = 0;
        // A comparison with what is not a number is false.
        if (absl::SimpleAtod(text, &value) && value >= least && value <= most) return std::string();
        return absl::StrCat("'", text, "' is no number ", range);
      },
      absl::StrCat("NUMBER ", range));
}

}  // namespace kiln
