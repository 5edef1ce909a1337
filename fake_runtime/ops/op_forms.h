// The other forms of an operator that PyTorch generates from the same kernel.
// A row is written once, in its functional form (or as a view), and names them:
//
//   {"aten::add.Tensor(Tensor self, Tensor other, ...) -> Tensor", tags, meta, "_ out"}
//
// gives add.Tensor, add_.Tensor and add.out. Words of the list, apart by spaces:
//
//   _                       in place: add_.Tensor, the same overload
//   out, Scalar_out         `out=`, by its overload's name. What it writes is `out`;
//                           of several results out0, out1, ... A factory's dtype,
//                           layout, device and pin_memory go, since `out` has them
//   values(values,indices)  `out=` with other names for what it writes
//   copy                    of a view, its copy: permute_copy, the same overload
//   copy.out                `out=` of that: permute_copy.out
//
// A word that ends in '-' is a form without the tag `pointwise`, which PyTorch
// leaves out where it generates the form itself.
#ifndef KILN_FAKE_RUNTIME_OPS_OP_FORMS_H_
#define KILN_FAKE_RUNTIME_OPS_OP_FORMS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {

// The rows that `forms` names; all share `row`'s meta function. Core stays with
// the form that is written. BAD_ARGUMENT_VALUE for a word that does not apply.
absl::StatusOr<std::vector<OpRow>> DeriveForms(const OpRow& row, absl::string_view forms);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_OP_FORMS_H_
