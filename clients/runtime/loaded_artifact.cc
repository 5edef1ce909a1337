#include "clients/runtime/loaded_artifact.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "clients/runtime/own_devices.h"
#include "compiler/artifact/check_shared_object.h"
#include "compiler/artifact/read_manifest.h"

namespace kiln {
namespace {

absl::Status Refused(absl::string_view what) {
  return MakeError(ErrorReason::kArtifactRefused, absl::StrCat("the artifact is refused: ", what));
}

absl::Status Corrupt(absl::string_view what) {
  return MakeError(ErrorReason::kArtifactCorrupt, absl::StrCat("the artifact is corrupt: ", what));
}

std::string Hex(absl::string_view bytes) { return absl::BytesToHexString(bytes.substr(0, 6)); }

// All but the compiler's build, which another server of the fleet may differ in.
absl::Status CheckKey(const v1::KeyComponents& got, const v1::KeyComponents& asked) {
  struct Row {
    absl::string_view name;
    const std::string& got;
    const std::string& asked;
  };
  const Row digests[] = {
      {"graph", got.graph(), asked.graph()},
      {"input signature", got.signature(), asked.signature()},
      {"options", got.options(), asked.options()},
  };
  for (const Row& row : digests) {
    if (row.got == row.asked) continue;
    return Refused(
        absl::StrCat("its ", row.name, " has digest ", Hex(row.got), " but this host asked for ", Hex(row.asked)));
  }
  const Row texts[] = {
      {"target family", got.target_family(), asked.target_family()},
      {"domain", got.domain(), asked.domain()},
  };
  for (const Row& row : texts) {
    if (row.got == row.asked) continue;
    return Refused(absl::StrCat("its ", row.name, " is '", row.got, "' but this host asked for '", row.asked, "'"));
  }
  return absl::OkStatus();
}

absl::Status CheckAbi(const v1::VariantRecord& record) {
  if (record.abi_version() == KILN_ABI_VERSION) return absl::OkStatus();
  return MakeError(ErrorReason::kAbiMismatch, absl::StrCat("the artifact has kernel ABI ", record.abi_version(),
                                                           " but this host has ", KILN_ABI_VERSION));
}

template <typename Features>
absl::Status CheckFeatures(const Features& needed, const v1::Target& target) {
  for (const std::string& feature : needed) {
    const auto& have = target.features();
    if (std::find(have.begin(), have.end(), feature) != have.end()) continue;
    return Refused(absl::StrCat("it needs the processor's ", feature, ", which this machine has not"));
  }
  return absl::OkStatus();
}

// The record is signed and the manifest is what runs: they must say the same.
absl::Status CheckManifest(const v1::Manifest& manifest, const v1::VariantRecord& record) {
  if (manifest.key().SerializeAsString() != record.key().SerializeAsString()) {
    return Corrupt("the manifest has another key than its record");
  }
  if (manifest.abi_version() != record.abi_version()) return Corrupt("the manifest has another ABI than its record");
  if (!std::equal(manifest.symbols().begin(), manifest.symbols().end(), record.symbols().begin(),
                  record.symbols().end())) {
    return Corrupt("the manifest has other symbols than its record");
  }
  const bool same_guards = std::equal(
      manifest.guards().begin(), manifest.guards().end(), record.guards().begin(), record.guards().end(),
      [](const v1::Guard& a, const v1::Guard& b) { return a.condition() == b.condition(); });
  if (!same_guards) return Corrupt("the manifest has other guards than its record");
  return absl::OkStatus();
}

absl::Status CheckOutputs(const v1::Manifest& manifest) {
  for (int i = 0; i < manifest.outputs_size(); ++i) {
    const v1::ManifestOutput& output = manifest.outputs(i);
    const bool of_input =
        output.kind() == v1::ManifestOutput::KIND_INPUT || output.kind() == v1::ManifestOutput::KIND_VIEW;
    const bool of_output = output.kind() == v1::ManifestOutput::KIND_OUTPUT_VIEW;
    const int bound = of_input ? manifest.inputs_size() : manifest.outputs_size();
    if ((of_input || of_output) && (output.alias_of() < 0 || output.alias_of() >= bound)) {
      return Corrupt(absl::StrCat("output ", i, " aliases ", output.alias_of(), " of ", bound));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckExternOps(const v1::Manifest& manifest, const HostFacts& facts) {
  for (const v1::ExternOp& op : manifest.extern_ops()) {
    if (facts.serves && facts.serves(op)) continue;
    return MakeError(ErrorReason::kExternOpMissing,
                     absl::StrCat("the artifact calls ", op.name(), op.into() ? " (into given memory)" : "",
                                  ", which this host does not serve"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> EntrySymbol(const v1::Manifest& manifest) {
  for (const v1::EntryPoint& entry : manifest.entry_points()) {
    if (entry.name() == "main") return entry.symbol();
  }
  return Corrupt("its manifest lists no entry point 'main'");
}

}  // namespace

absl::StatusOr<std::shared_ptr<const LoadedArtifact>> LoadedArtifact::Load(const v1::SignedVariant& signed_variant,
                                                                           absl::string_view elf,
                                                                           const HostFacts& facts) {
  facts.trust->Poll();
  // Before the policy: one that is replaced meanwhile is looked at again.
  const int64_t trusted_at = facts.trust->generation();
  KILN_ASSIGN_OR_RETURN(v1::VariantRecord record, facts.trust->Open(signed_variant));
  KILN_RETURN_IF_ERROR(CheckKey(record.key(), facts.key));
  KILN_RETURN_IF_ERROR(CheckAbi(record));
  KILN_RETURN_IF_ERROR(CheckFeatures(record.isa_features(), facts.target));
  std::optional<Digest> sha256 = Digest::FromBytes(record.artifact_sha256());
  if (!sha256.has_value()) return Corrupt("its record has no SHA-256");
  if (record.artifact_bytes() != static_cast<int64_t>(elf.size())) {
    return Corrupt(absl::StrCat("it has ", elf.size(), " bytes but its record says ", record.artifact_bytes()));
  }
  // Before the manifest is parsed: of unverified bytes nothing is read.
  const Digest actual = Sha256(elf);
  if (actual != *sha256) {
    return Corrupt(absl::StrCat("its SHA-256 is ", actual.ToHex(), " but its signed record says ", sha256->ToHex()));
  }
  KILN_ASSIGN_OR_RETURN(v1::Manifest manifest, ReadManifest(elf));
  KILN_RETURN_IF_ERROR(CheckManifest(manifest, record));
  if (manifest.arch() != facts.target.arch()) {
    return Refused(absl::StrCat("it is for ", manifest.arch(), " but this machine is ", facts.target.arch()));
  }
  KILN_RETURN_IF_ERROR(CheckFeatures(manifest.isa_features(), facts.target));
  // The front has asked the same, if its build is new enough.
  KILN_RETURN_IF_ERROR(CheckSharedObject(elf, manifest.arch()));
  KILN_RETURN_IF_ERROR(CheckOutputs(manifest));
  KILN_RETURN_IF_ERROR(CheckExternOps(manifest, facts));
  GiveOwnDevices(facts.own_devices, manifest);
  KILN_ASSIGN_OR_RETURN(GuardEvaluator guards, GuardEvaluator::Create(manifest.guards(), manifest.symbols()));
  KILN_ASSIGN_OR_RETURN(std::string symbol, EntrySymbol(manifest));
  KILN_ASSIGN_OR_RETURN(std::shared_ptr<const MappedLibrary> library, MappedLibrary::Map(elf, *sha256));
  KilnEntry entry = reinterpret_cast<KilnEntry>(library->Find(symbol));
  if (entry == nullptr) return Corrupt(absl::StrCat("it does not export ", symbol));
  return std::shared_ptr<const LoadedArtifact>(
      new LoadedArtifact(facts.trust, signed_variant.key_id(), std::move(record), std::move(manifest),
                         std::move(guards), std::move(library), entry, trusted_at));
}

absl::Status LoadedArtifact::CheckTrust() const {
  trust_->Poll();
  const int64_t generation = trust_->generation();
  if (generation == trusted_at_.load(std::memory_order_relaxed)) return absl::OkStatus();
  const std::shared_ptr<const TrustPolicy> policy = trust_->Current();
  if (!policy->keys.Contains(key_id_)) {
    return MakeError(ErrorReason::kArtifactUntrusted,
                     absl::StrCat("key ", absl::BytesToHexString(key_id_), ", which signed the artifact, is not trusted "
                                  "any more"));
  }
  KILN_RETURN_IF_ERROR(policy->revoked.Check(record_, key_id_));
  trusted_at_.store(generation, std::memory_order_relaxed);
  return absl::OkStatus();
}

}  // namespace kiln
