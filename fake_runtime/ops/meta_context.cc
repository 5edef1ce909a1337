#include "fake_runtime/ops/meta_context.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace kiln {

MetaContext::MetaContext(const OpSchema& schema, absl::Span<const Argument> args, absl::Span<const FakeValue> values,
                         ShapeEnv* env, int* next_storage)
    : schema_(schema), args_(args), values_(values), env_(env), next_storage_(next_storage) {}

const FakeTensor& MetaContext::Tensor(int i) const {
  return std::get<FakeTensor>(values_[args_[i].get_if<ValueId>()->value]);
}

const FakeTensor* MetaContext::OptionalTensor(int i) const { return IsNone(i) ? nullptr : &Tensor(i); }

std::vector<const FakeTensor*> MetaContext::TensorList(int i) const {
  std::vector<const FakeTensor*> out;
  const ArgumentList* list = args_[i].get_if<ArgumentList>();
  if (list == nullptr) return out;
  out.reserve(list->size());
  for (const Argument& item : *list) {
    const ValueId* id = item.get_if<ValueId>();
    out.push_back(id == nullptr ? nullptr : &std::get<FakeTensor>(values_[id->value]));
  }
  return out;
}

bool MetaContext::IsTensor(int i) const {
  const ValueId* id = args_[i].get_if<ValueId>();
  return id != nullptr && std::holds_alternative<FakeTensor>(values_[id->value]);
}

bool MetaContext::RequiresGrad(int i) const {
  const auto requires_grad = [this](const Argument& arg) {
    const ValueId* id = arg.get_if<ValueId>();
    const FakeTensor* t = id == nullptr ? nullptr : std::get_if<FakeTensor>(&values_[id->value]);
    return t != nullptr && t->requires_grad;
  };
  const ArgumentList* list = args_[i].get_if<ArgumentList>();
  return list == nullptr ? requires_grad(args_[i]) : std::any_of(list->begin(), list->end(), requires_grad);
}

Expr MetaContext::ExprOf(const Argument& arg) const {
  if (const int64_t* v = arg.get_if<int64_t>()) return env_->pool().Int(*v);
  if (const double* v = arg.get_if<double>()) return env_->pool().Float(*v);
  if (const bool* v = arg.get_if<bool>()) return Expr::Bool(*v);
  return std::get<Expr>(values_[arg.get_if<ValueId>()->value]);
}

FakeScalar MetaContext::Scalar(int i) const {
  Expr e = ExprOf(args_[i]);
  return {e.type(), e};
}

std::optional<FakeScalar> MetaContext::OptionalScalar(int i) const {
  if (IsNone(i)) return std::nullopt;
  return Scalar(i);
}

Expr MetaContext::SymInt(int i) const { return ExprOf(args_[i]); }

std::optional<Expr> MetaContext::OptionalSymInt(int i) const {
  if (IsNone(i)) return std::nullopt;
  return SymInt(i);
}

Dims MetaContext::SymInts(int i) const {
  Dims out;
  for (const Argument& item : *args_[i].get_if<ArgumentList>()) out.push_back(ExprOf(item));
  return out;
}

std::optional<Dims> MetaContext::OptionalSymInts(int i) const {
  if (IsNone(i)) return std::nullopt;
  return SymInts(i);
}

int64_t MetaContext::PinnedInt(int i, const Argument& item) const {
  if (const int64_t* v = item.get_if<int64_t>()) return *v;
  absl::StatusOr<int64_t> pinned =
      env_->Specialize(ExprOf(item), absl::StrCat("the number for `", schema_.args[i].name, "`"));
  if (pinned.ok()) return *pinned;
  status_.Update(pinned.status());
  return 0;
}

int64_t MetaContext::Int(int i) const { return PinnedInt(i, args_[i]); }

std::vector<int64_t> MetaContext::Ints(int i) const {
  std::vector<int64_t> out;
  for (const Argument& item : *args_[i].get_if<ArgumentList>()) out.push_back(PinnedInt(i, item));
  return out;
}

std::optional<std::vector<int64_t>> MetaContext::OptionalInts(int i) const {
  if (IsNone(i)) return std::nullopt;
  return Ints(i);
}

bool MetaContext::Bool(int i) const { return *args_[i].get_if<bool>(); }

double MetaContext::Float(int i) const { return *args_[i].get_if<double>(); }

std::optional<DType> MetaContext::OptionalDType(int i) const {
  if (IsNone(i)) return std::nullopt;
  return *args_[i].get_if<DType>();
}

std::optional<Device> MetaContext::OptionalDevice(int i) const {
  if (IsNone(i)) return std::nullopt;
  return *args_[i].get_if<Device>();
}

std::optional<MemoryFormat> MetaContext::OptionalMemoryFormat(int i) const {
  if (IsNone(i)) return std::nullopt;
  return *args_[i].get_if<MemoryFormat>();
}

absl::string_view MetaContext::String(int i) const { return *args_[i].get_if<std::string>(); }

absl::Status MetaContext::CheckEqual(Expr a, Expr b, absl::string_view a_name, absl::string_view b_name) {
  if (a == b) return absl::OkStatus();
  return env_->Check(pool().Eq(a, b), absl::StrCat(a_name, " equals ", b_name),
                     absl::StrCat(a_name, " is ", a.ToString(), " but ", b_name, " is ", b.ToString()));
}

absl::StatusOr<int> MetaContext::WrapDim(int64_t dim, int rank) const {
  int64_t range = rank == 0 ? 1 : rank;
  if (dim < -range || dim >= range) {
    return Fail(ErrorReason::kIndexOutOfRange, absl::StrCat("dimension ", dim, " is out of range [", -range, ", ",
                                                             range - 1, "] of a tensor of rank ", rank));
  }
  return static_cast<int>(dim < 0 ? dim + range : dim);
}

absl::StatusOr<absl::InlinedVector<int, 5>> MetaContext::WrapDims(absl::Span<const int64_t> dims, int rank) const {
  absl::InlinedVector<int, 5> out;
  for (int64_t dim : dims) {
    KILN_ASSIGN_OR_RETURN(int wrapped, WrapDim(dim, rank));
    for (int seen : out) {
      if (seen == wrapped)
        return Fail(ErrorReason::kBadArgumentValue, absl::StrCat("dimension ", dim, " appears twice"));
    }
    out.push_back(wrapped);
  }
  return out;
}

FakeTensor MetaContext::NewTensor(DType dtype, const Device& device, Dims sizes) {
  Dims strides = ContiguousStrides(*env_, sizes);
  return NewTensor(dtype, device, std::move(sizes), std::move(strides));
}

FakeTensor MetaContext::NewTensor(DType dtype, const Device& device, Dims sizes, Dims strides) {
  FakeTensor t;
  t.dtype = dtype;
  t.device = device;
  t.sizes = std::move(sizes);
  t.strides = std::move(strides);
  t.storage = StorageId{(*next_storage_)++};
  return t;
}

FakeTensor MetaContext::ViewOf(const FakeTensor& base, Dims sizes, Dims strides, Expr offset) {
  FakeTensor t = base;
  t.sizes = std::move(sizes);
  t.strides = std::move(strides);
  t.storage_offset = offset;
  return t;
}

void MetaContext::Return(FakeValue value) {
  Returned& slot = returned_.emplace_back();
  slot.values.push_back(std::move(value));
}

void MetaContext::ReturnList(std::vector<FakeValue> values) {
  Returned& slot = returned_.emplace_back();
  slot.is_list = true;
  slot.values = std::move(values);
}

}  // namespace kiln
