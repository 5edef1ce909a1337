// Writes a bundle (bundle_format.h) to wherever bytes go.
//
//   BundleWriter writer(sink);
//   KILN_RETURN_IF_ERROR(writer.Begin(manifest, key));
//   for each item, in the manifest's order: KILN_RETURN_IF_ERROR(writer.Add(item, bytes));
//
// Not thread-safe. Memory: the manifest, and one item and its frame.
#ifndef KILN_CACHE_BUNDLE_WRITER_H_
#define KILN_CACHE_BUNDLE_WRITER_H_

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "compiler/artifact/signed_variant.h"
#include "kiln/v1/bundle.pb.h"

namespace kiln {

using ByteSink = std::function<absl::Status(absl::string_view)>;

class BundleWriter {
 public:
  explicit BundleWriter(ByteSink sink) : sink_(std::move(sink)) {}

  // Errors are CheckBundleManifest's, LIMIT_EXCEEDED for the manifest's own size, and
  // the sink's.
  absl::Status Begin(const v1::BundleManifest& manifest, const SigningKey& key);
  // ARTIFACT_CORRUPT if the bytes are not the item's.
  absl::Status Add(const v1::BundleItem& item, absl::string_view bytes);

  int64_t bytes_written() const { return bytes_written_; }

 private:
  absl::Status Write(absl::string_view bytes);

  const ByteSink sink_;
  int64_t bytes_written_ = 0;
};

}  // namespace kiln

#endif  // KILN_CACHE_BUNDLE_WRITER_H_
