// Meta functions of histograms, segments, hashes and draws.
#ifndef KILN_FAKE_RUNTIME_OPS_STATISTICS_META_H_
#define KILN_FAKE_RUNTIME_OPS_STATISTICS_META_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

absl::Status HistogramCountMeta(MetaContext& ctx);      // histogram.bin_ct: [bins], edges [bins + 1]
absl::Status HistogramBinsMeta(MetaContext& ctx);       // histogram.bins_tensor: edges are given
absl::Status HistogramddEdgesMeta(MetaContext& ctx);    // _histogramdd_bin_edges
absl::Status HistogramddCountsMeta(MetaContext& ctx);   // _histogramdd_from_bin_cts
absl::Status HistogramddTensorsMeta(MetaContext& ctx);  // _histogramdd_from_bin_tensors
absl::Status HashTensorMeta(MetaContext& ctx);
absl::Status SegmentReduceMeta(MetaContext& ctx);
absl::Status MultinomialMeta(MetaContext& ctx);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_STATISTICS_META_H_
