#include "clients/python/native/typed_shim_call.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace kiln {
namespace {

absl::Span<const KilnValue> Items(const KilnValue& v) { return {v.u.list, static_cast<size_t>(v.count)}; }

bool IsFloating(int32_t wire_id) {
  // f16, f32, f64, complex and bf16 of the export schema.
  return (wire_id >= 6 && wire_id <= 11) || wire_id == 13;
}

template <typename Native>
Native Inexpressible(ShimArguments& a) {
  a.inexpressible = true;
  return {};
}

}  // namespace

TensorHandle ShimArguments::Window(const KilnTensor& tensor) {
  if (&tensor == replaced_) return replacement_;
  TensorHandle handle = windows_.emplace_back(tensor).get();
  if (handle == nullptr && error.empty()) error = Torch().LastError();
  if (handle == nullptr) inexpressible = true;
  return handle;
}

bool ShimArguments::HasIntegralTensor() const {
  return std::any_of(values.begin(), values.end(), [](const KilnValue& v) {
    return v.kind == KILN_VALUE_TENSOR && !IsFloating(v.u.tensor->dtype);
  });
}

CallOutcome AdoptResults(ShimArguments& a, absl::Span<TensorHandle> results) {
  for (size_t i = 0; i < results.size(); ++i) {
    if (a.outs[i].dtype == 0 || !a.error.empty()) {
      if (results[i] != nullptr) Torch().aoti_torch_delete_tensor_object(results[i]);
      continue;
    }
    std::string problem = AdoptResult(results[i], &a.outs[i]);
    if (!problem.empty()) a.error = absl::StrCat("result ", i, ": ", problem);
  }
  return a.error.empty() ? CallOutcome::kDone : CallOutcome::kFailed;
}

namespace codec {

Tensor::Native Tensor::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind != KILN_VALUE_TENSOR) return Inexpressible<Native>(a);
  return {a.Window(*v.u.tensor)};
}

OptTensor::Native OptTensor::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind == KILN_VALUE_NONE) return {nullptr};
  return {a.Keep(std::get<0>(Tensor::Read(a, v)))};
}

Tensors::Native Tensors::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind != KILN_VALUE_LIST) return Inexpressible<Native>(a);
  std::vector<TensorHandle> handles;
  for (const KilnValue& item : Items(v)) handles.push_back(std::get<0>(Tensor::Read(a, item)));
  const auto* kept = a.Keep(std::move(handles));
  return {kept->data(), static_cast<int64_t>(kept->size())};
}

OptTensors::Native OptTensors::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind != KILN_VALUE_LIST) return Inexpressible<Native>(a);
  std::vector<const TensorHandle*> handles;
  for (const KilnValue& item : Items(v)) handles.push_back(std::get<0>(OptTensor::Read(a, item)));
  auto* kept = a.Keep(std::move(handles));
  return {kept->data(), static_cast<int64_t>(kept->size())};
}

Int::Native Int::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind != KILN_VALUE_INT) return Inexpressible<Native>(a);
  return {v.u.i};
}

OptInt::Native OptInt::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind == KILN_VALUE_NONE) return {nullptr};
  return {a.Keep(std::get<0>(Int::Read(a, v)))};
}

Bool::Native Bool::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind != KILN_VALUE_BOOL) return Inexpressible<Native>(a);
  return {v.u.i != 0};
}

OptBool::Native OptBool::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind == KILN_VALUE_NONE) return {nullptr};
  return {a.Keep(std::get<0>(Bool::Read(a, v)))};
}

Float::Native Float::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind == KILN_VALUE_INT) return {static_cast<double>(v.u.i)};
  if (v.kind != KILN_VALUE_FLOAT) return Inexpressible<Native>(a);
  return {v.u.f};
}

OptFloat::Native OptFloat::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind == KILN_VALUE_NONE) return {nullptr};
  return {a.Keep(std::get<0>(Float::Read(a, v)))};
}

Scalar::Native Scalar::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind == KILN_VALUE_FLOAT) return {v.u.f};
  const bool integer = v.kind == KILN_VALUE_INT || v.kind == KILN_VALUE_BOOL;
  constexpr int64_t kExact = int64_t{1} << 53;
  if (!integer || v.u.i > kExact || v.u.i < -kExact || a.HasIntegralTensor()) return Inexpressible<Native>(a);
  return {static_cast<double>(v.u.i)};
}

Ints::Native Ints::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind != KILN_VALUE_LIST) return Inexpressible<Native>(a);
  std::vector<int64_t> values;
  for (const KilnValue& item : Items(v)) values.push_back(std::get<0>(Int::Read(a, item)));
  const auto* kept = a.Keep(std::move(values));
  return {kept->data(), static_cast<int64_t>(kept->size())};
}

OptInts::Native OptInts::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind == KILN_VALUE_NONE) return {nullptr, 0};
  const auto [data, size] = Ints::Read(a, v);
  return {a.Keep(data), size};
}

Bools::Native Bools::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind != KILN_VALUE_LIST) return Inexpressible<Native>(a);
  std::vector<int32_t> values;
  for (const KilnValue& item : Items(v)) values.push_back(std::get<0>(Bool::Read(a, item)));
  const auto* kept = a.Keep(std::move(values));
  return {kept->data(), static_cast<int64_t>(kept->size())};
}

OptDtype::Native OptDtype::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind == KILN_VALUE_NONE) return {nullptr};
  if (v.kind != KILN_VALUE_DTYPE) return Inexpressible<Native>(a);
  const int32_t dtype = Torch().DtypeFromWire(static_cast<int32_t>(v.u.i));
  if (dtype < 0) return Inexpressible<Native>(a);
  return {a.Keep(dtype)};
}

String::Native String::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind != KILN_VALUE_STRING) return Inexpressible<Native>(a);
  return {v.u.s};
}

OptString::Native OptString::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind == KILN_VALUE_NONE) return {nullptr};
  return {a.Keep(std::get<0>(String::Read(a, v)))};
}

OptFloats::Native OptFloats::Read(ShimArguments& a, const KilnValue& v) {
  if (v.kind != KILN_VALUE_LIST) return Inexpressible<Native>(a);
  std::vector<const double*> numbers;
  for (const KilnValue& item : Items(v)) numbers.push_back(std::get<0>(OptFloat::Read(a, item)));
  auto* kept = a.Keep(std::move(numbers));
  return {kept->data(), static_cast<int64_t>(kept->size())};
}

}  // namespace codec
}  // namespace kiln
