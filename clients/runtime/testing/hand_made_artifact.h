// Artifacts that no compiler of ours wrote: C source, compiled by the system's
// compiler against kiln_abi.h, given a manifest by objcopy and signed. They show
// that the ABI, not the compiler, is the contract.
#ifndef KILN_CLIENTS_RUNTIME_TESTING_HAND_MADE_ARTIFACT_H_
#define KILN_CLIENTS_RUNTIME_TESTING_HAND_MADE_ARTIFACT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/artifact/signed_variant.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// The ELF: `c_source` with `manifest` in its section. The compiler's words on
// failure. Needs cc and objcopy on PATH.
absl::StatusOr<std::string> CompileHandMade(absl::string_view c_source, const v1::Manifest& manifest);

// The record that belongs to `elf`: what of it is in the manifest, and its
// SHA-256.
v1::VariantRecord RecordOf(absl::string_view elf, const v1::Manifest& manifest);

// A manifest with format, ABI, arch, entry point and a key whose digests are
// made up from `name`.
v1::Manifest BareManifest(absl::string_view name);

}  // namespace kiln

#endif  // KILN_CLIENTS_RUNTIME_TESTING_HAND_MADE_ARTIFACT_H_
