#include "fake_runtime/import/import_graph.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "fake_runtime/import/metadata_proto.h"
#include "fake_runtime/import/wire_enums.h"
#include "fake_runtime/ops/refused_ops.h"

namespace kiln {
namespace {

// T?[] is the deepest list that a schema has.
constexpr int kArgumentDepth = 2;

absl::Status Malformed(absl::string_view what) {
  return MakeError(ErrorReason::kMalformedMessage, what);
}

absl::StatusOr<Argument> ImportLayoutArgument(v1::Layout layout) {
  switch (layout) {
    case v1::LAYOUT_STRIDED:
      return Argument(Layout::kStrided);
    case v1::LAYOUT_SPARSE_COO:
      return Argument(Layout::kSparseCoo);
    default:
      return Malformed(absl::StrCat("layout ", static_cast<int>(layout),
                                    " is unspecified or unknown"));
  }
}

absl::StatusOr<Argument> ImportMemoryFormat(v1::MemoryFormat format) {
  switch (format) {
    case v1::MEMORY_FORMAT_CONTIGUOUS:
      return Argument(MemoryFormat::kContiguous);
    case v1::MEMORY_FORMAT_CHANNELS_LAST:
      return Argument(MemoryFormat::kChannelsLast);
    case v1::MEMORY_FORMAT_CHANNELS_LAST_3D:
      return Argument(MemoryFormat::kChannelsLast3d);
    case v1::MEMORY_FORMAT_PRESERVE:
      return Argument(MemoryFormat::kPreserve);
    default:
      return Malformed(absl::StrCat("memory format ", static_cast<int>(format),
                                    " is unspecified or unknown"));
  }
}

class Importer {
 public:
  Importer(const v1::Graph& source, ExprPool* pool, const OpCatalog& ops)
      : source_(source), pool_(pool), ops_(ops), builder_(pool, ops.find) {}

  absl::StatusOr<Graph> Run() {
    KILN_RETURN_IF_ERROR(CheckCounts());
    builder_.SetName(source_.name().empty() ? "main" : source_.name());
    for (const v1::SymbolDeclaration& symbol : source_.symbols())
      KILN_RETURN_IF_ERROR(ReadSymbol(symbol));
    for (int i = 0; i < source_.inputs_size(); ++i) {
      absl::Status status = ReadInput(source_.inputs(i));
      if (!status.ok()) return WithInput(status, i);
    }
    for (const std::string& text : source_.assumptions())
      KILN_RETURN_IF_ERROR(ReadAssumption(text));
    AnnounceDefinitions();
    for (const v1::Node& node : source_.nodes())
      KILN_RETURN_IF_ERROR(ReadNode(node));
    return ReadOutputs();
  }

 private:
  // Before anything is built: a message over the limits costs nothing.
  absl::Status CheckCounts() const {
    if (!source_.name().empty() && !IsValueName(source_.name()))
      return Malformed(
          "the graph's name has characters other than letters, digits, '_' and "
          "'.'");
    KILN_RETURN_IF_ERROR(CheckLimit(Limit::kStringBytes, source_.name().size(),
                                    "the graph's name"));
    KILN_RETURN_IF_ERROR(
        CheckLimit(Limit::kSymbols, source_.symbols_size(), "the graph"));
    KILN_RETURN_IF_ERROR(CheckLimit(Limit::kGuards, source_.assumptions_size(),
                                    "the graph's assumptions"));
    KILN_RETURN_IF_ERROR(
        CheckLimit(Limit::kGraphInputs, source_.inputs_size(), "the graph"));
    return CheckLimit(Limit::kGraphNodes, source_.nodes_size(), "the graph");
  }

  // Builder errors name the input already.
  absl::Status WithInput(const absl::Status& status, int index) const {
    if (absl::StartsWith(status.message(), "input ")) return status;
    return AddContext(
        status, absl::StrCat("input ", index, " (",
                             absl::CHexEscape(
                                 source_.inputs(index).name().substr(0, 100)),
                             ")"));
  }

  absl::Status ReadSymbol(const v1::SymbolDeclaration& symbol) {
    std::string where = absl::StrCat(
        "symbol '", absl::CHexEscape(symbol.name().substr(0, 100)), "'");
    KILN_RETURN_IF_ERROR(
        CheckLimit(Limit::kStringBytes, symbol.name().size(), where));
    absl::StatusOr<Expr> parsed = pool_->Parse(symbol.name());
    if (!parsed.ok() || parsed->kind() != ExprKind::kSymbol ||
        parsed->symbol_name() != symbol.name()) {
      return Malformed(absl::StrCat(where, " is no name for a symbol"));
    }
    SymbolDeclaration s;
    s.symbol = *parsed;
    if (symbol.has_hint()) s.hint = symbol.hint();
    if (symbol.has_float_hint()) s.float_hint = symbol.float_hint();
    if (symbol.has_lower()) s.range.lower = symbol.lower();
    if (symbol.has_upper()) s.range.upper = symbol.upper();
    absl::StatusOr<DimPolicy> policy = ImportPolicy(symbol.policy());
    if (!policy.ok()) return AddContext(policy.status(), where);
    s.policy = *policy;
    return builder_.DeclareSymbol(std::move(s));
  }

  absl::Status ReadAssumption(const std::string& text) {
    v1::SymExpr expr;
    expr.set_expr(text);
    absl::StatusOr<Expr> condition = ImportExpr(expr, pool_);
    if (!condition.ok()) return AddContext(condition.status(), "an assumption");
    return builder_.AddAssumption(*condition);
  }

  absl::Status ReadInput(const v1::Input& input) {
    GraphInput out;
    out.name = input.name();
    if (out.name.empty()) return Malformed("it has no name");
    KILN_ASSIGN_OR_RETURN(out.kind, FromWire(kWireInputKinds, input.kind(), "its kind"));
    out.donated = input.donated();
    out.constant = input.constant();
    switch (input.type_case()) {
      case v1::Input::kTensor:
        return ReadTensorInput(input, std::move(out));
      case v1::Input::kSymInt:
        return ReadScalarInput(input, input.sym_int(), ExprType::kInt, std::move(out));
      case v1::Input::kSymFloat:
        return ReadScalarInput(input, input.sym_float(), ExprType::kFloat, std::move(out));
      case v1::Input::TYPE_NOT_SET:
        return Malformed("it has neither tensor nor sym_int nor sym_float");
    }
    return Malformed("it is of an unknown type");
  }

  absl::Status ReadTensorInput(const v1::Input& input, GraphInput out) {
    KILN_RETURN_IF_ERROR(
        CheckLimit(Limit::kRank, input.tensor().sizes_size(), "sizes"));
    KILN_RETURN_IF_ERROR(
        CheckLimit(Limit::kRank, input.tensor().strides_size(), "strides"));
    KILN_ASSIGN_OR_RETURN(FakeTensor t,
                          ImportTensorMeta(input.tensor(), pool_));
    if (t.layout != Layout::kStrided)
      return MakeError(ErrorReason::kUnsupportedGraph,
                       "its layout is not strided");
    KILN_ASSIGN_OR_RETURN(out.policies, ImportPolicies(input.tensor()));
    if (input.has_storage_bytes()) {
      absl::StatusOr<Expr> bytes = ImportExpr(input.storage_bytes(), pool_);
      if (!bytes.ok()) return AddContext(bytes.status(), "the bytes of its storage");
      out.storage_bytes = *bytes;
    }
    auto known = storage_of_class_.find(input.alias_class());
    if (input.alias_class() != 0 && known != storage_of_class_.end())
      t.storage = known->second;
    out.value = std::move(t);
    KILN_RETURN_IF_ERROR(builder_.AddInput(std::move(out)));
    storage_of_class_[input.alias_class()] =
        std::get<FakeTensor>(builder_.graph().inputs.back().value).storage;
    return absl::OkStatus();
  }

  absl::Status ReadScalarInput(const v1::Input& input, const v1::SymExpr& value,
                               ExprType type, GraphInput out) {
    if (input.alias_class() != 0)
      return MakeError(ErrorReason::kBadInputMetadata,
                       "a symbolic scalar has no alias class");
    if (input.has_storage_bytes())
      return MakeError(ErrorReason::kBadInputMetadata,
                       "a symbolic scalar has no storage");
    KILN_ASSIGN_OR_RETURN(Expr e, ImportExpr(value, pool_));
    if (e.type() != type) {
      const bool is_int = type == ExprType::kInt;
      return MakeError(
          ErrorReason::kBadExpression,
          absl::StrCat(is_int ? "sym_int is " : "sym_float is ", e.ToString(),
                       ", which is no ", is_int ? "integer" : "float"));
    }
    out.value = e;
    return builder_.AddInput(std::move(out));
  }

  void AnnounceDefinitions() {
    for (const v1::Node& node : source_.nodes()) {
      for (const v1::Output& output : node.outputs()) {
        for (const std::string& name : output.names()) builder_.Announce(name);
      }
    }
  }

  absl::Status ReadNode(const v1::Node& node) {
    absl::StatusOr<std::string> location = Location(node.location());
    absl::Status status = location.status();
    std::vector<NamedArgument> args;
    if (status.ok()) status = CheckRefused(ops_.refused, node.target());
    if (status.ok()) status = ReadArguments(node, args);
    if (!status.ok()) return AddContext(status, Describe(node));
    std::vector<OutputNames> outputs(node.outputs_size());
    for (int i = 0; i < node.outputs_size(); ++i) {
      outputs[i].is_list = node.outputs(i).is_list();
      outputs[i].names.assign(node.outputs(i).names().begin(),
                              node.outputs(i).names().end());
    }
    return builder_.AddNode(node.target(), std::move(args), std::move(outputs),
                            *std::move(location));
  }

  std::string Describe(const v1::Node& node) const {
    absl::StatusOr<std::string> location = Location(node.location());
    return DescribeNode(builder_.num_nodes(),
                        absl::CHexEscape(node.target().substr(0, 200)),
                        location.ok() ? *location : "");
  }

  // A location is one line of text: it stands in error messages and behind '#'
  // in the text form.
  absl::StatusOr<std::string> Location(int index) const {
    if (index == 0) return std::string();
    if (index < 0 || index > source_.locations_size()) {
      return Malformed(absl::StrCat("location ", index,
                                    " is outside the table of ",
                                    source_.locations_size()));
    }
    const std::string& text = source_.locations(index - 1);
    KILN_RETURN_IF_ERROR(CheckLimit(Limit::kStringBytes, text.size(),
                                    absl::StrCat("location ", index)));
    if (std::any_of(text.begin(), text.end(),
                    [](unsigned char c) { return absl::ascii_iscntrl(c); })) {
      return Malformed(
          absl::StrCat("location ", index, " has control characters"));
    }
    return std::string(absl::StripAsciiWhitespace(text));
  }

  absl::Status ReadArguments(const v1::Node& node,
                             std::vector<NamedArgument>& args) {
    KILN_RETURN_IF_ERROR(
        CheckLimit(Limit::kListLength, node.inputs_size(), "the arguments"));
    args.reserve(node.inputs_size());
    for (int i = 0; i < node.inputs_size(); ++i) {
      const v1::NamedArgument& input = node.inputs(i);
      absl::StatusOr<Argument> value =
          ReadArgument(input.value(), kArgumentDepth);
      if (!value.ok())
        return AddContext(value.status(), absl::StrCat("argument ", i));
      args.push_back({input.name(), *std::move(value)});
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Argument> ReadArgument(const v1::Argument& arg, int depth) {
    switch (arg.kind_case()) {
      case v1::Argument::kNone:
        return arg.none() ? absl::StatusOr<Argument>(Argument(None{}))
                          : Malformed("none is false");
      case v1::Argument::kValue:
        return ReadValue(arg.value());
      case v1::Argument::kInt:
        return Argument(static_cast<int64_t>(arg.int_()));
      case v1::Argument::kFloat:
        return Argument(arg.float_());
      case v1::Argument::kBool:
        return Argument(arg.bool_());
      case v1::Argument::kString:
        return Argument(arg.string());
      case v1::Argument::kDtype:
        return ReadDType(arg.dtype());
      case v1::Argument::kDevice:
        return ReadDevice(arg.device());
      case v1::Argument::kLayout:
        return ImportLayoutArgument(arg.layout());
      case v1::Argument::kMemoryFormat:
        return ImportMemoryFormat(arg.memory_format());
      case v1::Argument::kList:
        return ReadList(arg.list(), depth);
      case v1::Argument::kGraph:
        return MakeError(ErrorReason::kUnsupportedGraph,
                         "subgraphs are not supported");
      case v1::Argument::kComplex:
        return MakeError(ErrorReason::kUnsupportedGraph,
                         "complex literals are not supported");
      case v1::Argument::KIND_NOT_SET:
        return Malformed("it is unset");
    }
    return Malformed("it is of an unknown kind");
  }

  absl::StatusOr<Argument> ReadValue(const std::string& name) {
    KILN_ASSIGN_OR_RETURN(ValueId id, builder_.Find(name));
    return Argument(id);
  }

  static absl::StatusOr<Argument> ReadDType(int wire_id) {
    KILN_ASSIGN_OR_RETURN(DType dtype, ImportDType(wire_id));
    return Argument(dtype);
  }

  static absl::StatusOr<Argument> ReadDevice(const v1::Device& proto) {
    KILN_ASSIGN_OR_RETURN(Device device, ImportDevice(proto));
    return Argument(std::move(device));
  }

  absl::StatusOr<Argument> ReadList(const v1::ArgumentList& list, int depth) {
    if (depth == 0)
      return MakeError(ErrorReason::kBadArgumentType, "lists nest too deeply");
    KILN_RETURN_IF_ERROR(
        CheckLimit(Limit::kListLength, list.items_size(), "a list"));
    ArgumentList items;
    items.reserve(list.items_size());
    for (const v1::Argument& item : list.items()) {
      KILN_ASSIGN_OR_RETURN(Argument value, ReadArgument(item, depth - 1));
      items.push_back(std::move(value));
    }
    return Argument(std::move(items));
  }

  absl::StatusOr<Graph> ReadOutputs() {
    KILN_RETURN_IF_ERROR(CheckLimit(Limit::kListLength, source_.outputs_size(),
                                    "the graph's outputs"));
    std::vector<Argument> outputs;
    for (int i = 0; i < source_.outputs_size(); ++i) {
      absl::StatusOr<Argument> value = ReadArgument(source_.outputs(i), 0);
      if (!value.ok())
        return AddContext(value.status(), absl::StrCat("output ", i));
      outputs.push_back(*std::move(value));
    }
    return std::move(builder_).Finish(std::move(outputs));
  }

  const v1::Graph& source_;
  ExprPool* pool_;
  const OpCatalog& ops_;
  GraphBuilder builder_;
  absl::flat_hash_map<int, StorageId> storage_of_class_;
};

}  // namespace

absl::StatusOr<Graph> ImportGraph(const v1::Graph& graph, ExprPool* pool,
                                  const OpCatalog& ops) {
  return Importer(graph, pool, ops).Run();
}

absl::StatusOr<Graph> ImportModule(const v1::GraphModule& module,
                                   ExprPool* pool, const OpCatalog& ops) {
  if (module.dialect() != "aten") {
    return MakeError(
        ErrorReason::kUnsupportedGraph,
        absl::StrCat("dialect '",
                     absl::CHexEscape(module.dialect().substr(0, 100)),
                     "' is not 'aten'"));
  }
  if (module.graphs_size() != 1 || module.entry() != 0) {
    return MakeError(
        ErrorReason::kUnsupportedGraph,
        absl::StrCat("the module has ", module.graphs_size(),
                     " graphs and entry ", module.entry(),
                     "; only one graph, with entry 0, is supported"));
  }
  return ImportGraph(module.graphs(0), pool, ops);
}

}  // namespace kiln
