// Python's tensors as handles and back, without PyTorch's headers.
//
// A torch.Tensor object holds an at::Tensor at a fixed place, and a handle is an
// at::Tensor*. LoadTensorObjects finds that place by looking for `_cdata` (the
// TensorImpl's address, a documented attribute) inside a few tensors; where it is
// not found, PyTorch's own (slower) torch._C._aoti functions are used.
#ifndef KILN_CLIENTS_PYTHON_NATIVE_TENSOR_OBJECTS_H_
#define KILN_CLIENTS_PYTHON_NATIVE_TENSOR_OBJECTS_H_

#include <Python.h>

#include "absl/status/status.h"
#include "clients/python/native/torch_shim.h"

namespace kiln {

// Once per process, with the GIL held and torch imported.
absl::Status LoadTensorObjects();

// All below need the GIL.

bool IsTensor(PyObject* object);

// A handle of a tensor object. `*owned` says whether the caller has to delete it;
// otherwise it lives as long as the object. nullptr with a Python error set.
TensorHandle HandleOf(PyObject* tensor, bool* owned);

// A new reference to a tensor object that takes over `handle`. nullptr with a
// Python error set; the handle is gone either way.
PyObject* ObjectOf(TensorHandle handle);

// How objects and handles are converted, for `kiln.stats()`.
const char* TensorObjectPath();

}  // namespace kiln

#endif  // KILN_CLIENTS_PYTHON_NATIVE_TENSOR_OBJECTS_H_
