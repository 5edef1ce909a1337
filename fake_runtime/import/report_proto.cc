#include "fake_runtime/import/report_proto.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "fake_runtime/graph/graph.h"
#include "fake_runtime/graph/literal_text.h"
#include "fake_runtime/import/wire_enums.h"
#include "fake_runtime/report/print_table.h"
#include "fake_runtime/tensor/device.h"
#include "fake_runtime/tensor/dtype.h"

namespace kiln {
namespace {

using Response = v1::PropagateResponse;
using Strings = std::vector<std::string>;

absl::Status Malformed(absl::string_view what) {
  return MakeError(ErrorReason::kMalformedMessage, absl::StrCat("the reply to Propagate: ", what));
}

// --- to the wire

v1::SymExpr ExportText(const std::string& text) {
  v1::SymExpr out;
  int64_t value = 0;
  if (absl::SimpleAtoi(text, &value)) {
    out.set_value(value);
  } else {
    out.set_expr(text);
  }
  return out;
}

void ExportTensor(const ValueReport& value, Response::Value& out) {
  v1::TensorMeta& meta = *out.mutable_tensor();
  if (std::optional<DType> dtype = ParseDType(value.dtype)) meta.set_dtype(GetDTypeRow(*dtype).wire_id);
  for (const std::string& size : value.sizes) *meta.add_sizes() = ExportText(size);
  for (const std::string& stride : value.strides) *meta.add_strides() = ExportText(stride);
  if (value.offset != "0") *meta.mutable_storage_offset() = ExportText(value.offset);
  if (absl::StatusOr<Device> device = Device::Parse(value.device); device.ok()) {
    meta.mutable_device()->set_type(device->type);
    if (device->index >= 0) meta.mutable_device()->set_index(device->index);
  }
  meta.set_layout(v1::LAYOUT_STRIDED);
  meta.set_requires_grad(value.requires_grad);
  out.set_conj(value.conj);
  out.set_neg(value.neg);
  out.set_constant(value.constant);
}

void ExportValue(const ValueReport& value, int id, Response::Value& out) {
  out.set_id(id);
  out.set_name(value.name);
  out.set_storage(value.storage);
  if (value.alias_of >= 0) out.set_alias_of(value.alias_of);
  if (value.kind == ValueReport::Kind::kTensor) ExportTensor(value, out);
  if (value.kind != ValueReport::Kind::kTensor && value.kind != ValueReport::Kind::kNone) {
    out.set_scalar(value.scalar);
    out.set_scalar_type(std::string(ValueKindName(value.kind)));
  }
}

void ExportNode(const NodeReport& node, Response::Node& out) {
  out.set_target(node.op);
  out.set_text(node.text);
  out.set_location(node.location);
  for (int use : node.uses) out.add_uses(use);
  for (const NodeReport::Result& result : node.results) {
    Response::Result& r = *out.add_results();
    r.set_is_list(result.is_list);
    for (int value : result.values) r.add_values(value);
  }
}

void ExportFact(const FactReport& fact, v1::Guard& out) {
  out.set_condition(fact.condition);
  out.set_kind(NameToWire(kWireGuardKinds, GuardKindName, fact.kind));
  out.mutable_reason()->set_node(fact.node);
  out.mutable_reason()->set_op(fact.op);
  out.mutable_reason()->set_what(fact.what);
  out.mutable_reason()->set_location(fact.location);
}

void ExportSymbol(const SymbolReport& symbol, Response::Symbol& out) {
  out.set_name(symbol.name);
  if (symbol.hint.has_value()) out.set_hint(*symbol.hint);
  if (symbol.float_hint.has_value()) out.set_float_hint(*symbol.float_hint);
  out.set_policy(NameToWire(kWirePolicies, PolicyText, symbol.policy));
  out.set_declared_range(symbol.declared_range);
  out.set_range(symbol.range);
  out.set_is_size(symbol.is_size);
  out.set_value(symbol.value);
}

// --- from the wire

std::string ImportText(const v1::SymExpr& e) {
  return e.kind_case() == v1::SymExpr::kExpr ? e.expr() : absl::StrCat(e.value());
}

absl::Status ImportTensor(const Response::Value& value, ValueReport& out) {
  const v1::TensorMeta& meta = value.tensor();
  const std::optional<DType> dtype = DTypeFromWireId(meta.dtype());
  if (!dtype.has_value()) {
    return MakeError(ErrorReason::kUnsupportedDtype, absl::StrCat("the reply to Propagate has dtype ", meta.dtype()));
  }
  out.kind = ValueReport::Kind::kTensor;
  out.dtype = std::string(DTypeText(*dtype));
  for (const v1::SymExpr& e : meta.sizes()) out.sizes.push_back(ImportText(e));
  for (const v1::SymExpr& e : meta.strides()) out.strides.push_back(ImportText(e));
  if (meta.has_storage_offset()) out.offset = ImportText(meta.storage_offset());
  out.device = Device{meta.device().type(), meta.device().has_index() ? meta.device().index() : -1}.ToString();
  out.requires_grad = meta.requires_grad();
  out.conj = value.conj();
  out.neg = value.neg();
  out.constant = value.constant();
  return absl::OkStatus();
}

class Importer {
 public:
  explicit Importer(const Response& response) : response_(response) {}

  absl::StatusOr<PropagationReport> Import() {
    report_.graph = response_.graph_name();
    KILN_RETURN_IF_ERROR(ImportValues());
    for (const Response::Input& input : response_.inputs()) ImportInput(input);
    for (const Response::Node& node : response_.nodes()) KILN_RETURN_IF_ERROR(ImportNode(node));
    KILN_ASSIGN_OR_RETURN(report_.outputs, Numbers(response_.outputs()));
    for (const Response::Symbol& symbol : response_.symbols()) ImportSymbol(symbol);
    report_.assumptions.assign(response_.assumptions().begin(), response_.assumptions().end());
    report_.guards = Facts(response_.guards());
    report_.recorded_guards = Facts(response_.recorded_guards());
    report_.runtime_asserts = Facts(response_.runtime_asserts());
    return std::move(report_);
  }

 private:
  absl::StatusOr<int> Number(int value) const {
    if (value >= 0 && value < response_.num_values()) return value;
    return Malformed(absl::StrCat("there is no value ", value, " among ", response_.num_values()));
  }

  template <typename List>
  absl::StatusOr<std::vector<int>> Numbers(const List& list) const {
    std::vector<int> out;
    for (int value : list) {
      KILN_ASSIGN_OR_RETURN(int number, Number(value));
      out.push_back(number);
    }
    return out;
  }

  absl::Status ImportValues() {
    // A result that is None costs no byte, so their number is not bounded by the
    // message's size.
    constexpr int kMaxValues = 1 << 22;
    if (response_.num_values() < response_.inputs_size() || response_.num_values() > kMaxValues) {
      return Malformed(absl::StrCat(response_.num_values(), " values"));
    }
    report_.values.resize(response_.num_values());
    for (const Response::Value& value : response_.values()) {
      KILN_ASSIGN_OR_RETURN(int id, Number(value.id()));
      ValueReport& out = report_.values[id];
      out.name = value.name();
      out.storage = value.storage();
      if (value.has_alias_of()) {
        KILN_ASSIGN_OR_RETURN(out.alias_of, Number(value.alias_of()));
      }
      if (value.has_tensor()) KILN_RETURN_IF_ERROR(ImportTensor(value, out));
      for (ValueReport::Kind kind : {ValueReport::Kind::kInt, ValueReport::Kind::kFloat, ValueReport::Kind::kBool}) {
        if (ValueKindName(kind) == value.scalar_type()) out.kind = kind;
      }
      out.scalar = value.scalar();
    }
    return absl::OkStatus();
  }

  void ImportInput(const Response::Input& input) {
    InputReport& out = report_.inputs.emplace_back();
    out.kind = std::string(NameFromWire(kWireInputKinds, InputKindName, input.kind()));
    out.donated = input.donated();
    out.constant = input.constant();
    out.data_written = input.data_written();
    out.metadata_changed = input.metadata_changed();
  }

  absl::Status ImportNode(const Response::Node& node) {
    NodeReport& out = report_.nodes.emplace_back();
    out.op = node.target();
    out.text = node.text();
    out.location = node.location();
    KILN_ASSIGN_OR_RETURN(out.uses, Numbers(node.uses()));
    for (const Response::Result& result : node.results()) {
      NodeReport::Result& r = out.results.emplace_back();
      r.is_list = result.is_list();
      KILN_ASSIGN_OR_RETURN(r.values, Numbers(result.values()));
    }
    return absl::OkStatus();
  }

  void ImportSymbol(const Response::Symbol& symbol) {
    SymbolReport& out = report_.symbols.emplace_back();
    out.name = symbol.name();
    if (symbol.has_hint()) out.hint = symbol.hint();
    if (symbol.has_float_hint()) out.float_hint = symbol.float_hint();
    out.policy = std::string(NameFromWire(kWirePolicies, PolicyText, symbol.policy()));
    out.declared_range = symbol.declared_range();
    out.range = symbol.range();
    out.is_size = symbol.is_size();
    out.value = symbol.value();
  }

  static std::vector<FactReport> Facts(const google::protobuf::RepeatedPtrField<v1::Guard>& guards) {
    std::vector<FactReport> out;
    for (const v1::Guard& guard : guards) {
      const v1::GuardReason& why = guard.reason();
      FactReport& fact = out.emplace_back(
          FactReport{guard.condition(), "", why.node(), why.op(), why.what(), why.location()});
      fact.kind = std::string(NameFromWire(kWireGuardKinds, GuardKindName, guard.kind()));
    }
    return out;
  }

  const Response& response_;
  PropagationReport report_;
};

}  // namespace

v1::PropagateResponse ExportReport(const PropagationReport& report) {
  Response response;
  response.set_graph_name(report.graph);
  response.set_num_values(static_cast<int>(report.values.size()));
  for (size_t v = 0; v < report.values.size(); ++v) {
    if (report.values[v].kind == ValueReport::Kind::kNone) continue;
    ExportValue(report.values[v], static_cast<int>(v), *response.add_values());
  }
  for (const InputReport& input : report.inputs) {
    Response::Input& out = *response.add_inputs();
    out.set_kind(NameToWire(kWireInputKinds, InputKindName, input.kind));
    out.set_donated(input.donated);
    out.set_constant(input.constant);
    out.set_data_written(input.data_written);
    out.set_metadata_changed(input.metadata_changed);
  }
  for (const NodeReport& node : report.nodes) ExportNode(node, *response.add_nodes());
  for (int output : report.outputs) response.add_outputs(output);
  for (const SymbolReport& symbol : report.symbols) ExportSymbol(symbol, *response.add_symbols());
  for (const std::string& assumption : report.assumptions) response.add_assumptions(assumption);
  for (const FactReport& fact : report.guards) ExportFact(fact, *response.add_guards());
  for (const FactReport& fact : report.recorded_guards) ExportFact(fact, *response.add_recorded_guards());
  for (const FactReport& fact : report.runtime_asserts) ExportFact(fact, *response.add_runtime_asserts());
  response.set_table(PrintTable(report));
  return response;
}

absl::StatusOr<PropagationReport> ImportReport(const v1::PropagateResponse& response) {
  return Importer(response).Import();
}

}  // namespace kiln
