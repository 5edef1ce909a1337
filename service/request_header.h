// Checks of what every request carries.
#ifndef KILN_SERVICE_REQUEST_HEADER_H_
#define KILN_SERVICE_REQUEST_HEADER_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/digest.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {

// MALFORMED_MESSAGE for a field that is too long.
absl::Status CheckHeader(const v1::RequestHeader& header);

// MALFORMED_MESSAGE for an empty or upside-down ABI range; ABI_MISMATCH when it
// does not meet this server's.
absl::Status CheckAbi(const v1::HostCapabilities& host);

// UNSUPPORTED_TARGET, naming it, for a target that this server cannot compile for.
absl::Status CheckTarget(const v1::Target& target);

// MALFORMED_MESSAGE, naming `field`, unless 32 bytes.
absl::StatusOr<Digest> ParseDigest(absl::string_view field, absl::string_view bytes);

}  // namespace kiln

#endif  // KILN_SERVICE_REQUEST_HEADER_H_
