#include "service/locate_failure.h"

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/error.h"

namespace kiln {
namespace {

constexpr absl::string_view kNode = "node ";

}  // namespace

absl::Status LocateFailure(const absl::Status& failure, const PreparedCompile& request) {
  const std::optional<ErrorReason> reason = GetErrorReason(failure);
  absl::string_view rest = failure.message();
  if (!reason.has_value() || !absl::ConsumePrefix(&rest, kNode)) return failure;
  const size_t digits = rest.find(" (");
  const size_t end = rest.find("): ");
  size_t node = 0;
  if (digits == absl::string_view::npos || end == absl::string_view::npos || digits > end ||
      !absl::SimpleAtoi(rest.substr(0, digits), &node) || node >= request.graph->source->original_nodes.size()) {
    return failure;
  }
  const std::string& location = request.graph->source->locations[node];
  return MakeError(*reason, absl::StrCat(kNode, request.graph->source->original_nodes[node], rest.substr(digits, end + 1 - digits),
                                         location.empty() ? "" : " at ", location, rest.substr(end + 1)));
}

}  // namespace kiln
