// The op table: one row per operator overload. A row is PyTorch's schema, tags,
// and the meta function that computes fake outputs. Rows stand in one .def-like
// file per family (pointwise_ops.cc, view_ops.cc, ...); docs/adding_an_op.md
// says how to add one.
//
// Symbolic scalar arithmetic is in the table too, as `sym.add(Scalar a, Scalar
// b) -> Scalar` and so on: operands are SymInt, SymFloat, SymBool or literals.
#ifndef KILN_FAKE_RUNTIME_OPS_OP_TABLE_H_
#define KILN_FAKE_RUNTIME_OPS_OP_TABLE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/error.h"
#include "fake_runtime/graph/op_schema.h"

namespace kiln {

class MetaContext;

// Computes the fake outputs of one node. Reads arguments from, and returns
// values through, the context. Must not read a hint but through ShapeEnv.
using MetaFunction = absl::Status (*)(MetaContext& ctx);

enum OpTag : uint32_t {
  kTagNone = 0,
  kTagCore = 1 << 0,           // torch.Tag.core
  kTagPointwise = 1 << 1,      // torch.Tag.pointwise
  kTagView = 1 << 2,           // outputs alias inputs
  kTagRandom = 1 << 3,         // nondeterministic_seeded
  kTagEffect = 1 << 4,         // writes an input, or has an effect outside
  kTagDynamicShape = 1 << 5,   // dynamic_output_shape
  kTagDataDependent = 1 << 6,  // data_dependent_output
  kTagSymbolic = 1 << 7,       // scalar in, scalar out; no tensor data
  kTagInplaceView = 1 << 8,    // inplace_view: changes its argument's metadata, not its data
};

struct OpRow {
  OpSchema schema;
  uint32_t tags = 0;
  MetaFunction meta = nullptr;
  // The `_copy` form of a view: what the meta function gives is copied.
  bool copies = false;
  absl::string_view family = {};  // "pointwise"
  // Looks at the arguments before `meta` does; may be null (argument_checks.h).
  MetaFunction check = nullptr;
  // What autograd looks at (requires_grad.h): bit i of `grad_args` says that argument i
  // counts, bit i of `grad_results` that result i may require grad.
  uint32_t grad_args = ~0u, grad_results = ~0u;
  bool has(OpTag tag) const { return (tags & tag) != 0; }
};

// All rows, sorted by schema.name. Built once, on first use; thread-safe.
absl::Span<const OpRow> OpTable();
// nullptr if there is none. `sym.add` finds `sym.add.default`, and so on.
const OpRow* FindOp(absl::string_view name);
// &FindOp(name)->schema, or nullptr. For ParseGraph and import.
const OpSchema* FindOpSchema(absl::string_view name);
// All overloads of "aten.add", sorted by name; none for what is no operator.
std::vector<const OpSchema*> FindOverloads(absl::string_view packet);
// The row of a schema that came from this table.
const OpRow& RowOf(const OpSchema& schema);

// Operators that are refused by name, with the reason ("collective", ...).
struct RefusedOp {
  // "aten._to_sparse": an operator with all its overloads. A name that ends in
  // '.' is a namespace: "_c10d_functional."; "*." is every namespace that neither
  // a row of OpTable() nor one of this table has.
  absl::string_view name;
  absl::string_view why;
  ErrorReason reason = ErrorReason::kUnsupportedGraph;
};
absl::Span<const RefusedOp> RefusedOps();
// The row of `table`, sorted by names, that refuses "aten._to_sparse.default", or nullptr.
const RefusedOp* FindRefused(absl::Span<const RefusedOp> table, absl::string_view op);

// What a family file gives: rows as they are written. `forms` names the in-place,
// `out=` and `_copy` forms that come from the same row (op_forms.h).
struct OpDef {
  const char* schema;  // "aten::add.Tensor(Tensor self, ...) -> Tensor"
  uint32_t tags;
  MetaFunction meta;
  const char* forms = "";
};
// One per family file; OpTable() concatenates them.
absl::Span<const OpDef> PointwiseOps();
absl::Span<const OpDef> ReductionOps();
absl::Span<const OpDef> ViewOps();
absl::Span<const OpDef> CreationOps();
absl::Span<const OpDef> CopyOps();
absl::Span<const OpDef> IndexingOps();
absl::Span<const OpDef> LinalgOps();
absl::Span<const OpDef> MatmulOps();
absl::Span<const OpDef> ConvolutionOps();
absl::Span<const OpDef> PoolingOps();
absl::Span<const OpDef> NormalizationOps();
absl::Span<const OpDef> AttentionOps();
absl::Span<const OpDef> SymbolicOps();

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_OP_TABLE_H_
