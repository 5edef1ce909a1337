#include "fake_runtime/import/export_graph.h"

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "fake_runtime/import/metadata_proto.h"
#include "fake_runtime/import/wire_enums.h"

namespace kiln {
namespace {

class Exporter {
 public:
  explicit Exporter(const Graph& graph)
      : graph_(graph), names_(DistinctValueNames(graph)) {}

  v1::Graph Run() {
    out_.set_name(graph_.name);
    for (const SymbolDeclaration& symbol : graph_.symbols) AddSymbol(symbol);
    for (Expr e : graph_.assumptions) out_.add_assumptions(e.ToString());
    CountStorages();
    for (size_t i = 0; i < graph_.inputs.size(); ++i)
      AddInput(static_cast<int>(i));
    for (const Node& node : graph_.nodes) AddNode(node);
    for (const Argument& output : graph_.outputs)
      Fill(output, *out_.add_outputs());
    return std::move(out_);
  }

 private:
  void AddSymbol(const SymbolDeclaration& symbol) {
    v1::SymbolDeclaration& s = *out_.add_symbols();
    s.set_name(std::string(symbol.symbol.symbol_name()));
    if (symbol.hint.has_value()) s.set_hint(*symbol.hint);
    if (symbol.float_hint.has_value()) s.set_float_hint(*symbol.float_hint);
    if (symbol.range.lower != ValueRange::kMin) s.set_lower(symbol.range.lower);
    if (symbol.range.upper != ValueRange::kMax) s.set_upper(symbol.range.upper);
    s.set_policy(ExportPolicy(symbol.policy));
  }

  void CountStorages() {
    for (const GraphInput& input : graph_.inputs) {
      if (const FakeTensor* t = std::get_if<FakeTensor>(&input.value))
        ++inputs_of_storage_[t->storage.value];
    }
  }

  void AddInput(int index) {
    const GraphInput& from = graph_.inputs[index];
    v1::Input& to = *out_.add_inputs();
    // An input without a name that nothing uses still needs one on the wire.
    to.set_name(names_[index].empty() ? "_" + std::to_string(index)
                                      : names_[index]);
    to.set_kind(ToWire(kWireInputKinds, from.kind));
    to.set_donated(from.donated);
    to.set_constant(from.constant);
    const FakeTensor* t = std::get_if<FakeTensor>(&from.value);
    if (t == nullptr) {
      const Expr e = std::get<Expr>(from.value);
      const bool is_float = e.type() == ExprType::kFloat;
      *(is_float ? to.mutable_sym_float() : to.mutable_sym_int()) = ExportExpr(e);
      return;
    }
    *to.mutable_tensor() = ExportTensorMeta(*t);
    if (from.storage_bytes.has_value()) *to.mutable_storage_bytes() = ExportExpr(*from.storage_bytes);
    for (DimPolicy policy : from.policies)
      to.mutable_tensor()->add_policies(ExportPolicy(policy));
    // Class 0 stands for a storage of its own.
    if (inputs_of_storage_[t->storage.value] > 1)
      to.set_alias_class(t->storage.value + 1);
  }

  void AddNode(const Node& from) {
    v1::Node& to = *out_.add_nodes();
    to.set_target(from.op->name);
    bool named = false;
    for (size_t a = 0; a < from.args.size(); ++a) {
      const ArgSchema& slot = from.op->args[a];
      if (slot.has_default && from.args[a] == slot.default_value) {
        named = true;
        continue;
      }
      named |= slot.keyword_only;
      v1::NamedArgument& arg = *to.add_inputs();
      if (named) arg.set_name(slot.name);
      Fill(from.args[a], *arg.mutable_value());
    }
    for (const NodeOutput& output : from.outputs) {
      v1::Output& o = *to.add_outputs();
      o.set_is_list(output.is_list);
      for (ValueId id : output.values) o.add_names(names_[id.value]);
    }
    to.set_location(LocationIndex(from.location));
  }

  int LocationIndex(const std::string& location) {
    if (location.empty()) return 0;
    auto [it, is_new] =
        locations_.try_emplace(location, out_.locations_size() + 1);
    if (is_new) out_.add_locations(location);
    return it->second;
  }

  void Fill(const Argument& from, v1::Argument& to) const {
    if (from.is_none()) to.set_none(true);
    if (const ValueId* id = from.get_if<ValueId>())
      to.set_value(names_[id->value]);
    if (const int64_t* i = from.get_if<int64_t>()) to.set_int_(*i);
    if (const double* d = from.get_if<double>()) to.set_float_(*d);
    if (const bool* b = from.get_if<bool>()) to.set_bool_(*b);
    if (const std::string* s = from.get_if<std::string>()) to.set_string(*s);
    if (const DType* d = from.get_if<DType>())
      to.set_dtype(GetDTypeRow(*d).wire_id);
    if (const Device* d = from.get_if<Device>())
      *to.mutable_device() = ExportDevice(*d);
    // Both enums have the export schema's numbers.
    if (const Layout* l = from.get_if<Layout>())
      to.set_layout(static_cast<v1::Layout>(*l));
    if (const MemoryFormat* m = from.get_if<MemoryFormat>())
      to.set_memory_format(static_cast<v1::MemoryFormat>(*m));
    if (const ArgumentList* list = from.get_if<ArgumentList>()) {
      to.mutable_list();
      for (const Argument& item : *list)
        Fill(item, *to.mutable_list()->add_items());
    }
  }

  const Graph& graph_;
  std::vector<std::string> names_;
  absl::flat_hash_map<int, int> inputs_of_storage_;
  absl::flat_hash_map<std::string, int> locations_;
  v1::Graph out_;
};

}  // namespace

v1::Graph ExportGraph(const Graph& graph) { return Exporter(graph).Run(); }

v1::GraphModule ExportModule(const Graph& graph, absl::string_view opset) {
  v1::GraphModule module;
  module.set_dialect("aten");
  module.set_opset(std::string(opset));
  *module.add_graphs() = ExportGraph(graph);
  return module;
}

}  // namespace kiln
