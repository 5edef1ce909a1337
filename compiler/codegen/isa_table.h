// The ISA features that codegen makes use of, and from which vector width on.
// A target's other features are ignored, so that an artifact needs no more of a
// host than its code can profit from.
#ifndef KILN_COMPILER_CODEGEN_ISA_TABLE_H_
#define KILN_COMPILER_CODEGEN_ISA_TABLE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "fake_runtime/tensor/dtype.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

struct IsaFeatureRow {
  absl::string_view arch;
  // As a Target lists it, and as LLVM is told.
  absl::string_view name;
  absl::string_view llvm_name;
  int min_vector_bits;  // used when the target's vectors are at least so wide
  // Only code that has elements of it in memory gains by the feature.
  std::optional<DType> only_for = std::nullopt;
};
absl::Span<const IsaFeatureRow> IsaFeatureRows();

// What code for one target may use.
struct Isa {
  std::string arch;
  std::vector<std::string> features;  // sorted; a subset of the target's
  int vector_bits = 128;

  bool Has(absl::string_view feature) const;
  // AArch64's scalable vectors, of exactly vector_bits.
  bool HasSve() const;
};

// Which vector accesses may leave lanes out: none, those of elements of 4 and 8
// bytes (AVX's maskmov), or all (AVX-512 with BW and VL, SVE's predicates).
enum class MaskedAccess : uint8_t { kNone, kWords, kAll };
MaskedAccess MaskedAccessOf(const Isa& isa);

// UNSUPPORTED_TARGET unless the architecture has rows, its features are known by
// name (CheckIsaFeatures), and the vector width is 0 (which stands for 128), 128,
// 256 or 512; for two lengths of one machine's SVE registers, too.
//
// On aarch64 vectors of 128 bits are NEON's, also where there is SVE: LLVM makes
// SVE code of fixed vectors from 256 bits on. Wider ones are SVE's, for registers
// of exactly that length, which the target says as "sve256" or "sve512": so no
// instruction needs a predicate that only says how long a register is.
absl::StatusOr<Isa> SelectIsa(const v1::Target& target);

// `isa` without features that no code over elements of these types gains by.
Isa NarrowedTo(absl::Span<const DType> dtypes, Isa isa);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_ISA_TABLE_H_
