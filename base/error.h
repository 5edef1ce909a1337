// Typed errors. Every refusal that reaches a client carries a machine-readable
// reason; the reasons, their gRPC codes and the client's next step stand in one
// table, `error_reasons.def`.
//
//   return MakeError(ErrorReason::kShapeMismatch,
//                    "node 17 (aten.mm.default): lhs dim 1 is 64 but rhs dim 0 is 32");
//
// The reason travels inside absl::Status as a payload, so a Status can pass
// through code that knows nothing of reasons. The service turns the payload
// into google.rpc.ErrorInfo.
#ifndef KILN_BASE_ERROR_H_
#define KILN_BASE_ERROR_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace kiln {

enum class ErrorReason {
#define KILN_ERROR_REASON(id, name, code, cause, next_step) id,
#include "base/error_reasons.def"
#undef KILN_ERROR_REASON
};

// Whose doing an error is; so whether it would happen again.
enum class ErrorCause {
  // The graph's own, sizes and options included: the same build gives the same
  // error to whoever asks, whenever. Compiles that failed so are remembered.
  kGraph,
  // The way it was asked, or who asked: another request for the same graph may do.
  kRequest,
  // The server's, its machine's or its stores': it may pass.
  kMachine,
};

struct ErrorReasonRow {
  ErrorReason reason;
  // UPPER_SNAKE_CASE, the `reason` of google.rpc.ErrorInfo.
  absl::string_view name;
  absl::StatusCode code;
  ErrorCause cause;
  // What the client should do next, one sentence.
  absl::string_view next_step;
};

// All rows, in declaration order.
absl::Span<const ErrorReasonRow> ErrorReasons();

const ErrorReasonRow& GetErrorReasonRow(ErrorReason reason);

// The reason whose name is `name`, if any.
std::optional<ErrorReason> ParseErrorReason(absl::string_view name);

// A status with the row's code, `message` (cut at 4 KiB) and the reason.
absl::Status MakeError(ErrorReason reason, absl::string_view message);

// The reason that `status` carries. nullopt for OK and for foreign statuses.
std::optional<ErrorReason> GetErrorReason(const absl::Status& status);

// Puts `context` and ": " before the message; keeps code, reason, payloads.
absl::Status AddContext(const absl::Status& status, absl::string_view context);

}  // namespace kiln

#endif  // KILN_BASE_ERROR_H_
