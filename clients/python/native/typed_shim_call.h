// Calls of PyTorch's typed C functions (aoti_torch_cpu_*) from the ABI's values.
//
// A row of typed_shim_ops.cc says a function's parameters as a list of codecs,
// one per schema argument; CallTyped builds the C call from them at compile time:
//
//   CallTyped<kOwning, 1, Tensor, Tensor, OptTensor, Ints, Ints, Ints, Bool, Ints, Int>
//   // int32_t aoti_torch_cpu_convolution(TensorHandle, TensorHandle, TensorHandle*, const int64_t*, int64_t, ...)
//
// The conventions are those of torchgen's C shim: optionals are pointers, bools
// are int32, lists are a pointer and a length, a Scalar is a double.
#ifndef KILN_CLIENTS_PYTHON_NATIVE_TYPED_SHIM_CALL_H_
#define KILN_CLIENTS_PYTHON_NATIVE_TYPED_SHIM_CALL_H_

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <tuple>
#include <vector>

#include "absl/types/span.h"
#include "clients/python/native/tensor_window.h"
#include "clients/python/native/torch_shim.h"
#include "compiler/artifact/kiln_abi.h"

namespace kiln {

// What became of a call.
enum class CallOutcome : uint8_t {
  kDone,
  kFailed,       // the operator refused; ShimArguments::error says why
  kInexpressible // an argument does not fit the C signature: another way is needed
};

// The arguments of one call, and what has to live while it runs.
class ShimArguments {
 public:
  ShimArguments(absl::Span<const KilnValue> values, absl::Span<KilnTensor> outs) : values(values), outs(outs) {}

  const KilnValue& Next() { return values[next_++]; }
  // A handle for the call's duration.
  TensorHandle Window(const KilnTensor& tensor);
  // From now on `tensor` is seen as `handle`, which the caller owns.
  void Replace(const KilnTensor& tensor, TensorHandle handle) {
    replaced_ = &tensor;
    replacement_ = handle;
  }
  // A cell or a list that lives until the call is over.
  template <typename T>
  T* Keep(T value);

  const absl::Span<const KilnValue> values;
  const absl::Span<KilnTensor> outs;
  bool inexpressible = false;
  std::string error;

  // True if a tensor argument is not floating: a double is not exact for it.
  bool HasIntegralTensor() const;

 private:
  size_t next_ = 0;
  const KilnTensor* replaced_ = nullptr;
  TensorHandle replacement_ = nullptr;
  std::deque<TensorWindow> windows_;
  std::deque<int64_t> ints_;
  std::deque<double> doubles_;
  std::deque<int32_t> bools_;
  std::deque<TensorHandle> handles_;
  std::deque<std::vector<int64_t>> int_lists_;
  std::deque<std::vector<int32_t>> bool_lists_;
  std::deque<std::vector<TensorHandle>> handle_lists_;
  std::deque<std::vector<const TensorHandle*>> optional_lists_;
  std::deque<const int64_t*> int_list_cells_;
  std::deque<const char*> strings_;
  std::deque<std::vector<const double*>> optional_double_lists_;
};

template <>
inline int64_t* ShimArguments::Keep(int64_t value) { return &ints_.emplace_back(value); }
template <>
inline double* ShimArguments::Keep(double value) { return &doubles_.emplace_back(value); }
template <>
inline int32_t* ShimArguments::Keep(int32_t value) { return &bools_.emplace_back(value); }
template <>
inline TensorHandle* ShimArguments::Keep(TensorHandle value) { return &handles_.emplace_back(value); }
template <>
inline const int64_t** ShimArguments::Keep(const int64_t* value) { return &int_list_cells_.emplace_back(value); }
template <>
inline std::vector<int64_t>* ShimArguments::Keep(std::vector<int64_t> v) { return &int_lists_.emplace_back(std::move(v)); }
template <>
inline std::vector<int32_t>* ShimArguments::Keep(std::vector<int32_t> v) { return &bool_lists_.emplace_back(std::move(v)); }
template <>
inline std::vector<TensorHandle>* ShimArguments::Keep(std::vector<TensorHandle> v) {
  return &handle_lists_.emplace_back(std::move(v));
}
template <>
inline std::vector<const TensorHandle*>* ShimArguments::Keep(std::vector<const TensorHandle*> v) {
  return &optional_lists_.emplace_back(std::move(v));
}
template <>
inline const char** ShimArguments::Keep(const char* value) { return &strings_.emplace_back(value); }
template <>
inline std::vector<const double*>* ShimArguments::Keep(std::vector<const double*> v) {
  return &optional_double_lists_.emplace_back(std::move(v));
}

// Codecs: each turns one value into the C arguments that stand for it.
namespace codec {

struct Tensor {
  using Native = std::tuple<TensorHandle>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
struct OptTensor {
  using Native = std::tuple<TensorHandle*>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
struct Tensors {
  using Native = std::tuple<const TensorHandle*, int64_t>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
struct OptTensors {
  using Native = std::tuple<const TensorHandle**, int64_t>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
struct Int {
  using Native = std::tuple<int64_t>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
struct OptInt {
  using Native = std::tuple<int64_t*>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
struct Bool {
  using Native = std::tuple<int32_t>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
struct OptBool {
  using Native = std::tuple<int32_t*>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
struct Float {
  using Native = std::tuple<double>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
struct OptFloat {
  using Native = std::tuple<double*>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
// A Scalar; integers only beside floating tensors, where a double means the same.
struct Scalar {
  using Native = std::tuple<double>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
struct Ints {
  using Native = std::tuple<const int64_t*, int64_t>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
struct OptInts {
  using Native = std::tuple<const int64_t**, int64_t>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
struct Bools {
  using Native = std::tuple<const int32_t*, int64_t>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
struct OptDtype {
  using Native = std::tuple<int32_t*>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
struct String {
  using Native = std::tuple<const char*>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
struct OptString {
  using Native = std::tuple<const char**>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};
// Scalar?[]
struct OptFloats {
  using Native = std::tuple<const double**, int64_t>;
  static Native Read(ShimArguments& a, const KilnValue& v);
};

}  // namespace codec

enum ResultKind { kOwning, kInto };

// Gives the results to the code, or tells what is wrong with them.
CallOutcome AdoptResults(ShimArguments& a, absl::Span<TensorHandle> results);

using TypedCall = CallOutcome (*)(void* function, ShimArguments& arguments);

template <ResultKind kKind, int kResults, typename... Codecs>
CallOutcome CallTyped(void* function, ShimArguments& a) {
  if (a.values.size() != sizeof...(Codecs)) return CallOutcome::kInexpressible;
  // Braces evaluate in order; a function's arguments would not.
  std::tuple<typename Codecs::Native...> parts{Codecs::Read(a, a.Next())...};
  if (a.inexpressible) return CallOutcome::kInexpressible;
  auto natives = std::apply([](const auto&... part) { return std::tuple_cat(part...); }, parts);
  const auto call = [function](auto... argument) {
    return reinterpret_cast<int32_t (*)(decltype(argument)...)>(function)(argument...);
  };
  if constexpr (kKind == kInto) {
    if (a.outs.size() != 1) return CallOutcome::kInexpressible;
    TensorHandle out = a.Window(a.outs[0]);
    if (out == nullptr) return CallOutcome::kFailed;
    if (std::apply(call, std::tuple_cat(std::tuple<TensorHandle>(out), natives)) == 0) return CallOutcome::kDone;
    a.error = Torch().LastError();
    return CallOutcome::kFailed;
  } else {
    if (a.outs.size() != kResults) return CallOutcome::kInexpressible;
    std::array<TensorHandle, kResults> results = {};
    auto pointers = std::apply([](auto&... r) { return std::make_tuple(&r...); }, results);
    if (std::apply(call, std::tuple_cat(natives, pointers)) == 0) return AdoptResults(a, absl::MakeSpan(results));
    a.error = Torch().LastError();
    return CallOutcome::kFailed;
  }
}

}  // namespace kiln

#endif  // KILN_CLIENTS_PYTHON_NATIVE_TYPED_SHIM_CALL_H_
