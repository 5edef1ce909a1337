#include "fake_runtime/graph/graph_builder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/checked_int.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "fake_runtime/symbolic/poison_error.h"

namespace kiln {
namespace {

// An argument nests lists at most this deep: the deepest schema type is T?[],
// and outputs of a graph are flat.
constexpr int kArgumentDepth = 2;

// A name that may be shown in a message, whatever bytes it has.
std::string Shown(absl::string_view name) {
  return absl::StrCat("'", absl::CHexEscape(name.substr(0, 100)), "'");
}

absl::Status BadInput(absl::string_view where, absl::string_view what) {
  return MakeError(ErrorReason::kBadInputMetadata,
                   absl::StrCat(where, ": ", what));
}

ValueClass ClassOfExpr(Expr e) {
  switch (e.type()) {
    case ExprType::kInt:
      return ValueClass::kSymInt;
    case ExprType::kFloat:
      return ValueClass::kSymFloat;
    case ExprType::kBool:
      return ValueClass::kSymBool;
  }
  return ValueClass::kSymNumber;
}

// The Python type of a symbolic operator's Scalar result: that of its widest
// operand. Known only if every operand's is and there is one.
ValueClass PromotedClass(absl::Span<const Argument> args,
                         absl::Span<const ValueClass> classes) {
  std::optional<ValueClass> result;
  for (const Argument& arg : args) {
    ValueClass c = ValueClass::kSymInt;
    if (const ValueId* id = arg.get_if<ValueId>()) c = classes[id->value];
    if (arg.get_if<double>() != nullptr) c = ValueClass::kSymFloat;
    if (c == ValueClass::kTensor || c == ValueClass::kSymNumber)
      return ValueClass::kSymNumber;
    if (c == ValueClass::kSymBool) c = ValueClass::kSymInt;
    if (result != ValueClass::kSymFloat) result = c;
  }
  return result.value_or(ValueClass::kSymNumber);
}

ValueClass ClassOfReturn(ArgType type, absl::Span<const Argument> args,
                         absl::Span<const ValueClass> classes) {
  switch (type) {
    case ArgType::kTensor:
      return ValueClass::kTensor;
    case ArgType::kInt:
    case ArgType::kSymInt:
      return ValueClass::kSymInt;
    case ArgType::kFloat:
    case ArgType::kSymFloat:
      return ValueClass::kSymFloat;
    case ArgType::kBool:
    case ArgType::kSymBool:
      return ValueClass::kSymBool;
    case ArgType::kScalar:
      return PromotedClass(args, classes);
    case ArgType::kString:
    case ArgType::kDType:
    case ArgType::kDevice:
    case ArgType::kLayout:
    case ArgType::kMemoryFormat:
    case ArgType::kGenerator:
      return ValueClass::kSymNumber;
  }
  return ValueClass::kSymNumber;
}

absl::Status CheckDim(Expr e, absl::string_view where, absl::string_view what,
                      size_t dim) {
  std::string name = absl::StrCat(what, " ", dim);
  if (e.is_poison())
    return PoisonError(e, absl::StrCat(where, ": ", name));
  if (e.type() != ExprType::kInt) {
    return MakeError(ErrorReason::kBadExpression,
                     absl::StrCat(where, ": ", name, " is ", e.ToString(),
                                  ", which is no integer"));
  }
  std::optional<int64_t> value = e.AsInt();
  if (value.has_value() && *value < 0) {
    return BadInput(where,
                    absl::StrCat(name, " is ", *value, ", which is negative"));
  }
  return absl::OkStatus();
}

// The last byte that the constant dimensions reach fits int64, and so does the
// number of elements. Symbolic dimensions count as 1; propagation checks their
// hints.
absl::Status CheckExtent(const FakeTensor& t, absl::string_view where) {
  std::optional<int64_t> numel = 1;
  std::optional<int64_t> last = t.storage_offset.AsInt().value_or(0);
  for (int d = 0; d < t.rank(); ++d) {
    int64_t size = t.sizes[d].AsInt().value_or(1);
    // An empty tensor reaches nothing.
    if (size == 0) return absl::OkStatus();
    if (numel) numel = CheckedMul(*numel, size);
    std::optional<int64_t> reach =
        CheckedMul(size - 1, t.strides[d].AsInt().value_or(0));
    last = last && reach ? CheckedAdd(*last, *reach) : std::nullopt;
  }
  int64_t width = DTypeSizeBytes(t.dtype);
  if (numel) numel = CheckedMul(*numel, width);
  if (last) last = CheckedAdd(*last, 1);
  if (last) last = CheckedMul(*last, width);
  if (numel && last) return absl::OkStatus();
  return MakeError(
      ErrorReason::kSizeOverflow,
      absl::StrCat(where, ": the bytes of ", t.ToString(), " overflow int64"));
}

// A float has a float's hint and no range, an integer an integer's.
absl::Status CheckKind(const SymbolDeclaration& s, absl::string_view where) {
  const bool is_float = s.symbol.type() == ExprType::kFloat;
  if (is_float && s.hint.has_value())
    return BadInput(where, absl::StrCat("it is a float, but its hint is the integer ", *s.hint));
  if (!is_float && s.float_hint.has_value())
    return BadInput(where, absl::StrCat("it is an integer, but its hint is the float ", *s.float_hint));
  if (is_float && !std::isfinite(s.float_hint.value_or(0)))
    return BadInput(where, absl::StrCat("its hint ", *s.float_hint, " is not finite"));
  if (is_float && !(s.range == ValueRange{}))
    return BadInput(where, absl::StrCat("a float has no range, but this has ", s.range.ToString()));
  return absl::OkStatus();
}

}  // namespace

bool IsValueName(absl::string_view name) {
  return !name.empty() && name != "_" &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '_' || c == '.';
         });
}

GraphBuilder::GraphBuilder(ExprPool* pool, SchemaLookup lookup)
    : pool_(pool), lookup_(std::move(lookup)) {}

absl::Status GraphBuilder::DeclareSymbol(SymbolDeclaration declaration) {
  std::string where = absl::StrCat("symbol ", declaration.symbol.ToString());
  if (!symbols_.insert(declaration.symbol).second) {
    return MakeError(ErrorReason::kDuplicateName,
                     absl::StrCat(where, " is declared twice"));
  }
  KILN_RETURN_IF_ERROR(
      CheckLimit(Limit::kSymbols, symbols_.size(), "the graph"));
  if (declaration.policy == DimPolicy::kStatic)
    return BadInput(where, "a symbol is never static");
  bool unbacked = declaration.policy == DimPolicy::kUnbacked;
  if (unbacked != declaration.symbol.has_unbacked()) {
    return BadInput(
        where, "names of unbacked symbols, and only those, start with 'u'");
  }
  if (unbacked && declaration.has_hint())
    return BadInput(where, "an unbacked symbol has no hint");
  KILN_RETURN_IF_ERROR(CheckKind(declaration, where));
  if (declaration.range.empty())
    return BadInput(
        where,
        absl::StrCat("its range ", declaration.range.ToString(), " is empty"));
  if (declaration.hint.has_value() &&
      !declaration.range.Contains(*declaration.hint)) {
    return BadInput(where, absl::StrCat("its hint ", *declaration.hint,
                                        " is outside its range ",
                                        declaration.range.ToString()));
  }
  graph_.symbols.push_back(std::move(declaration));
  return absl::OkStatus();
}

absl::Status GraphBuilder::CheckSymbols(Expr e, absl::string_view where) const {
  if (!e.has_symbols()) return absl::OkStatus();
  absl::Status status;
  VisitSymbols(e, [&](Expr symbol) {
    if (!status.ok() || symbols_.contains(symbol)) return;
    status = MakeError(ErrorReason::kBadExpression,
                       absl::StrCat(where, ": symbol ", symbol.ToString(),
                                    " of ", e.ToString(), " is not declared"));
  });
  return status;
}

absl::Status GraphBuilder::AddAssumption(Expr condition) {
  std::string where = absl::StrCat("assumption ", graph_.assumptions.size());
  if (condition.is_poison())
    return PoisonError(condition, where);
  if (condition.type() != ExprType::kBool) {
    return MakeError(
        ErrorReason::kBadExpression,
        absl::StrCat(where, ": ", condition.ToString(), " is not a boolean"));
  }
  KILN_RETURN_IF_ERROR(CheckSymbols(condition, where));
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kGuards, graph_.assumptions.size() + 1,
                                  "the graph's assumptions"));
  graph_.assumptions.push_back(condition);
  return absl::OkStatus();
}

absl::Status GraphBuilder::CheckTensorInput(const GraphInput& input,
                                            absl::string_view where) {
  const FakeTensor& t = std::get<FakeTensor>(input.value);
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kRank, t.rank(), where));
  if (t.strides.size() != t.sizes.size()) {
    return BadInput(where, absl::StrCat(t.strides.size(), " strides for ",
                                        t.sizes.size(), " dimensions"));
  }
  if (!input.policies.empty() && input.policies.size() != t.sizes.size()) {
    return BadInput(where, absl::StrCat(input.policies.size(), " policies for ",
                                        t.sizes.size(), " dimensions"));
  }
  for (int d = 0; d < t.rank(); ++d) {
    KILN_RETURN_IF_ERROR(CheckDim(t.sizes[d], where, "size", d));
    KILN_RETURN_IF_ERROR(CheckDim(t.strides[d], where, "stride", d));
    if (!input.policies.empty() && input.policies[d] == DimPolicy::kStatic &&
        t.sizes[d].has_symbols()) {
      return BadInput(where,
                      absl::StrCat("size ", d, " is ", t.sizes[d].ToString(),
                                   " but the dimension is static"));
    }
    KILN_RETURN_IF_ERROR(CheckSymbols(t.sizes[d], where));
    KILN_RETURN_IF_ERROR(CheckSymbols(t.strides[d], where));
  }
  KILN_RETURN_IF_ERROR(CheckDim(t.storage_offset, where, "storage offset", 0));
  KILN_RETURN_IF_ERROR(CheckSymbols(t.storage_offset, where));
  if (t.storage.value < -1 || t.storage.value > num_storages_) {
    return BadInput(where, absl::StrCat("storage ", t.storage.value,
                                        " is not that of an earlier input"));
  }
  KILN_RETURN_IF_ERROR(CheckExtent(t, where));
  return CheckStorage(input, where);
}

// What inputs say of one storage is the same, and holds them.
absl::Status GraphBuilder::CheckStorage(const GraphInput& input, absl::string_view where) {
  if (!input.storage_bytes.has_value()) return absl::OkStatus();
  const Expr bytes = *input.storage_bytes;
  const FakeTensor& t = std::get<FakeTensor>(input.value);
  if (bytes.is_poison()) return PoisonError(bytes, absl::StrCat(where, ": the bytes of its storage"));
  if (bytes.type() != ExprType::kInt) {
    return MakeError(ErrorReason::kBadExpression, absl::StrCat(where, ": the bytes of its storage are ", bytes.ToString(),
                                                               ", which is no integer"));
  }
  KILN_RETURN_IF_ERROR(CheckSymbols(bytes, where));
  const std::optional<int64_t> has = bytes.AsInt(), reaches = BytesReached(t);
  if (has.has_value() && *has < 0) return BadInput(where, absl::StrCat("its storage has ", *has, " bytes"));
  if (has.has_value() && reaches.has_value() && *reaches > *has) {
    return BadInput(where, absl::StrCat("it reaches ", *reaches, " bytes into a storage of ", *has));
  }
  const Expr said = storage_bytes_.try_emplace(t.storage.value == -1 ? num_storages_ : t.storage.value, bytes).first->second;
  if (said == bytes) return absl::OkStatus();
  return BadInput(where, absl::StrCat("its storage has ", bytes.ToString(), " bytes, but an earlier input that shares it says ",
                                      said.ToString()));
}

absl::Status GraphBuilder::AddInput(GraphInput input) {
  std::string where =
      absl::StrCat("input ", graph_.inputs.size(), " (",
                   absl::CHexEscape(input.name.substr(0, 100)), ")");
  KILN_RETURN_IF_ERROR(
      CheckLimit(Limit::kGraphInputs, graph_.inputs.size() + 1, "the graph"));
  if (std::holds_alternative<std::monostate>(input.value))
    return BadInput(where, "it has neither tensor nor scalar");
  ValueClass value_class = ValueClass::kTensor;
  if (FakeTensor* t = std::get_if<FakeTensor>(&input.value)) {
    KILN_RETURN_IF_ERROR(CheckTensorInput(input, where));
    if (t->storage.value == -1) t->storage.value = num_storages_;
    num_storages_ = std::max(num_storages_, t->storage.value + 1);
  } else {
    Expr e = std::get<Expr>(input.value);
    if (e.is_poison())
      return PoisonError(e, where);
    KILN_RETURN_IF_ERROR(CheckSymbols(e, where));
    if (!input.policies.empty())
      return BadInput(where, "a symbolic scalar has no dimensions");
    if (input.storage_bytes.has_value())
      return BadInput(where, "a symbolic scalar has no storage");
    value_class = ClassOfExpr(e);
  }
  absl::StatusOr<ValueId> id = Define(input.name, value_class);
  if (!id.ok()) return AddContext(id.status(), where);
  graph_.inputs.push_back(std::move(input));
  return absl::OkStatus();
}

absl::StatusOr<ValueId> GraphBuilder::Find(absl::string_view name) const {
  auto it = values_.find(name);
  if (it != values_.end()) return it->second;
  if (announced_.contains(name)) {
    return MakeError(ErrorReason::kGraphCycle,
                     absl::StrCat("value ", Shown(name),
                                  " is used before the node that defines it"));
  }
  return MakeError(
      ErrorReason::kDanglingValue,
      absl::StrCat("value ", Shown(name), " is not defined anywhere"));
}

absl::StatusOr<ValueId> GraphBuilder::Define(absl::string_view name,
                                             ValueClass value_class) {
  ValueId id{graph_.num_values()};
  KILN_RETURN_IF_ERROR(
      CheckLimit(Limit::kStringBytes, name.size(), "a value's name"));
  if (!name.empty()) {
    if (name == "_")
      return MakeError(ErrorReason::kMalformedMessage, "a value is named '_', which stands for one that nothing uses");
    if (!IsValueName(name)) {
      return MakeError(
          ErrorReason::kMalformedMessage,
          absl::StrCat(
              "value name ", Shown(name),
              " has characters other than letters, digits, '_' and '.'"));
    }
    if (!values_.emplace(std::string(name), id).second) {
      return MakeError(
          ErrorReason::kDuplicateName,
          absl::StrCat("value ", Shown(name), " is defined twice"));
    }
  }
  graph_.value_names.emplace_back(name);
  classes_.push_back(value_class);
  return id;
}

absl::Status GraphBuilder::DefineOutputs(const OpSchema& schema,
                                         std::vector<OutputNames> outputs,
                                         Node& node) {
  if (outputs.size() != schema.returns.size()) {
    return MakeError(
        ErrorReason::kBadArgumentCount,
        absl::StrCat("it defines ", outputs.size(), " results but returns ",
                     schema.returns.size(), "; schema: ", schema.ToString()));
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    const ReturnSchema& ret = schema.returns[i];
    OutputNames& names = outputs[i];
    if (names.is_list != ret.is_list ||
        (!ret.is_list && names.names.size() > 1)) {
      return MakeError(ErrorReason::kBadArgumentType,
                       absl::StrCat("result ", i, " is ",
                                    names.is_list ? "a list" : "no list",
                                    " of ", names.names.size(),
                                    " names; schema: ", schema.ToString()));
    }
    KILN_RETURN_IF_ERROR(CheckLimit(Limit::kListLength, names.names.size(),
                                    "a list of results"));
    if (!ret.is_list && names.names.empty()) names.names.emplace_back();
    ValueClass value_class = ClassOfReturn(ret.type, node.args, classes_);
    NodeOutput& out = node.outputs.emplace_back();
    out.is_list = ret.is_list;
    for (const std::string& name : names.names) {
      KILN_ASSIGN_OR_RETURN(ValueId id, Define(name, value_class));
      out.values.push_back(id);
    }
  }
  return absl::OkStatus();
}

absl::Status GraphBuilder::CheckArguments(absl::Span<const Argument> args,
                                          absl::string_view where, int depth) {
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kListLength, args.size(), where));
  for (const Argument& arg : args) {
    if (arg.get_if<ValueId>() != nullptr) ++num_edges_;
    if (const std::string* text = arg.get_if<std::string>()) {
      KILN_RETURN_IF_ERROR(
          CheckLimit(Limit::kStringBytes, text->size(), where));
    }
    if (const ArgumentList* list = arg.get_if<ArgumentList>()) {
      if (depth == 0)
        return MakeError(ErrorReason::kBadArgumentType,
                         absl::StrCat(where, ": lists nest too deeply"));
      KILN_RETURN_IF_ERROR(CheckArguments(*list, where, depth - 1));
    }
  }
  return absl::OkStatus();
}

absl::Status GraphBuilder::AddNode(absl::string_view op,
                                   std::vector<NamedArgument> args,
                                   std::vector<OutputNames> outputs,
                                   std::string location) {
  std::string where =
      DescribeNode(num_nodes(), absl::CHexEscape(op.substr(0, 200)), location);
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kGraphNodes, num_nodes() + 1, where));
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kStringBytes, location.size(), where));
  const OpSchema* schema = lookup_(op);
  if (schema == nullptr)
    return MakeError(ErrorReason::kUnknownOp,
                     absl::StrCat(where, ": no such operator in the op table, which has what "
                                        "PyTorch decomposes into: make_fx writes aten.matmul as aten.mm or aten.bmm"));

  absl::StatusOr<std::vector<Argument>> normal =
      NormalizeArguments(*schema, std::move(args),
                         [this](ValueId id) { return classes_[id.value]; });
  if (!normal.ok()) return AddContext(normal.status(), where);
  KILN_RETURN_IF_ERROR(CheckArguments(*normal, where, kArgumentDepth));
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kGraphEdges, num_edges_, where));

  Node node;
  node.op = schema;
  node.args = *std::move(normal);
  node.location = std::move(location);
  absl::Status defined = DefineOutputs(*schema, std::move(outputs), node);
  if (!defined.ok()) return AddContext(defined, where);
  graph_.nodes.push_back(std::move(node));
  return absl::OkStatus();
}

absl::StatusOr<Graph> GraphBuilder::Finish(std::vector<Argument> outputs) && {
  KILN_RETURN_IF_ERROR(CheckArguments(outputs, "the graph's outputs", 0));
  KILN_RETURN_IF_ERROR(
      CheckLimit(Limit::kGraphEdges, num_edges_, "the graph's outputs"));
  graph_.outputs = std::move(outputs);
  return std::move(graph_);
}

}  // namespace kiln
