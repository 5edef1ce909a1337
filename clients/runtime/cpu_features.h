// What this machine's processor can do, as a request's Target says it.
#ifndef KILN_CLIENTS_RUNTIME_CPU_FEATURES_H_
#define KILN_CLIENTS_RUNTIME_CPU_FEATURES_H_

#include "kiln/v1/artifact.pb.h"

namespace kiln {

// Architecture, ISA features by LLVM's names (sorted; only those that both the
// processor and the operating system support), vector width and caches. `threads`
// is what parallel_for will use. No subprocess, microseconds.
v1::Target DetectTarget(int threads);

}  // namespace kiln

#endif  // KILN_CLIENTS_RUNTIME_CPU_FEATURES_H_
