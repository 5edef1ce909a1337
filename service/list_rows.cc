#include "service/list_rows.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/status_macros.h"
#include "service/request_header.h"

namespace kiln {
namespace {

constexpr size_t kMaxVariants = 1024;
// Below what a gRPC client receives unless it is told otherwise.
constexpr size_t kMaxBytes = size_t{3} << 20;

}  // namespace

absl::Status ListRows(Front& front, const v1::ListRowsRequest& request, v1::ListRowsResponse& response) {
  KILN_RETURN_IF_ERROR(CheckHeader(request.header()));
  KILN_ASSIGN_OR_RETURN(const Digest key, ParseDigest("key", request.key()));
  std::vector<IndexedVariantPtr> variants = front.cache->VariantsOf(VariantKey{key});
  const size_t told = std::min(variants.size(), kMaxVariants);
  std::partial_sort(variants.begin(), variants.begin() + static_cast<std::ptrdiff_t>(told), variants.end(),
                    [](const IndexedVariantPtr& a, const IndexedVariantPtr& b) {
                      return a->record.created_unix_seconds() > b->record.created_unix_seconds();
                    });
  variants.resize(told);
  size_t bytes = 0;
  for (const IndexedVariantPtr& variant : variants) {
    if (variant->record.key().domain() != request.header().domain()) continue;
    bytes += variant->signed_variant.ByteSizeLong();
    if (bytes > kMaxBytes) break;
    *response.add_rows() = variant->signed_variant;
  }
  return absl::OkStatus();
}

}  // namespace kiln
