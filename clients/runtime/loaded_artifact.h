// An artifact that passed every check and is mapped: ready to be called.
//
//   HostFacts facts;                     // what the host computed and can do
//   facts.key = ...; facts.target = DetectTarget(threads); facts.trust = trust;
//   facts.serves = [](const v1::ExternOp& op) { return table.contains(op.name()); };
//   KILN_ASSIGN_OR_RETURN(auto artifact, LoadedArtifact::Load(variant.signed_(), elf, facts));
//   if (artifact->guards().Hold(symbols)) artifact->entry()(&host, context, &call);
//
// Nothing of the artifact is mapped, let alone run, before its record's signature,
// key and SHA-256 are checked.
#ifndef KILN_CLIENTS_RUNTIME_LOADED_ARTIFACT_H_
#define KILN_CLIENTS_RUNTIME_LOADED_ARTIFACT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "clients/runtime/guard_evaluator.h"
#include "clients/runtime/mapped_library.h"
#include "compiler/artifact/kiln_abi.h"
#include "compiler/artifact/trust.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// What a host holds an artifact against.
struct HostFacts {
  // Digests that the host computed itself. compiler_build is not compared.
  v1::KeyComponents key;
  v1::Target target;
  // Must be there. What it revokes later is not called any more.
  std::shared_ptr<Trust> trust;
  // Whether the host serves an extern op.
  std::function<bool(const v1::ExternOp& op)> serves;
  // The host's indexed devices in the order of their first use in its graph; the
  // manifest of what is loaded then speaks of them (own_devices.h).
  std::vector<v1::Device> own_devices;
};

// Thread-safe; nothing but its standing with the trust ever changes. The library is unloaded with the last holder.
class LoadedArtifact {
 public:
  // ARTIFACT_UNTRUSTED: no trusted key signed the record. ARTIFACT_REVOKED. ARTIFACT_CORRUPT:
  // the bytes are not the record's, or the manifest is not. ARTIFACT_REFUSED: it is of
  // another graph, options, target or domain, needs what the processor has not, or
  // would do something when loaded (CheckSharedObject).
  // ABI_MISMATCH. EXTERN_OP_MISSING, naming the operator.
  static absl::StatusOr<std::shared_ptr<const LoadedArtifact>> Load(const v1::SignedVariant& signed_variant,
                                                                    absl::string_view elf, const HostFacts& facts);

  const v1::VariantRecord& record() const { return record_; }
  const v1::Manifest& manifest() const { return manifest_; }
  const GuardEvaluator& guards() const { return guards_; }
  KilnEntry entry() const { return entry_; }

  // ARTIFACT_REVOKED, or ARTIFACT_UNTRUSTED when its key is not trusted any more, once
  // the trust has been read again and says so. For each call: compares a number unless
  // something has changed.
  absl::Status CheckTrust() const;

 private:
  LoadedArtifact(std::shared_ptr<Trust> trust, std::string key_id, v1::VariantRecord record, v1::Manifest manifest,
                 GuardEvaluator guards, std::shared_ptr<const MappedLibrary> library, KilnEntry entry,
                 int64_t trusted_at)
      : trust_(std::move(trust)),
        key_id_(std::move(key_id)),
        trusted_at_(trusted_at),
        record_(std::move(record)),
        manifest_(std::move(manifest)),
        guards_(std::move(guards)),
        library_(std::move(library)),
        entry_(entry) {}

  const std::shared_ptr<Trust> trust_;
  const std::string key_id_;
  // The last generation of the trust under which all was well.
  mutable std::atomic<int64_t> trusted_at_;
  const v1::VariantRecord record_;
  const v1::Manifest manifest_;
  const GuardEvaluator guards_;
  const std::shared_ptr<const MappedLibrary> library_;
  const KilnEntry entry_;
};

}  // namespace kiln

#endif  // KILN_CLIENTS_RUNTIME_LOADED_ARTIFACT_H_
