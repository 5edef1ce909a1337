#include "clients/python/native/python_op.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "clients/python/native/tensor_objects.h"

namespace kiln {
namespace {

// An owned reference, for straight-line code with early returns.
class Ref {
 public:
  Ref() = default;
  explicit Ref(PyObject* object) : object_(object) {}
  ~Ref() { Py_XDECREF(object_); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  PyObject* get() const { return object_; }
  PyObject* release() { return std::exchange(object_, nullptr); }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  PyObject* object_ = nullptr;
};

class GilHolder {
 public:
  GilHolder() : state_(PyGILState_Ensure()) {}
  ~GilHolder() { PyGILState_Release(state_); }

 private:
  PyGILState_STATE state_;
};

std::string TakeError() {
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  Ref text(value == nullptr ? nullptr : PyObject_Str(value));
  const char* utf8 = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  std::string message = utf8 == nullptr ? "torch.ops failed" : utf8;
  PyErr_Clear();
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(trace);
  return message;
}

// "float32" of module torch.
PyObject* TorchAttribute(const char* name) {
  Ref torch(PyImport_ImportModule("torch"));
  return torch ? PyObject_GetAttrString(torch.get(), name) : nullptr;
}

struct NamedId {
  int64_t id;
  const char* name;
};

constexpr NamedId kDtypes[] = {
    {1, "uint8"}, {2, "int8"}, {3, "int16"}, {4, "int32"}, {5, "int64"}, {6, "float16"}, {7, "float32"},
    {8, "float64"}, {9, "complex32"}, {10, "complex64"}, {11, "complex128"}, {12, "bool"}, {13, "bfloat16"},
    {28, "uint16"}, {29, "float8_e4m3fn"}, {30, "float8_e5m2"}, {31, "float8_e4m3fnuz"}, {32, "float8_e5m2fnuz"},
    {33, "uint32"}, {34, "uint64"},
};
constexpr NamedId kLayouts[] = {{1, "sparse_coo"}, {7, "strided"}};
constexpr NamedId kMemoryFormats[] = {
    {1, "contiguous_format"}, {2, "channels_last"}, {3, "channels_last_3d"}, {4, "preserve_format"}};

PyObject* NamedObject(absl::Span<const NamedId> rows, int64_t id) {
  for (const NamedId& row : rows) {
    if (row.id == id) return TorchAttribute(row.name);
  }
  return PyErr_Format(PyExc_ValueError, "unknown id %lld", static_cast<long long>(id));
}

PyObject* TensorObject(const KilnTensor& tensor, ShimArguments& a) {
  TensorHandle window = a.Window(tensor);
  TensorHandle handle = nullptr;
  if (window == nullptr || Torch().aoti_torch_new_tensor_handle(window, &handle) != 0) {
    return PyErr_Format(PyExc_RuntimeError, "a tensor argument could not be made");
  }
  return ObjectOf(handle);
}

PyObject* ToObject(const KilnValue& v, ShimArguments& a) {
  switch (v.kind) {
    case KILN_VALUE_NONE: Py_RETURN_NONE;
    case KILN_VALUE_TENSOR: return TensorObject(*v.u.tensor, a);
    case KILN_VALUE_INT: return PyLong_FromLongLong(v.u.i);
    case KILN_VALUE_FLOAT: return PyFloat_FromDouble(v.u.f);
    case KILN_VALUE_BOOL: return PyBool_FromLong(v.u.i != 0);
    case KILN_VALUE_DTYPE: return NamedObject(kDtypes, v.u.i);
    case KILN_VALUE_LAYOUT: return NamedObject(kLayouts, v.u.i);
    case KILN_VALUE_MEMORY_FORMAT: return NamedObject(kMemoryFormats, v.u.i);
    case KILN_VALUE_STRING: return PyUnicode_FromStringAndSize(v.u.s, v.count);
    case KILN_VALUE_DEVICE: {
      Ref device(TorchAttribute("device"));
      Ref name(PyUnicode_FromStringAndSize(v.u.s, v.count));
      return device && name ? PyObject_CallOneArg(device.get(), name.get()) : nullptr;
    }
    case KILN_VALUE_LIST: {
      Ref list(PyList_New(v.count));
      for (int i = 0; list && i < v.count; ++i) {
        PyObject* item = ToObject(v.u.list[i], a);
        if (item == nullptr) return nullptr;
        PyList_SET_ITEM(list.get(), i, item);
      }
      return list.release();
    }
    default: return PyErr_Format(PyExc_ValueError, "unknown kind of value %d", v.kind);
  }
}

bool IsTrueAttribute(PyObject* object, const char* name) {
  Ref value(PyObject_GetAttrString(object, name));
  return value && PyObject_IsTrue(value.get()) == 1;
}

}  // namespace

std::unique_ptr<PythonOp> PythonOp::Find(absl::string_view op) {
  Ref object(TorchAttribute("ops"));
  for (absl::string_view part : absl::StrSplit(op, '.')) {
    if (!object) break;
    object = Ref(PyObject_GetAttrString(object.get(), std::string(part).c_str()));
  }
  std::unique_ptr<PythonOp> result;
  if (object) result.reset(new PythonOp(object.release()));
  if (result != nullptr && !result->ReadSchema()) result.reset();
  PyErr_Clear();
  return result;
}

bool PythonOp::ReadSchema() {
  Ref schema(PyObject_GetAttrString(callable_, "_schema"));
  Ref text(schema ? PyObject_Str(schema.get()) : nullptr);
  const char* utf8 = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  Ref arguments(schema ? PyObject_GetAttrString(schema.get(), "arguments") : nullptr);
  Ref sequence(arguments ? PySequence_Fast(arguments.get(), "arguments") : nullptr);
  if (utf8 == nullptr || !sequence) return false;
  schema_ = utf8;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence.get()); ++i) {
    PyObject* argument = PySequence_Fast_GET_ITEM(sequence.get(), i);
    Parameter& parameter = parameters_.emplace_back();
    parameter.name = PyObject_GetAttrString(argument, "name");
    parameter.keyword_only = IsTrueAttribute(argument, "kwarg_only");
    parameter.is_out = IsTrueAttribute(argument, "is_out");
    if (parameter.name == nullptr) return false;
  }
  return true;
}

PythonOp::~PythonOp() {
  for (const Parameter& parameter : parameters_) Py_XDECREF(parameter.name);
  Py_XDECREF(callable_);
}

// A new reference to what the operator returned.
PyObject* PythonOp::Invoke(ShimArguments& a, bool into) const {
  Ref positional(PyList_New(0));
  Ref keywords(PyDict_New());
  if (!positional || !keywords) return nullptr;
  size_t next = 0;
  size_t next_out = 0;
  for (const Parameter& parameter : parameters_) {
    const bool is_out = into && parameter.is_out;
    if (is_out ? next_out >= a.outs.size() : next >= a.values.size()) break;
    Ref value(is_out ? TensorObject(a.outs[next_out++], a) : ToObject(a.values[next++], a));
    if (!value) return nullptr;
    const bool named = parameter.keyword_only || is_out;
    const int failed = named ? PyDict_SetItem(keywords.get(), parameter.name, value.get())
                             : PyList_Append(positional.get(), value.get());
    if (failed != 0) return nullptr;
  }
  if (next != a.values.size()) return PyErr_Format(PyExc_TypeError, "%zu arguments were given", a.values.size());
  Ref tuple(PyList_AsTuple(positional.get()));
  return tuple ? PyObject_Call(callable_, tuple.get(), keywords.get()) : nullptr;
}

bool PythonOp::Results(PyObject* value, ShimArguments& a) const {
  std::vector<PyObject*> objects;
  const bool many = PyTuple_Check(value) || PyList_Check(value);
  Ref sequence(many ? PySequence_Fast(value, "results") : nullptr);
  if (sequence) {
    objects.assign(PySequence_Fast_ITEMS(sequence.get()),
                   PySequence_Fast_ITEMS(sequence.get()) + PySequence_Fast_GET_SIZE(sequence.get()));
  } else {
    objects.push_back(value);
  }
  if (objects.size() != a.outs.size()) {
    a.error = absl::StrCat("it gave ", objects.size(), " results but the code expects ", a.outs.size());
    return false;
  }
  std::vector<TensorHandle> handles;
  for (PyObject* object : objects) {
    TensorHandle& handle = handles.emplace_back(nullptr);
    if (object == Py_None) continue;
    bool owned = false;
    TensorHandle borrowed = HandleOf(object, &owned);
    if (borrowed == nullptr) {
      a.error = TakeError();
    } else if (owned) {
      handle = borrowed;
    } else if (Torch().aoti_torch_new_tensor_handle(borrowed, &handle) != 0) {
      a.error = Torch().LastError();
    }
  }
  return AdoptResults(a, absl::MakeSpan(handles)) == CallOutcome::kDone;
}

CallOutcome PythonOp::Call(ShimArguments& a, bool into) const {
  GilHolder gil;
  // The dispatcher, which may have been asked before, leaves a Python error behind where it refuses.
  PyErr_Clear();
  Ref value(Invoke(a, into));
  if (!value) {
    a.error = TakeError();
    return CallOutcome::kFailed;
  }
  return into || Results(value.get(), a) ? CallOutcome::kDone : CallOutcome::kFailed;
}

}  // namespace kiln
