#include "base/error.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace kiln {
namespace {

constexpr absl::string_view kPayloadUrl = "kiln.dev/error_reason";
constexpr size_t kMaxMessageBytes = 4096;

constexpr ErrorReasonRow kRows[] = {
#define KILN_ERROR_REASON(id, name, code, cause, next_step) \
  {ErrorReason::id, name, absl::StatusCode::code, ErrorCause::cause, next_step},
#include "base/error_reasons.def"
#undef KILN_ERROR_REASON
};

}  // namespace

absl::Span<const ErrorReasonRow> ErrorReasons() { return kRows; }

const ErrorReasonRow& GetErrorReasonRow(ErrorReason reason) {
  return kRows[static_cast<size_t>(reason)];
}

std::optional<ErrorReason> ParseErrorReason(absl::string_view name) {
  for (const ErrorReasonRow& row : kRows) {
    if (row.name == name) return row.reason;
  }
  return std::nullopt;
}

absl::Status MakeError(ErrorReason reason, absl::string_view message) {
  const ErrorReasonRow& row = GetErrorReasonRow(reason);
  absl::Status status(row.code, message.substr(0, kMaxMessageBytes));
  status.SetPayload(kPayloadUrl, absl::Cord(row.name));
  return status;
}

std::optional<ErrorReason> GetErrorReason(const absl::Status& status) {
  absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value()) return std::nullopt;
  return ParseErrorReason(std::string(*payload));
}

absl::Status AddContext(const absl::Status& status, absl::string_view context) {
  if (status.ok()) return status;
  const std::string message = absl::StrCat(context, ": ", status.message());
  absl::Status out(status.code(),
                   absl::string_view(message).substr(0, kMaxMessageBytes));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    out.SetPayload(url, payload);
  });
  return out;
}

}  // namespace kiln
