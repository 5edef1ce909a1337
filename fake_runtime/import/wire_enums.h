// Enums of graphs and guards beside those of the wire, a row a value: what encodes,
// decodes and names them looks here.
//
//   KILN_ASSIGN_OR_RETURN(DimPolicy policy, FromWire(kWirePolicies, message.policy(), "policy"));
//   message.set_policy(ToWire(kWirePolicies, policy));
#ifndef KILN_FAKE_RUNTIME_IMPORT_WIRE_ENUMS_H_
#define KILN_FAKE_RUNTIME_IMPORT_WIRE_ENUMS_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "fake_runtime/graph/graph.h"
#include "fake_runtime/symbolic/guard.h"
#include "kiln/v1/artifact.pb.h"
#include "kiln/v1/graph.pb.h"

namespace kiln {

template <typename Enum, typename Wire>
struct WireRow {
  Enum value;
  Wire wire;
};

inline constexpr WireRow<DimPolicy, v1::DimPolicy> kWirePolicies[] = {
    {DimPolicy::kAutomatic, v1::DIM_POLICY_AUTOMATIC},
    {DimPolicy::kDynamic, v1::DIM_POLICY_DYNAMIC},
    {DimPolicy::kUnbacked, v1::DIM_POLICY_UNBACKED},
    {DimPolicy::kStatic, v1::DIM_POLICY_STATIC},
};
inline constexpr WireRow<GuardKind, v1::Guard::Kind> kWireGuardKinds[] = {
    {GuardKind::kShape, v1::Guard::KIND_SHAPE},
    {GuardKind::kAssumption, v1::Guard::KIND_ASSUMPTION},
    {GuardKind::kPerformance, v1::Guard::KIND_PERFORMANCE},
};
inline constexpr WireRow<InputKind, v1::InputKind> kWireInputKinds[] = {
    {InputKind::kUser, v1::INPUT_KIND_USER},       {InputKind::kParameter, v1::INPUT_KIND_PARAMETER},
    {InputKind::kBuffer, v1::INPUT_KIND_BUFFER},   {InputKind::kTangent, v1::INPUT_KIND_TANGENT},
    {InputKind::kSaved, v1::INPUT_KIND_SAVED},
};

// MALFORMED_MESSAGE, naming `what`, for a value that has no row.
template <typename Enum, typename Wire, size_t n>
absl::StatusOr<Enum> FromWire(const WireRow<Enum, Wire> (&rows)[n], Wire wire, absl::string_view what) {
  for (const auto& row : rows) {
    if (row.wire == wire) return row.value;
  }
  return MakeError(ErrorReason::kMalformedMessage,
                   absl::StrCat(what, " ", static_cast<int>(wire), " is unspecified or unknown"));
}

template <typename Enum, typename Wire, size_t n>
Wire ToWire(const WireRow<Enum, Wire> (&rows)[n], Enum value) {
  for (const auto& row : rows) {
    if (row.value == value) return row.wire;
  }
  return Wire{};
}

// The same by name: what `name_of` says of the value. Unspecified for no such name,
// empty for no such value.
template <typename Enum, typename Wire, size_t n>
Wire NameToWire(const WireRow<Enum, Wire> (&rows)[n], absl::string_view (*name_of)(Enum), absl::string_view name) {
  for (const auto& row : rows) {
    if (name_of(row.value) == name) return row.wire;
  }
  return Wire{};
}
template <typename Enum, typename Wire, size_t n>
absl::string_view NameFromWire(const WireRow<Enum, Wire> (&rows)[n], absl::string_view (*name_of)(Enum), Wire wire) {
  for (const auto& row : rows) {
    if (row.wire == wire) return name_of(row.value);
  }
  return "";
}

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_IMPORT_WIRE_ENUMS_H_
