// What Linux tells a process of an aarch64 processor, in the names of a Target.
// Compiles everywhere.
#ifndef KILN_CLIENTS_RUNTIME_AARCH64_HWCAPS_H_
#define KILN_CLIENTS_RUNTIME_AARCH64_HWCAPS_H_

#include <cstdint>

#include "clients/runtime/detect_isa.h"

namespace kiln {

// `hwcap` and `hwcap2` are the process's AT_HWCAP and AT_HWCAP2, `sve_bits` is the
// length of its SVE registers (0: there is no SVE).
DetectedIsa DescribeAArch64(uint64_t hwcap, uint64_t hwcap2, int sve_bits);

}  // namespace kiln

#endif  // KILN_CLIENTS_RUNTIME_AARCH64_HWCAPS_H_
