#include "fake_runtime/report_propagation.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "fake_runtime/graph/literal_text.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/report/print_table.h"

namespace kiln {
namespace {

std::vector<std::string> Texts(absl::Span<const Expr> exprs) {
  std::vector<std::string> out;
  out.reserve(exprs.size());
  for (Expr e : exprs) out.push_back(e.ToString());
  return out;
}

std::string TextOf(const ScalarValue& value) {
  switch (value.type) {
    case ExprType::kInt: return absl::StrCat(value.i);
    case ExprType::kFloat: return absl::StrCat(value.f);
    case ExprType::kBool: return value.i != 0 ? "true" : "false";
  }
  return "";
}

ValueReport ReportTensor(const FakeTensor& t) {
  ValueReport out;
  out.kind = ValueReport::Kind::kTensor;
  out.dtype = std::string(DTypeText(t.dtype));
  out.sizes = Texts(t.sizes);
  out.strides = Texts(t.strides);
  out.offset = t.storage_offset.ToString();
  out.device = t.device.ToString();
  out.requires_grad = t.requires_grad;
  out.conj = t.conj_bit;
  out.neg = t.neg_bit;
  if (t.constant.has_value()) out.constant = TextOf(*t.constant);
  out.storage = t.storage.value;
  return out;
}

ValueReport ReportValue(const FakeValue& value) {
  if (const FakeTensor* t = std::get_if<FakeTensor>(&value)) return ReportTensor(*t);
  ValueReport out;
  if (const Expr* e = std::get_if<Expr>(&value)) {
    static constexpr ValueReport::Kind kKinds[] = {ValueReport::Kind::kInt, ValueReport::Kind::kFloat,
                                                   ValueReport::Kind::kBool};
    out.kind = kKinds[static_cast<int>(e->type())];
    out.scalar = e->ToString();
  }
  return out;
}

// The first value of each storage is what later ones are aliases of.
std::vector<ValueReport> ReportValues(const FakeGraph& fake) {
  const std::vector<std::string> names = DistinctValueNames(fake.graph);
  std::vector<int> owners(fake.num_storages, -1);
  std::vector<ValueReport> out;
  out.reserve(fake.values.size());
  for (size_t v = 0; v < fake.values.size(); ++v) {
    ValueReport& value = out.emplace_back(ReportValue(fake.values[v]));
    value.name = names[v];
    if (value.storage < 0 || value.storage >= fake.num_storages) continue;
    int& owner = owners[value.storage];
    value.alias_of = owner;
    if (owner < 0) owner = static_cast<int>(v);
  }
  return out;
}

NodeReport ReportNode(const Node& node, std::string text) {
  NodeReport out;
  out.op = node.op->name;
  out.text = std::move(text);
  out.location = node.location;
  for (const Argument& arg : node.args) VisitValues(arg, [&](ValueId id) { out.uses.push_back(id.value); });
  for (const NodeOutput& output : node.outputs) {
    NodeReport::Result& result = out.results.emplace_back();
    result.is_list = output.is_list;
    for (ValueId id : output.values) result.values.push_back(id.value);
  }
  return out;
}

std::vector<FactReport> ReportFacts(absl::Span<const Guard> guards) {
  std::vector<FactReport> out;
  out.reserve(guards.size());
  for (const Guard& guard : guards) {
    const GuardReason& why = guard.reason;
    out.push_back({ConditionText(guard.condition), std::string(GuardKindName(guard.kind)), why.node, why.op, why.what,
                   why.location});
  }
  return out;
}

// The symbols of the inputs, then those that data gave birth to.
std::vector<SymbolReport> ReportSymbols(const FakeGraph& fake) {
  absl::flat_hash_set<Expr> sizes, seen;
  for (const GraphInput& input : fake.graph.inputs) {
    const FakeTensor* t = std::get_if<FakeTensor>(&input.value);
    if (t != nullptr) sizes.insert(t->sizes.begin(), t->sizes.end());
  }
  std::vector<SymbolReport> out;
  auto add = [&](Expr symbol, const ValueRange& declared, DimPolicy policy) -> SymbolReport& {
    seen.insert(symbol);
    SymbolReport& s = out.emplace_back();
    s.name = std::string(symbol.symbol_name());
    s.policy = std::string(PolicyText(policy));
    s.is_size = sizes.contains(symbol) || (policy == DimPolicy::kUnbacked && declared.lower >= 0);
    s.declared_range = declared.ToString();
    s.range = fake.env->RangeOf(symbol).ToString();
    s.value = fake.env->Simplify(symbol).ToString();
    return s;
  };
  for (const SymbolDeclaration& s : fake.graph.symbols) {
    SymbolReport& report = add(s.symbol, s.range, s.policy);
    report.hint = s.hint;
    report.float_hint = s.float_hint;
  }
  auto add_new = [&](Expr e) {
    VisitSymbols(e, [&](Expr s) {
      if (!seen.contains(s)) add(s, fake.env->RangeOf(s), DimPolicy::kUnbacked);
    });
  };
  for (const FakeValue& value : fake.values) {
    if (const Expr* e = std::get_if<Expr>(&value)) add_new(*e);
    if (const FakeTensor* t = std::get_if<FakeTensor>(&value)) {
      for (Expr e : t->sizes) add_new(e);
      add_new(t->storage_offset);
    }
  }
  return out;
}

}  // namespace

PropagationReport ReportPropagation(const FakeGraph& fake) {
  const Graph& graph = fake.graph;
  PropagationReport report;
  report.graph = graph.name;
  report.values = ReportValues(fake);
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const GraphInput& input = graph.inputs[i];
    const InputWrite& write = fake.input_writes[i];
    report.inputs.push_back(
        {std::string(InputKindName(input.kind)), input.donated, input.constant, write.data, write.metadata});
  }
  std::vector<std::string> texts = PrintNodes(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    report.nodes.push_back(ReportNode(graph.nodes[n], std::move(texts[n])));
  }
  for (const Argument& output : graph.outputs) VisitValues(output, [&](ValueId id) { report.outputs.push_back(id.value); });
  report.symbols = ReportSymbols(fake);
  report.assumptions = Texts(graph.assumptions);
  report.guards = ReportFacts(fake.env->Guards());
  report.recorded_guards = ReportFacts(fake.env->recorded_guards());
  report.runtime_asserts = ReportFacts(fake.env->runtime_asserts());
  return report;
}

std::string DescribePropagation(const FakeGraph& fake) { return PrintTable(ReportPropagation(fake)); }

}  // namespace kiln
