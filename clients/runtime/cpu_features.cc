#include "clients/runtime/cpu_features.h"

#include <unistd.h>

#include "clients/runtime/detect_isa.h"

namespace kiln {

v1::Target DetectTarget(int threads) {
  // A hypervisor catches each question to the processor: a quarter of a millisecond for all.
  static const DetectedIsa& isa = *new DetectedIsa(DetectIsa());
  v1::Target target;
  target.set_arch(isa.arch);
  target.set_device_type("cpu");
  target.set_threads(threads);
  for (const std::string& feature : isa.features) target.add_features(feature);
  target.set_vector_bits(isa.vector_bits);
  for (int level : {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE}) {
    const long bytes = sysconf(level);
    if (bytes > 0) target.add_cache_bytes(bytes);
  }
  return target;
}

}  // namespace kiln
