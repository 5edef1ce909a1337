#include "cache/bundle_writer.h"

#include <zstd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "cache/bundle_format.h"

namespace kiln {
namespace {

// Machine code gets about a third of its size at 3, and little less at more.
constexpr int kCompressionLevel = 3;

std::string LittleEndian(uint64_t value, size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  return bytes;
}

}  // namespace

absl::Status BundleWriter::Write(absl::string_view bytes) {
  bytes_written_ += static_cast<int64_t>(bytes.size());
  return sink_(bytes);
}

absl::Status BundleWriter::Begin(const v1::BundleManifest& manifest, const SigningKey& key) {
  KILN_RETURN_IF_ERROR(CheckBundleManifest(manifest));
  const std::string serialized = manifest.SerializeAsString();
  KILN_RETURN_IF_ERROR(
      CheckLimit(Limit::kBundleManifestBytes, static_cast<int64_t>(serialized.size()), "the bundle's manifest"));
  const std::string head = absl::StrCat(kBundleMagic, LittleEndian(kBundleVersion, 4), LittleEndian(0, 4),
                                        LittleEndian(serialized.size(), 8), serialized);
  KILN_RETURN_IF_ERROR(Write(head));
  KILN_RETURN_IF_ERROR(Write(KeyIdOf(key.public_key())));
  return Write(key.SignBytes(kBundleDomain, head));
}

absl::Status BundleWriter::Add(const v1::BundleItem& item, absl::string_view bytes) {
  const Digest actual = Sha256(bytes);
  if (actual.bytes() != item.sha256() || static_cast<int64_t>(bytes.size()) != item.size_bytes()) {
    return MakeError(ErrorReason::kArtifactCorrupt,
                     absl::StrCat("an item of the bundle has changed while it was written: it has digest ",
                                  actual.ToShortHex(), " and ", bytes.size(), " bytes"));
  }
  std::string frame(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compress(frame.data(), frame.size(), bytes.data(), bytes.size(), kCompressionLevel);
  if (ZSTD_isError(size) != 0) {
    return MakeError(ErrorReason::kStorage, absl::StrCat("compressing an item: ", ZSTD_getErrorName(size)));
  }
  frame.resize(size);
  KILN_RETURN_IF_ERROR(Write(LittleEndian(size, 8)));
  return Write(frame);
}

}  // namespace kiln
