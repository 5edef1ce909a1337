#include "service/request_header.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "compiler/artifact/elf_machine.h"
#include "compiler/artifact/isa_feature_names.h"
#include "compiler/artifact/kiln_abi.h"
#include "service/server_limits.h"

namespace kiln {

absl::Status CheckHeader(const v1::RequestHeader& header) {
  const struct {
    absl::string_view name;
    const std::string& value;
    size_t max_bytes;
  } fields[] = {{"request_id", header.request_id(), kMaxRequestIdBytes},
                {"traceparent", header.traceparent(), kMaxHeaderFieldBytes},
                {"tracestate", header.tracestate(), kMaxTracestateBytes},
                {"domain", header.domain(), kMaxHeaderFieldBytes},
                {"requester", header.requester(), kMaxHeaderFieldBytes},
                {"job", header.job(), kMaxHeaderFieldBytes}};
  for (const auto& field : fields) {
    if (field.value.size() <= field.max_bytes) continue;
    return MakeError(ErrorReason::kMalformedMessage,
                     absl::StrCat("header.", field.name, " has ", field.value.size(), " bytes, and ", field.max_bytes,
                                  " are allowed"));
  }
  return absl::OkStatus();
}

absl::Status CheckAbi(const v1::HostCapabilities& host) {
  if (host.abi_min() == 0 || host.abi_min() > host.abi_max()) {
    return MakeError(ErrorReason::kMalformedMessage,
                     absl::StrCat("host.abi_min ", host.abi_min(), " and abi_max ", host.abi_max(), " are no range"));
  }
  if (host.abi_min() <= KILN_ABI_VERSION && KILN_ABI_VERSION <= host.abi_max()) return absl::OkStatus();
  return MakeError(ErrorReason::kAbiMismatch,
                   absl::StrCat("the host loads kernel ABI ", host.abi_min(), " to ", host.abi_max(),
                                ", and this server makes ", KILN_ABI_VERSION));
}

absl::Status CheckTarget(const v1::Target& target) {
  const auto machines = ElfMachines();
  const bool has_arch = std::any_of(machines.begin(), machines.end(),
                                    [&](const ElfMachine& machine) { return machine.arch == target.arch(); });
  if (has_arch && (target.device_type().empty() || target.device_type() == kTargetDevice)) {
    return CheckIsaFeatures(target);
  }
  const std::string known =
      absl::StrJoin(machines, " and ", [](std::string* out, const ElfMachine& machine) {
        absl::StrAppend(out, "\"", kTargetDevice, "/", machine.arch, "\"");
      });
  return MakeError(ErrorReason::kUnsupportedTarget,
                   absl::StrCat("target \"", absl::CHexEscape(target.device_type().substr(0, 64)), "/",
                                absl::CHexEscape(target.arch().substr(0, 64)), "\" is none of ", known));
}

absl::StatusOr<Digest> ParseDigest(absl::string_view field, absl::string_view bytes) {
  std::optional<Digest> digest = Digest::FromBytes(bytes);
  if (digest.has_value()) return *digest;
  return MakeError(ErrorReason::kMalformedMessage,
                   absl::StrCat(field, " has ", bytes.size(), " bytes, not ", Digest::kSizeBytes));
}

}  // namespace kiln
