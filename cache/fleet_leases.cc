#include "cache/fleet_leases.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace kiln {

std::string NewLeaseToken() {
  std::random_device random;
  std::string token;
  while (token.size() < kLeaseTokenBytes) absl::StrAppendFormat(&token, "%08x", random());
  return token;
}

std::string EncodeLease(absl::string_view token, const v1::CompileLease& says) {
  return absl::StrCat(token, says.SerializeAsString());
}

HeldLease DecodeLease(const Digest& identity, absl::string_view bytes) {
  HeldLease held = {identity};
  if (bytes.size() < kLeaseTokenBytes || bytes.size() > kLeaseTokenBytes + kMaxLeaseBytes) return held;
  held.token = std::string(bytes.substr(0, kLeaseTokenBytes));
  if (!held.says.ParseFromString(std::string(bytes.substr(kLeaseTokenBytes)))) held.says.Clear();
  return held;
}

}  // namespace kiln
