// Which operator is lowered how. One row an operator in the family files; what
// is derived here answers `kiln ops`.
#ifndef KILN_COMPILER_LOOPS_LOWERING_TABLE_H_
#define KILN_COMPILER_LOOPS_LOWERING_TABLE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "compiler/loops/lowering_context.h"
#include "compiler/loops/pointwise_context.h"

namespace kiln {

enum class LoweringKind : uint8_t {
  kView,        // costs nothing
  kSymbolic,    // scalar arithmetic on sizes
  kPointwise,   // one nest, one store
  kLoops,       // loop nests of another shape
  kInto,        // an extern op that writes memory of the program's
  kDecomposed,  // rewritten into smaller operators
  kExtern,      // an owning extern call by its ATen name
  kRefused,     // propagated, but no artifact can hold it
};
absl::string_view LoweringKindName(LoweringKind kind);  // "view", ...

// How Kiln compiles `op`, known to the op table or not.
LoweringKind LoweringOf(absl::string_view op);

// One row for each operator of the op table, sorted by name.
struct OpSupport {
  std::string op;
  LoweringKind kind;
  // Of extern and refused operators: why they are (extern_reasons.h).
  absl::string_view why;
};
std::vector<OpSupport> ListOpSupport();

// --- for the families

// UNSUPPORTED_GRAPH makes the node an extern call; other errors are the node's.
using Lowering = absl::Status (*)(LoweringContext& c);

struct LoweringRow {
  const char* op;
  Lowering lower;
};
absl::Span<const LoweringRow> AssemblyLowerings();
absl::Span<const LoweringRow> AssertLowerings();
absl::Span<const LoweringRow> AveragePoolingLowerings();
absl::Span<const LoweringRow> CreationLowerings();
absl::Span<const LoweringRow> DistanceLowerings();
absl::Span<const LoweringRow> IndexingLowerings();
absl::Span<const LoweringRow> MatmulLowerings();
absl::Span<const LoweringRow> MaxPoolingLowerings();
absl::Span<const LoweringRow> NumberLowerings();
absl::Span<const LoweringRow> RandomStateLowerings();
absl::Span<const LoweringRow> ReductionLowerings();
absl::Span<const LoweringRow> ResamplingLowerings();
absl::Span<const LoweringRow> ScanLowerings();
absl::Span<const LoweringRow> WindowLowerings();
// The tables of all families.
std::vector<absl::Span<const PointwiseRow>> PointwiseFamilies();
std::vector<absl::Span<const LoweringRow>> LoweringFamilies();

// nullptr where the operator has no row.
const PointwiseRow* FindPointwise(absl::string_view op);
const LoweringRow* FindLowering(absl::string_view op);

// The owning extern call of a node. EXTERN_OP_MISSING, UNSUPPORTED_GRAPH.
absl::Status LowerToExternCall(LoweringContext& c);
// An argument of an extern op.
absl::StatusOr<Operand> OperandOf(LoweringContext& c, const Argument& arg);

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_LOWERING_TABLE_H_
