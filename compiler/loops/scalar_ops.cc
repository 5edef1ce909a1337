// Names of what the loop IR is made of.
#include "absl/strings/string_view.h"
#include "compiler/loops/loop_ir.h"

namespace kiln {
namespace {

struct ScalarOpRow {
  absl::string_view name;
  int arity;
};

constexpr ScalarOpRow kScalarOps[] = {
#define KILN_SCALAR_OP(id, name, arity) {name, arity},
#include "compiler/loops/scalar_ops.def"
#undef KILN_SCALAR_OP
};

struct ApartReasonRow {
  absl::string_view name, text;
};

constexpr ApartReasonRow kApartReasons[] = {
#define KILN_APART_REASON(id, name, text) {name, text},
#include "compiler/loops/apart_reasons.def"
#undef KILN_APART_REASON
};

constexpr ApartReason kApartReasonIds[] = {
#define KILN_APART_REASON(id, name, text) ApartReason::id,
#include "compiler/loops/apart_reasons.def"
#undef KILN_APART_REASON
};

constexpr absl::string_view kReduceKinds[] = {"sum", "prod", "max", "min", "any", "all", "argmax", "argmin", "window_max",
                                              "welford"};
constexpr absl::string_view kLoopKinds[] = {"parallel", "serial", "vector"};

}  // namespace

absl::string_view ScalarOpName(ScalarOp op) { return kScalarOps[static_cast<int>(op)].name; }

int ScalarOpArity(ScalarOp op) { return kScalarOps[static_cast<int>(op)].arity; }

bool IsComparison(ScalarOp op) {
  return op == ScalarOp::kEq || op == ScalarOp::kNe || op == ScalarOp::kLt || op == ScalarOp::kLe ||
         op == ScalarOp::kGt || op == ScalarOp::kGe;
}

absl::Span<const ApartReason> ApartReasons() { return kApartReasonIds; }

absl::string_view ApartReasonName(ApartReason reason) { return kApartReasons[static_cast<int>(reason)].name; }

absl::string_view ApartReasonText(ApartReason reason) { return kApartReasons[static_cast<int>(reason)].text; }

absl::string_view ReduceKindName(ReduceKind kind) { return kReduceKinds[static_cast<int>(kind)]; }

absl::string_view LoopKindName(LoopKind kind) { return kLoopKinds[static_cast<int>(kind)]; }

}  // namespace kiln
