// The ISA features that codegen makes use of, and from which vector width on.
// A target's other features are ignored, so that an artifact needs no more of a
// host than its code can profit from.
#ifndef KILN_COMPILER_CODEGEN_ISA_TABLE_H_
#define KILN_COMPILER_CODEGEN_ISA_TABLE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

struct IsaFeatureRow {
  absl::string_view name;  // LLVM's
  int min_vector_bits;     // used when the target's vectors are at least so wide
};
absl::Span<const IsaFeatureRow> IsaFeatureRows();

// What code for one target may use.
struct Isa {
  std::string arch;
  std::vector<std::string> features;  // sorted; a subset of the target's
  int vector_bits = 128;

  bool Has(absl::string_view feature) const;
};

// Which vector accesses may leave lanes out: none, those of elements of 4 and 8
// bytes (AVX's maskmov), or all (AVX-512 with BW and VL).
enum class MaskedAccess : uint8_t { kNone, kWords, kAll };
MaskedAccess MaskedAccessOf(const Isa& isa);

// UNSUPPORTED_TARGET unless the architecture is x86_64 and the vector width is
// 0 (which stands for 128), 128, 256 or 512.
absl::StatusOr<Isa> SelectIsa(const v1::Target& target);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_ISA_TABLE_H_
