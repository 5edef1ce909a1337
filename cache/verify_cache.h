// Reads a whole cache back and checks it, at a bounded rate.
#ifndef KILN_CACHE_VERIFY_CACHE_H_
#define KILN_CACHE_VERIFY_CACHE_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "cache/variant_cache.h"
#include "compiler/artifact/trust.h"
#include "kiln/v1/admin_service.pb.h"

namespace kiln {

struct VerifyPace {
  // 0: as fast as it goes.
  int64_t bytes_per_second = 0;
  const Clock* clock = Clock::Real();
  // Waits; false if it is to end.
  std::function<bool(absl::Duration)> wait;
};

// Checks each variant's signature against `policy` and each artifact's bytes, in the
// lowest tier that this process has, against its name. What fails is dropped and counted.
// Tells `progress` after every 64 variants; when that answers false it ends. Returns
// what there was.
v1::VerifyCacheResponse VerifyCache(VariantCache& cache, const TrustPolicy& policy, const VerifyPace& pace,
                                    const std::function<bool(const v1::VerifyCacheResponse&)>& progress);

}  // namespace kiln

#endif  // KILN_CACHE_VERIFY_CACHE_H_
