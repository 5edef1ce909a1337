// An operator called through PyTorch's dispatcher by its name, without Python:
// torch_call_dispatcher, whose stack holds one 64-bit StableIValue an argument.
//
// It takes no Scalar, generator or complex argument, and no list of optionals:
// Supports says so from the schema, and torch.ops serves such an operator.
#ifndef KILN_CLIENTS_PYTHON_NATIVE_DISPATCHER_OP_H_
#define KILN_CLIENTS_PYTHON_NATIVE_DISPATCHER_OP_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "clients/python/native/typed_shim_call.h"
#include "fake_runtime/graph/op_schema.h"

namespace kiln {

// Immutable; thread-safe.
class DispatcherOp {
 public:
  // `schema` outlives this.
  explicit DispatcherOp(const OpSchema& schema);

  static bool Supports(const OpSchema& schema);
  CallOutcome Call(ShimArguments& arguments) const;
  // The results as they come, whatever their layout, owned by the caller.
  CallOutcome CallForResults(ShimArguments& arguments, std::vector<TensorHandle>& results) const;

 private:
  const OpSchema& schema_;
  std::string name_;      // "aten::add"
  std::string overload_;  // "Tensor"; empty for default
};

}  // namespace kiln

#endif  // KILN_CLIENTS_PYTHON_NATIVE_DISPATCHER_OP_H_
