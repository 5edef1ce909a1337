#include "fake_runtime/import/metadata_proto.h"

#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "fake_runtime/import/wire_enums.h"

namespace kiln {
namespace {

// Whether `text` is a device type as PyTorch writes them: "cpu", "cuda".
bool IsDeviceType(absl::string_view text) {
  if (text.empty() || text.size() > 32) return false;
  for (char c : text) {
    if ((c < 'a' || c > 'z') && c != '_') return false;
  }
  return true;
}

absl::Status ImportDims(
    const google::protobuf::RepeatedPtrField<v1::SymExpr>& from,
    absl::string_view what, ExprPool* pool, Dims& to) {
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kRank, from.size(), what));
  for (int d = 0; d < from.size(); ++d) {
    absl::StatusOr<Expr> e = ImportExpr(from[d], pool);
    if (!e.ok()) return AddContext(e.status(), absl::StrCat(what, " ", d));
    to.push_back(*e);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Expr> ImportExpr(const v1::SymExpr& expr, ExprPool* pool) {
  switch (expr.kind_case()) {
    case v1::SymExpr::kValue:
      return pool->Int(expr.value());
    case v1::SymExpr::kExpr:
      break;
    case v1::SymExpr::KIND_NOT_SET:
      return MakeError(ErrorReason::kMalformedMessage,
                       "an expression is unset");
  }
  absl::StatusOr<Expr> parsed = pool->Parse(expr.expr());
  if (!parsed.ok() &&
      GetErrorReason(parsed.status()) == ErrorReason::kParseError) {
    return MakeError(
        ErrorReason::kBadExpression,
        absl::StrCat("'", absl::CHexEscape(expr.expr().substr(0, 200)),
                     "': ", parsed.status().message()));
  }
  return parsed;
}

v1::SymExpr ExportExpr(Expr expr) {
  v1::SymExpr out;
  if (std::optional<int64_t> value = expr.AsInt()) {
    out.set_value(*value);
  } else {
    out.set_expr(expr.ToString());
  }
  return out;
}

absl::StatusOr<DType> ImportDType(int wire_id) {
  std::optional<DType> dtype = DTypeFromWireId(wire_id);
  if (dtype.has_value()) return *dtype;
  return MakeError(
      ErrorReason::kUnsupportedDtype,
      absl::StrCat("dtype ", wire_id,
                   " is not one of the export schema's that are supported"));
}

absl::StatusOr<Device> ImportDevice(const v1::Device& device) {
  if (!IsDeviceType(device.type()) ||
      (device.has_index() && device.index() < 0)) {
    return MakeError(
        ErrorReason::kMalformedMessage,
        absl::StrCat("device '", absl::CHexEscape(device.type().substr(0, 100)),
                     "' with index ", device.index(), " is no device"));
  }
  Device out;
  out.type = device.type();
  out.index = device.has_index() ? device.index() : -1;
  // The text form must be able to read what it prints.
  KILN_RETURN_IF_ERROR(Device::Parse(out.ToString()).status());
  return out;
}

v1::Device ExportDevice(const Device& device) {
  v1::Device out;
  out.set_type(device.type);
  if (device.index >= 0) out.set_index(device.index);
  return out;
}

absl::StatusOr<DimPolicy> ImportPolicy(v1::DimPolicy policy) { return FromWire(kWirePolicies, policy, "policy"); }

v1::DimPolicy ExportPolicy(DimPolicy policy) { return ToWire(kWirePolicies, policy); }

absl::StatusOr<FakeTensor> ImportTensorMeta(const v1::TensorMeta& meta,
                                            ExprPool* pool) {
  FakeTensor t;
  KILN_ASSIGN_OR_RETURN(t.dtype, ImportDType(meta.dtype()));
  KILN_ASSIGN_OR_RETURN(t.device, ImportDevice(meta.device()));
  KILN_RETURN_IF_ERROR(ImportDims(meta.sizes(), "size", pool, t.sizes));
  KILN_RETURN_IF_ERROR(ImportDims(meta.strides(), "stride", pool, t.strides));
  if (meta.has_storage_offset()) {
    absl::StatusOr<Expr> offset = ImportExpr(meta.storage_offset(), pool);
    if (!offset.ok()) return AddContext(offset.status(), "storage offset");
    t.storage_offset = *offset;
  }
  if (meta.layout() != v1::LAYOUT_STRIDED &&
      meta.layout() != v1::LAYOUT_SPARSE_COO) {
    return MakeError(ErrorReason::kMalformedMessage,
                     absl::StrCat("layout ", static_cast<int>(meta.layout()),
                                  " is unspecified or unknown"));
  }
  // Both enums have the export schema's numbers.
  t.layout = static_cast<Layout>(meta.layout());
  t.requires_grad = meta.requires_grad();
  return t;
}

absl::StatusOr<std::vector<DimPolicy>> ImportPolicies(
    const v1::TensorMeta& meta) {
  KILN_RETURN_IF_ERROR(
      CheckLimit(Limit::kRank, meta.policies_size(), "policies"));
  std::vector<DimPolicy> policies;
  for (int policy : meta.policies()) {
    KILN_ASSIGN_OR_RETURN(DimPolicy p,
                          ImportPolicy(static_cast<v1::DimPolicy>(policy)));
    policies.push_back(p);
  }
  return policies;
}

v1::TensorMeta ExportTensorMeta(const FakeTensor& tensor) {
  v1::TensorMeta meta;
  meta.set_dtype(GetDTypeRow(tensor.dtype).wire_id);
  for (Expr e : tensor.sizes) *meta.add_sizes() = ExportExpr(e);
  for (Expr e : tensor.strides) *meta.add_strides() = ExportExpr(e);
  if (!tensor.storage_offset.IsInt(0))
    *meta.mutable_storage_offset() = ExportExpr(tensor.storage_offset);
  *meta.mutable_device() = ExportDevice(tensor.device);
  meta.set_layout(static_cast<v1::Layout>(tensor.layout));
  meta.set_requires_grad(tensor.requires_grad);
  return meta;
}

absl::StatusOr<Guard> ImportGuard(const v1::Guard& guard, ExprPool* pool) {
  Guard out;
  v1::SymExpr condition;
  condition.set_expr(guard.condition());
  KILN_ASSIGN_OR_RETURN(out.condition, ImportExpr(condition, pool));
  if (out.condition.type() != ExprType::kBool) {
    return MakeError(
        ErrorReason::kBadExpression,
        absl::StrCat("guard ", out.condition.ToString(), " is not a boolean"));
  }
  KILN_ASSIGN_OR_RETURN(out.kind, FromWire(kWireGuardKinds, guard.kind(), "guard kind"));
  out.reason.node = guard.reason().node();
  out.reason.op = guard.reason().op();
  out.reason.what = guard.reason().what();
  out.reason.location = guard.reason().location();
  return out;
}

v1::Guard ExportGuard(const Guard& guard) {
  v1::Guard out;
  out.set_condition(guard.condition.ToString());
  out.set_kind(ToWire(kWireGuardKinds, guard.kind));
  out.mutable_reason()->set_node(guard.reason.node);
  out.mutable_reason()->set_op(guard.reason.op);
  out.mutable_reason()->set_what(guard.reason.what);
  out.mutable_reason()->set_location(guard.reason.location);
  return out;
}

}  // namespace kiln
