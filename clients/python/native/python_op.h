// An operator served by torch.ops, under the GIL: the way for everything that no C
// function of PyTorch takes.
#ifndef KILN_CLIENTS_PYTHON_NATIVE_PYTHON_OP_H_
#define KILN_CLIENTS_PYTHON_NATIVE_PYTHON_OP_H_

#include <Python.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "clients/python/native/typed_shim_call.h"

namespace kiln {

// Made and destroyed with the GIL held; Call takes it.
class PythonOp {
 public:
  // nullptr if torch.ops has no operator of that name ("aten.mm.out"); no Python
  // error is left.
  static std::unique_ptr<PythonOp> Find(absl::string_view op);
  ~PythonOp();
  PythonOp(const PythonOp&) = delete;
  PythonOp& operator=(const PythonOp&) = delete;

  // PyTorch's spelling of the schema.
  const std::string& schema() const { return schema_; }
  CallOutcome Call(ShimArguments& arguments, bool into) const;

 private:
  struct Parameter {
    PyObject* name = nullptr;
    bool keyword_only = false;
    bool is_out = false;
  };
  explicit PythonOp(PyObject* callable) : callable_(callable) {}
  bool ReadSchema();
  PyObject* Invoke(ShimArguments& arguments, bool into) const;
  bool Results(PyObject* value, ShimArguments& arguments) const;

  PyObject* callable_;
  std::string schema_;
  std::vector<Parameter> parameters_;
};

}  // namespace kiln

#endif  // KILN_CLIENTS_PYTHON_NATIVE_PYTHON_OP_H_
