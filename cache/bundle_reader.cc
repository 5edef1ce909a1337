#include "cache/bundle_reader.h"

#include <zstd.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "cache/bundle_format.h"

namespace kiln {
namespace {

// The buffer of a read grows by this much, so that a size that is a lie costs no memory.
constexpr size_t kReadStepBytes = 1 << 20;

uint64_t FromLittleEndian(absl::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i > 0; --i) value = value << 8 | static_cast<uint8_t>(bytes[i - 1]);
  return value;
}

absl::StatusOr<uint64_t> ManifestBytes(absl::string_view header) {
  if (!absl::StartsWith(header, kBundleMagic)) return BundleRefused("it is no bundle");
  const uint64_t version = FromLittleEndian(header.substr(8, 4));
  if (version != kBundleVersion) {
    return BundleRefused(absl::StrCat("it has format ", version, ", and this build reads ", kBundleVersion));
  }
  if (FromLittleEndian(header.substr(12, 4)) != 0) return BundleRefused("its header has unknown flags");
  const uint64_t size = FromLittleEndian(header.substr(16, 8));
  if (size <= static_cast<uint64_t>(GetLimit(Limit::kBundleManifestBytes))) return size;
  return BundleRefused(absl::StrCat("its manifest has ", size, " bytes, and ", GetLimit(Limit::kBundleManifestBytes),
                                    " are allowed"));
}

}  // namespace

absl::StatusOr<int64_t> BundleHeadBytes(absl::string_view header) {
  KILN_ASSIGN_OR_RETURN(const uint64_t manifest, ManifestBytes(header));
  return static_cast<int64_t>(kBundleHeaderBytes + manifest + kKeyIdBytes + kBundleSignatureBytes);
}

absl::StatusOr<BundleReader> BundleReader::Open(ByteSource source, std::shared_ptr<const TrustPolicy> policy) {
  BundleReader reader(std::move(source), std::move(policy));
  KILN_RETURN_IF_ERROR(reader.ReadHead());
  return reader;
}

absl::StatusOr<std::string> BundleReader::ReadBytes(size_t size, absl::string_view what) {
  std::string bytes;
  while (bytes.size() < size) {
    const size_t begin = bytes.size();
    bytes.resize(begin + std::min(size - begin, kReadStepBytes));
    KILN_ASSIGN_OR_RETURN(const size_t got, source_(bytes.data() + begin, bytes.size() - begin));
    if (begin + got == bytes.size()) continue;
    return BundleRefused(absl::StrCat("it ends in the middle of ", what));
  }
  return bytes;
}

absl::Status BundleReader::ReadHead() {
  KILN_ASSIGN_OR_RETURN(std::string head, ReadBytes(kBundleHeaderBytes, "its header"));
  KILN_ASSIGN_OR_RETURN(const uint64_t size, ManifestBytes(head));
  KILN_ASSIGN_OR_RETURN(const std::string manifest, ReadBytes(size, "its manifest"));
  KILN_ASSIGN_OR_RETURN(key_id_, ReadBytes(kKeyIdBytes, "its signature"));
  KILN_ASSIGN_OR_RETURN(const std::string signature, ReadBytes(kBundleSignatureBytes, "its signature"));
  head += manifest;
  KILN_RETURN_IF_ERROR(policy_->keys.Verify("the bundle", kBundleDomain, head, signature, key_id_));
  // A bundle has no build and no epoch; its key may be revoked.
  v1::VariantRecord of_nothing;
  of_nothing.set_created_unix_seconds(INT64_MAX);
  KILN_RETURN_IF_ERROR(policy_->revoked.Check(of_nothing, key_id_));
  if (!manifest_.ParseFromString(manifest)) return BundleRefused("its manifest does not parse");
  return CheckBundleManifest(manifest_);
}

absl::StatusOr<std::string> BundleReader::ReadItem(const v1::BundleItem& item, const std::string& what) {
  KILN_ASSIGN_OR_RETURN(const std::string size_bytes, ReadBytes(8, what));
  const uint64_t frame_bytes = FromLittleEndian(size_bytes);
  const auto size = static_cast<size_t>(item.size_bytes());
  if (frame_bytes > ZSTD_compressBound(size)) {
    return BundleRefused(absl::StrCat(what, " has a frame of ", frame_bytes, " bytes for ", size));
  }
  KILN_ASSIGN_OR_RETURN(const std::string frame, ReadBytes(frame_bytes, what));
  // Into exactly the room that the manifest promised: what would become more is refused
  // by zstd after that much.
  std::string bytes(size, '\0');
  const size_t got = ZSTD_decompress(bytes.data(), bytes.size(), frame.data(), frame.size());
  if (ZSTD_isError(got) != 0) return BundleRefused(absl::StrCat(what, ": ", ZSTD_getErrorName(got)));
  const Digest actual = Sha256(absl::string_view(bytes).substr(0, got));
  if (got != size || actual.bytes() != item.sha256()) {
    return BundleRefused(absl::StrCat(what, " has digest ", actual.ToShortHex(), " and ", got,
                                      " bytes, but the manifest says otherwise"));
  }
  return bytes;
}

absl::StatusOr<v1::SignedVariant> BundleReader::ReadRecord(const v1::BundleArtifact& entry,
                                                           const v1::BundleVariant& variant, const std::string& what) {
  KILN_ASSIGN_OR_RETURN(const std::string bytes, ReadItem(variant.record(), what));
  v1::SignedVariant signed_variant;
  if (!signed_variant.ParseFromString(bytes)) return BundleRefused(absl::StrCat(what, " does not parse"));
  absl::StatusOr<v1::VariantRecord> record = policy_->Open(signed_variant);
  if (!record.ok()) return AddContext(record.status(), what);
  if (record->artifact_sha256() != entry.elf().sha256() || record->artifact_bytes() != entry.elf().size_bytes()) {
    return BundleRefused(absl::StrCat(what, " is of another artifact"));
  }
  v1::BundleVariant said = variant;
  said.clear_record();
  if (CoverageOf(*record).SerializeAsString() != said.SerializeAsString()) {
    return BundleRefused(absl::StrCat(what, " covers something else than the manifest says"));
  }
  return signed_variant;
}

absl::Status BundleReader::ReadAll(const BundleVisitor& visitor) {
  for (int i = 0; i < manifest_.graphs_size(); ++i) {
    const v1::BundleGraph& entry = manifest_.graphs(i);
    KILN_ASSIGN_OR_RETURN(std::string graph, ReadItem(entry.item(), absl::StrCat("graph ", i)));
    KILN_RETURN_IF_ERROR(visitor.graph(entry, std::move(graph)));
  }
  for (int i = 0; i < manifest_.artifacts_size(); ++i) {
    const v1::BundleArtifact& entry = manifest_.artifacts(i);
    const std::string what = absl::StrCat("artifact ", i);
    std::vector<v1::SignedVariant> records;
    for (int v = 0; v < entry.variants_size(); ++v) {
      KILN_ASSIGN_OR_RETURN(v1::SignedVariant record,
                            ReadRecord(entry, entry.variants(v), absl::StrCat(what, ", variant ", v)));
      records.push_back(std::move(record));
    }
    KILN_ASSIGN_OR_RETURN(std::string elf, ReadItem(entry.elf(), what));
    KILN_RETURN_IF_ERROR(visitor.artifact(entry, std::move(records), std::move(elf)));
  }
  char more;
  KILN_ASSIGN_OR_RETURN(const size_t got, source_(&more, 1));
  return got == 0 ? absl::OkStatus() : BundleRefused("it goes on after its last item");
}

}  // namespace kiln
