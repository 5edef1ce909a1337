#include "clients/python/native/tensor_objects.h"

#include <dlfcn.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {
namespace {

// PyObject* THPVariable_Wrap(const at::TensorBase&), as the C++ ABI spells it.
constexpr char kWrapSymbol[] = "_Z16THPVariable_WrapRKN2at10TensorBaseE";
using WrapFunction = PyObject* (*)(TensorHandle);

// Words of an object that are searched for the TensorImpl's address: behind the
// header, within what every tensor object has.
constexpr size_t kFirstWord = sizeof(PyObject) / sizeof(void*);

struct State {
  PyTypeObject* tensor_base = nullptr;   // torch._C.TensorBase
  PyObject* alloc_handle = nullptr;      // torch._C._aoti functions
  PyObject* alloc_tensor = nullptr;
  Py_ssize_t handle_offset = 0;          // 0: not found
  WrapFunction wrap = nullptr;
};

State& TheState() {
  static State* state = new State;
  return *state;
}

absl::Status FromPython(absl::string_view what) {
  PyErr_Clear();
  return MakeError(ErrorReason::kUnsupportedTarget, absl::StrCat("this PyTorch has no ", what));
}

// The place of the one word that is `cdata`, or 0.
Py_ssize_t OffsetOfWord(PyObject* object, void* cdata) {
  const size_t words = static_cast<size_t>(Py_TYPE(object)->tp_basicsize) / sizeof(void*);
  Py_ssize_t found = 0;
  for (size_t i = kFirstWord; i < words; ++i) {
    void* word;
    std::memcpy(&word, reinterpret_cast<char*>(object) + i * sizeof(void*), sizeof(word));
    if (word != cdata) continue;
    if (found != 0) return 0;
    found = static_cast<Py_ssize_t>(i * sizeof(void*));
  }
  return found;
}

// The same place in several tensors, or 0.
Py_ssize_t FindHandleOffset(PyObject* torch) {
  PyObject* tensors[] = {
      PyObject_CallMethod(torch, "zeros", "i", 2),
      PyObject_CallMethod(torch, "ones", "ii", 3, 1),
      PyObject_CallMethod(torch, "tensor", "d", 1.0),
  };
  Py_ssize_t offset = -1;
  for (PyObject* tensor : tensors) {
    PyObject* number = tensor == nullptr ? nullptr : PyObject_GetAttrString(tensor, "_cdata");
    void* cdata = number == nullptr ? nullptr : PyLong_AsVoidPtr(number);
    const Py_ssize_t here = cdata == nullptr ? 0 : OffsetOfWord(tensor, cdata);
    offset = offset == -1 || offset == here ? here : 0;
    Py_XDECREF(number);
    Py_XDECREF(tensor);
  }
  PyErr_Clear();
  return offset;
}

}  // namespace

absl::Status LoadTensorObjects() {
  State& state = TheState();
  if (state.tensor_base != nullptr) return absl::OkStatus();
  PyObject* torch = PyImport_ImportModule("torch");
  if (torch == nullptr) return FromPython("module torch");
  PyObject* c = PyObject_GetAttrString(torch, "_C");
  PyObject* aoti = c == nullptr ? nullptr : PyObject_GetAttrString(c, "_aoti");
  PyObject* base = c == nullptr ? nullptr : PyObject_GetAttrString(c, "TensorBase");
  if (aoti == nullptr || base == nullptr || !PyType_Check(base)) return FromPython("torch._C._aoti or TensorBase");
  state.alloc_handle = PyObject_GetAttrString(aoti, "unsafe_alloc_void_ptr_from_tensor");
  state.alloc_tensor = PyObject_GetAttrString(aoti, "alloc_tensor_by_stealing_from_void_ptr");
  if (state.alloc_handle == nullptr || state.alloc_tensor == nullptr) return FromPython("torch._C._aoti functions");
  state.handle_offset = FindHandleOffset(torch);
  if (void* library = dlopen("libtorch_python.so", RTLD_LAZY | RTLD_NOLOAD)) {
    state.wrap = reinterpret_cast<WrapFunction>(dlsym(library, kWrapSymbol));
  }
  state.tensor_base = reinterpret_cast<PyTypeObject*>(base);
  return absl::OkStatus();
}

bool IsTensor(PyObject* object) { return PyObject_TypeCheck(object, TheState().tensor_base); }

TensorHandle HandleOf(PyObject* tensor, bool* owned) {
  const State& state = TheState();
  if (!IsTensor(tensor)) {
    PyErr_Format(PyExc_TypeError, "expected a tensor, got %s", Py_TYPE(tensor)->tp_name);
    return nullptr;
  }
  *owned = state.handle_offset == 0;
  if (!*owned) return reinterpret_cast<TensorHandle>(reinterpret_cast<char*>(tensor) + state.handle_offset);
  PyObject* capsule = PyObject_CallOneArg(state.alloc_handle, tensor);
  if (capsule == nullptr) return nullptr;
  void* handle = PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule));
  Py_DECREF(capsule);
  return static_cast<TensorHandle>(handle);
}

PyObject* ObjectOf(TensorHandle handle) {
  const State& state = TheState();
  if (state.wrap != nullptr) {
    PyObject* object = state.wrap(handle);
    Torch().aoti_torch_delete_tensor_object(handle);
    return object;
  }
  PyObject* capsule = PyCapsule_New(handle, nullptr, nullptr);
  if (capsule == nullptr) return nullptr;
  PyObject* object = PyObject_CallOneArg(state.alloc_tensor, capsule);
  Py_DECREF(capsule);
  return object;
}

const char* TensorObjectPath() {
  const State& state = TheState();
  if (state.handle_offset != 0) return state.wrap != nullptr ? "direct" : "direct in, capsule out";
  return state.wrap != nullptr ? "capsule in, direct out" : "capsule";
}

}  // namespace kiln
