// The names of processors' features, as a request's Target lists them: LLVM's, one
// row each, beside what Linux prints for the same in /proc/cpuinfo. What a host
// may say it has, whether code is made for it or not; codegen's isa_table has
// what code is made for.
//
//   KILN_RETURN_IF_ERROR(CheckIsaFeatures(target));  // "avx512_bf16" -> it is called avx512bf16
#ifndef KILN_COMPILER_ARTIFACT_ISA_FEATURE_NAMES_H_
#define KILN_COMPILER_ARTIFACT_ISA_FEATURE_NAMES_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

struct IsaFeatureName {
  // As Target.arch says it.
  absl::string_view arch;
  absl::string_view name;
  // Empty where Linux has no name of its own for it.
  absl::string_view cpuinfo;
};

// Sorted by arch, then by name. Thread-safe.
absl::Span<const IsaFeatureName> IsaFeatureNames();

// UNSUPPORTED_TARGET, naming the first feature that no row of the target's
// architecture has: code for a misspelt feature would be slow and nobody would
// know why. Of a name of /proc/cpuinfo the message says LLVM's.
absl::Status CheckIsaFeatures(const v1::Target& target);

}  // namespace kiln

#endif  // KILN_COMPILER_ARTIFACT_ISA_FEATURE_NAMES_H_
