// A graph's fake values and guards, in this process: what the Propagate RPC does,
// without a server.
#ifndef KILN_CLIENTS_PYTHON_NATIVE_PROPAGATE_MODULE_H_
#define KILN_CLIENTS_PYTHON_NATIVE_PROPAGATE_MODULE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace kiln {

// From a serialized kiln.v1.GraphModule to a serialized kiln.v1.PropagateResponse.
// A node may name fewer results of a list than there are; those without a name have
// the highest numbers. Errors are those of ImportModule and Propagate, and
// MALFORMED_MESSAGE for bytes that are no module. Needs no Python and no PyTorch;
// thread-safe.
absl::StatusOr<std::string> PropagateModule(absl::string_view module);

}  // namespace kiln

#endif  // KILN_CLIENTS_PYTHON_NATIVE_PROPAGATE_MODULE_H_
