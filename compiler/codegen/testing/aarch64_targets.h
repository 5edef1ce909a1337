// The aarch64 targets that tests compile for, each with qemu's name of a processor
// that has no more than that.
#ifndef KILN_COMPILER_CODEGEN_TESTING_AARCH64_TARGETS_H_
#define KILN_COMPILER_CODEGEN_TESTING_AARCH64_TARGETS_H_

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

struct AArch64TestTarget {
  const char* name;
  std::vector<std::string> features;
  int vector_bits;
  const char* processor;

  v1::Target target() const;
};

inline const AArch64TestTarget kNeonTarget = {"Neon", {"neon"}, 128, "cortex-a72"};
inline const AArch64TestTarget kNeonBf16Target = {"NeonBf16", {"bf16", "neon"}, 128, "max,sve=off"};
inline const AArch64TestTarget kSve256Target = {"Sve256", {"neon", "sve", "sve256"}, 256, "max,sve-max-vq=2"};
inline const AArch64TestTarget kSve512Target = {
    "Sve512Bf16", {"bf16", "neon", "sve", "sve512"}, 512, "max,sve-max-vq=4"};

// All of them.
absl::Span<const AArch64TestTarget> AArch64TestTargets();

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TESTING_AARCH64_TARGETS_H_
