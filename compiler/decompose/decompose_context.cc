#include "compiler/decompose/decompose_context.h"

#include <variant>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

ValueClass ClassOf(const FakeValue& value) {
  const Expr* e = std::get_if<Expr>(&value);
  if (e == nullptr) return ValueClass::kTensor;
  if (e->type() == ExprType::kBool) return ValueClass::kSymBool;
  return e->type() == ExprType::kFloat ? ValueClass::kSymFloat : ValueClass::kSymInt;
}

}  // namespace

DecomposeContext::DecomposeContext(FakeGraph& fake, const OpSchema& op, std::vector<Argument> args,
                                   std::string location, Surroundings surroundings)
    : fake_(fake),
      op_(op),
      args_(std::move(args)),
      location_(std::move(location)),
      surroundings_(surroundings) {}

const Node* DecomposeContext::ProducerOf(int i) const {
  const ValueId* id = args_[i].get_if<ValueId>();
  const absl::Span<const int> producers = surroundings_.producers;
  const bool is_known = id != nullptr && id->value < static_cast<int>(producers.size());
  return is_known && producers[id->value] >= 0 ? &fake_.graph.nodes[producers[id->value]] : nullptr;
}

absl::StatusOr<std::vector<ValueId>> DecomposeContext::TryCall(absl::string_view op, std::vector<CallArg> args,
                                                               int num_results) {
  const OpSchema* schema = FindOpSchema(op);
  if (schema == nullptr) return MakeError(ErrorReason::kUnknownOp, absl::StrCat(op, " has no row in the op table"));
  Node node;
  node.op = schema;
  node.location = location_;
  std::vector<NamedArgument> named(args.begin(), args.end());
  KILN_ASSIGN_OR_RETURN(
      node.args, NormalizeArguments(*schema, std::move(named), [this](ValueId v) { return ClassOf(fake_.values[v.value]); }));
  std::vector<ValueId> results;
  for (int i = 0; i < num_results; ++i) {
    ValueId id{fake_.graph.num_values()};
    fake_.graph.value_names.emplace_back();
    fake_.values.emplace_back();
    node.outputs.push_back({false, {id}});
    results.push_back(id);
  }
  fake_.graph.nodes.push_back(std::move(node));
  KILN_RETURN_IF_ERROR(PropagateNode(fake_, static_cast<int>(fake_.graph.nodes.size()) - 1));
  return results;
}

std::vector<ValueId> DecomposeContext::CallN(absl::string_view op, std::vector<CallArg> args, int num_results) {
  // Value 0 exists wherever a node has a tensor, so that what comes after a
  // failure still has something to look at.
  std::vector<ValueId> nothing(num_results, ValueId{args_.empty() || !args_[0].get_if<ValueId>() ? 0 : Value(0).value});
  if (!status_.ok()) return nothing;
  absl::StatusOr<std::vector<ValueId>> results = TryCall(op, std::move(args), num_results);
  if (results.ok()) return *std::move(results);
  status_ = AddContext(results.status(), absl::StrCat("in the decomposition of ", op_.name));
  return nothing;
}

Argument DecomposeContext::Size(ValueId v, int dim) {
  Expr size = fake_.env->Simplify(Tensor(v).sizes[dim]);
  if (std::optional<int64_t> i = size.AsInt(); i.has_value()) return Argument(*i);
  return Argument(Call("aten.sym_size.int", {v, dim}));
}

ValueId DecomposeContext::Cast(ValueId v, DType dtype) {
  if (Tensor(v).dtype == dtype) return v;
  return Call("aten._to_copy.default", {v, {"dtype", dtype}});
}

}  // namespace kiln
