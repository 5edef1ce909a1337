// The file that carries variants from one server to another:
//
//   offset  bytes
//        0      8  "KILNBNDL"
//        8      4  version of the format, 1
//       12      4  zero
//       16      8  M, the size of the manifest
//       24      M  a serialized v1::BundleManifest
//     24+M      8  id of the key that signed it
//     32+M     64  Ed25519 over "kiln.bundle.v1\0" and the bytes 0 to 24+M
//     96+M         the items: for each 8 bytes, Z, then a zstd frame of Z bytes
//
// Integers are little-endian. Items are, in the manifest's order: the graphs, then for
// each artifact its records and its ELF. The last item ends the file. Every item's size
// and SHA-256 stand in the manifest, so that whoever trusts the key knows what a frame
// may become before it is decompressed.
#ifndef KILN_CACHE_BUNDLE_FORMAT_H_
#define KILN_CACHE_BUNDLE_FORMAT_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "kiln/v1/artifact.pb.h"
#include "kiln/v1/bundle.pb.h"

namespace kiln {

inline constexpr absl::string_view kBundleMagic = "KILNBNDL";
inline constexpr uint32_t kBundleVersion = 1;
inline constexpr size_t kBundleHeaderBytes = 24;
inline constexpr size_t kBundleSignatureBytes = 64;
// The NUL is part of it.
inline constexpr absl::string_view kBundleDomain("kiln.bundle.v1\0", 15);

// What a manifest says of a variant, from its record.
v1::BundleVariant CoverageOf(const v1::VariantRecord& record);

// BUNDLE_REFUSED, saying which entry, for a manifest that contradicts itself: sizes
// beyond limits, digests of another length, two entries of one name, no variant to an
// artifact. LIMIT_EXCEEDED for all of it together over kBundleBytes.
absl::Status CheckBundleManifest(const v1::BundleManifest& manifest);

absl::Status BundleRefused(absl::string_view what);

}  // namespace kiln

#endif  // KILN_CACHE_BUNDLE_FORMAT_H_
