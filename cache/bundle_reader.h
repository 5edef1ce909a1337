// Reads a bundle (bundle_format.h) from wherever bytes come, and believes none of them
// before the signature has been checked, and of each item only what the manifest said.
//
//   KILN_ASSIGN_OR_RETURN(BundleReader reader, BundleReader::Open(source, policy));
//   KILN_RETURN_IF_ERROR(reader.ReadAll(visitor));
//
// Not thread-safe. Memory: the manifest, the records of one artifact, one item and its
// frame; all of them bounded by limits, whatever the file says.
#ifndef KILN_CACHE_BUNDLE_READER_H_
#define KILN_CACHE_BUNDLE_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/artifact/trust.h"
#include "kiln/v1/bundle.pb.h"

namespace kiln {

// Fills a buffer as far as it can; fewer bytes than asked for only at the end.
using ByteSource = std::function<absl::StatusOr<size_t>(char* buffer, size_t size)>;

// What ReadAll hands out, each verified. An error of theirs ends the reading.
struct BundleVisitor {
  std::function<absl::Status(const v1::BundleGraph& entry, std::string graph)> graph;
  // The records, in the order of `entry.variants`, were opened by the policy and say what
  // `entry` says.
  std::function<absl::Status(const v1::BundleArtifact& entry, std::vector<v1::SignedVariant> records, std::string elf)>
      artifact;
};

// How many bytes of a bundle BundleReader::Open() reads, up to and with the signature, as
// the first kBundleHeaderBytes of it say. BUNDLE_REFUSED for another file's.
absl::StatusOr<int64_t> BundleHeadBytes(absl::string_view header);

class BundleReader {
 public:
  // Reads and checks head and manifest.
  //   BUNDLE_REFUSED: it is no bundle, of another version, cut off, or contradicts itself.
  //   ARTIFACT_UNTRUSTED: no trusted key signed it. ARTIFACT_REVOKED: a revoked one did.
  //   LIMIT_EXCEEDED. The source's own errors.
  static absl::StatusOr<BundleReader> Open(ByteSource source, std::shared_ptr<const TrustPolicy> policy);

  const v1::BundleManifest& manifest() const { return manifest_; }
  const std::string& key_id() const { return key_id_; }

  // To the end of the file, which must be the last item's. Once. Errors as Open's, and
  // the visitor's.
  absl::Status ReadAll(const BundleVisitor& visitor);

 private:
  BundleReader(ByteSource source, std::shared_ptr<const TrustPolicy> policy)
      : source_(std::move(source)), policy_(std::move(policy)) {}
  absl::Status ReadHead();
  absl::StatusOr<std::string> ReadBytes(size_t size, absl::string_view what);
  absl::StatusOr<std::string> ReadItem(const v1::BundleItem& item, const std::string& what);
  absl::StatusOr<v1::SignedVariant> ReadRecord(const v1::BundleArtifact& entry, const v1::BundleVariant& variant,
                                               const std::string& what);

  ByteSource source_;
  std::shared_ptr<const TrustPolicy> policy_;
  v1::BundleManifest manifest_;
  std::string key_id_;
};

}  // namespace kiln

#endif  // KILN_CACHE_BUNDLE_READER_H_
