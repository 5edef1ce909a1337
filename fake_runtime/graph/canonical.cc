#include "fake_runtime/graph/canonical.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "fake_runtime/graph/canonical_order.h"

namespace kiln {
namespace {

// --- symbols

// Gives each symbol its canonical name, in the order in which it is asked.
class SymbolRenamer {
 public:
  explicit SymbolRenamer(ExprPool* pool) : pool_(pool) {}

  void Meet(Expr e) {
    if (!e.has_symbols()) return;
    VisitSymbols(e, [this](Expr symbol) { Rename(symbol); });
  }
  void MeetIfAlone(Expr e) {
    if (e.kind() == ExprKind::kSymbol) Rename(e);
  }

  Expr Rename(Expr symbol) {
    auto [it, is_new] = names_.try_emplace(std::string(symbol.symbol_name()));
    if (is_new) {
      // A symbol's name says its type, and whether it is unbacked.
      static constexpr absl::string_view kPrefixes[2][2] = {{"s", "u"}, {"zf", "zuf"}};
      const bool is_float = symbol.type() == ExprType::kFloat;
      const bool unbacked = symbol.has_unbacked();
      it->second = pool_->Symbol(
          absl::StrCat(kPrefixes[is_float][unbacked], num_[is_float][unbacked]++));
      originals_.emplace_back(symbol.symbol_name());
    }
    return it->second;
  }

  absl::StatusOr<Expr> Renamed(Expr e) {
    if (!e.has_symbols() && e.AsInt().has_value())
      return pool_->Int(*e.AsInt());
    Expr out = pool_->Import(e, [this](Expr symbol) { return Rename(symbol); });
    if (!out.is_poison()) return out;
    return MakeError(ErrorReason::kSizeOverflow,
                     absl::StrCat("the expression ", e.ToString(),
                                  " overflows with its symbols renamed"));
  }

  // In the order of the first meeting.
  const std::vector<std::string>& originals() const { return originals_; }

 private:
  ExprPool* pool_;
  absl::flat_hash_map<std::string, Expr> names_;
  std::vector<std::string> originals_;
  int num_[2][2] = {};
};

template <typename Visitor>
void VisitInputExprs(const GraphInput& input, Visitor&& visit) {
  if (const Expr* e = std::get_if<Expr>(&input.value)) visit(*e);
  const FakeTensor* t = std::get_if<FakeTensor>(&input.value);
  if (t == nullptr) return;
  for (Expr e : t->sizes) visit(e);
  for (Expr e : t->strides) visit(e);
  visit(t->storage_offset);
  if (input.storage_bytes.has_value()) visit(*input.storage_bytes);
}

void MeetInputSymbols(const Graph& source, SymbolRenamer& symbols) {
  for (const GraphInput& input : source.inputs) {
    VisitInputExprs(input, [&](Expr e) { symbols.MeetIfAlone(e); });
  }
  for (const GraphInput& input : source.inputs) {
    VisitInputExprs(input, [&](Expr e) { symbols.Meet(e); });
  }
}

// --- devices and process groups

// Renumbers by first use: cuda:3 becomes cuda:0, and another device of the type
// cuda:1. A device without an index stays without.
class PlaceRenamer {
 public:
  void Rename(Device& device) {
    if (device.index < 0) return;
    int& count = devices_of_type_[device.type];
    auto [at, is_new] = indices_.try_emplace({device.type, device.index}, count);
    if (is_new) {
      devices_.push_back(device);
      ++count;
    }
    device.index = at->second;
  }
  std::string RenameGroup(const std::string& group) {
    auto [at, is_new] = group_numbers_.try_emplace(group, static_cast<int>(groups_.size()));
    if (is_new) groups_.push_back(group);
    return absl::StrCat("group", at->second);
  }
  // In the order of their first use.
  std::vector<Device> devices() && { return std::move(devices_); }
  std::vector<std::string> groups() && { return std::move(groups_); }

 private:
  absl::flat_hash_map<std::pair<std::string, int>, int> indices_;
  absl::flat_hash_map<std::string, int> devices_of_type_;
  absl::flat_hash_map<std::string, int> group_numbers_;
  std::vector<Device> devices_;
  std::vector<std::string> groups_;
};

// --- the digests' bytes

// Fields are tagged and length-prefixed, so that no two graphs have the same
// bytes. Hashed in one go: a hasher call per field would cost more than the
// hash.
class ByteWriter {
 public:
  explicit ByteWriter(absl::string_view domain) { Text(domain); }
  void Tag(char tag) { bytes_.push_back(tag); }
  void Int(int64_t value) {
    char raw[sizeof(value)];
    // The wire is little-endian, as is every target of this code.
    std::memcpy(raw, &value, sizeof(value));
    bytes_.append(raw, sizeof(raw));
  }
  void Text(absl::string_view text) {
    Int(static_cast<int64_t>(text.size()));
    bytes_.append(text.data(), text.size());
  }
  Digest Finish() const { return Sha256(bytes_); }

 private:
  std::string bytes_;
};

void WriteArgument(const Argument& arg, ByteWriter& out) {
  out.Tag(static_cast<char>('a' + arg.v.index()));
  if (const ValueId* id = arg.get_if<ValueId>()) out.Int(id->value);
  if (const int64_t* i = arg.get_if<int64_t>()) out.Int(*i);
  if (const double* d = arg.get_if<double>()) {
    int64_t bits;
    std::memcpy(&bits, d, sizeof(bits));
    out.Int(bits);
  }
  if (const bool* b = arg.get_if<bool>()) out.Int(*b);
  if (const std::string* s = arg.get_if<std::string>()) out.Text(*s);
  // Names, not enum values: those may be reordered.
  if (const DType* d = arg.get_if<DType>()) out.Text(DTypeText(*d));
  if (const Device* d = arg.get_if<Device>()) out.Text(d->ToString());
  if (const Layout* l = arg.get_if<Layout>()) out.Int(static_cast<int>(*l));
  if (const MemoryFormat* m = arg.get_if<MemoryFormat>())
    out.Int(static_cast<int>(*m));
  if (const ArgumentList* list = arg.get_if<ArgumentList>()) {
    out.Int(static_cast<int64_t>(list->size()));
    for (const Argument& item : *list) WriteArgument(item, out);
  }
}

Digest DigestOfNodes(const Graph& graph) {
  ByteWriter out("kiln.graph.v1");
  out.Int(static_cast<int64_t>(graph.inputs.size()));
  out.Int(static_cast<int64_t>(graph.nodes.size()));
  for (const Node& node : graph.nodes) {
    out.Text(node.op->name);
    out.Int(static_cast<int64_t>(node.args.size()));
    for (const Argument& arg : node.args) WriteArgument(arg, out);
    out.Int(static_cast<int64_t>(node.outputs.size()));
    for (const NodeOutput& output : node.outputs) {
      out.Tag(output.is_list ? 'L' : 'V');
      out.Int(static_cast<int64_t>(output.values.size()));
    }
  }
  out.Int(static_cast<int64_t>(graph.outputs.size()));
  for (const Argument& output : graph.outputs) WriteArgument(output, out);
  return out.Finish();
}

void WriteExprs(absl::Span<const Expr> exprs, ByteWriter& out) {
  out.Int(static_cast<int64_t>(exprs.size()));
  for (Expr e : exprs) {
    if (std::optional<int64_t> value = e.AsInt()) {
      out.Tag('i');
      out.Int(*value);
    } else {
      out.Tag('e');
      out.Text(e.ToString());
    }
  }
}

void WriteInput(const GraphInput& input, ByteWriter& out) {
  out.Text(InputKindName(input.kind));
  out.Int(input.donated);
  out.Int(input.constant);
  out.Int(static_cast<int64_t>(input.policies.size()));
  for (DimPolicy policy : input.policies) out.Int(static_cast<int>(policy));
  const FakeTensor* t = std::get_if<FakeTensor>(&input.value);
  if (t == nullptr) {
    Expr e = std::get<Expr>(input.value);
    out.Tag('S');
    out.Int(static_cast<int>(e.type()));
    return WriteExprs({e}, out);
  }
  out.Tag('T');
  out.Text(DTypeText(t->dtype));
  out.Text(t->device.ToString());
  out.Int(static_cast<int>(t->layout));
  out.Int(t->requires_grad);
  out.Int(t->conj_bit);
  out.Int(t->neg_bit);
  out.Int(t->storage.value);
  WriteExprs(t->sizes, out);
  WriteExprs(t->strides, out);
  WriteExprs({t->storage_offset}, out);
  if (!input.storage_bytes.has_value()) return;
  out.Tag('B');
  WriteExprs({*input.storage_bytes}, out);
}

// Of the symbols, those `num_input_symbols` that inputs mention: assumptions are in
// no key, and so is what only they speak of.
Digest DigestOfSignature(const Graph& graph, size_t num_input_symbols) {
  ByteWriter out("kiln.signature.v1");
  out.Int(static_cast<int64_t>(graph.inputs.size()));
  for (const GraphInput& input : graph.inputs) WriteInput(input, out);
  out.Int(static_cast<int64_t>(num_input_symbols));
  for (size_t i = 0; i < num_input_symbols; ++i) {
    out.Text(graph.symbols[i].symbol.symbol_name());
    out.Int(static_cast<int>(graph.symbols[i].policy));
  }
  return out.Finish();
}

// --- the graph itself

class Canonicalizer {
 public:
  Canonicalizer(const Graph& source, ExprPool* pool)
      : source_(source), symbols_(pool), values_(source.num_values()) {}

  absl::StatusOr<CanonicalGraph> Run() {
    MeetInputSymbols(source_, symbols_);
    const size_t num_input_symbols = symbols_.originals().size();
    for (Expr e : source_.assumptions) symbols_.Meet(e);
    KILN_RETURN_IF_ERROR(CopyInputs());
    CopySymbols();
    KILN_RETURN_IF_ERROR(CopyAssumptions());
    out_.original_node = CanonicalOrder(source_);
    out_.graph.nodes.reserve(out_.original_node.size());
    for (int node : out_.original_node) CopyNode(source_.nodes[node]);
    for (const Argument& output : source_.outputs)
      out_.graph.outputs.push_back(Renamed(output, nullptr));
    out_.original_devices = std::move(places_).devices();
    out_.original_groups = std::move(places_).groups();
    out_.graph_digest = DigestOfNodes(out_.graph);
    out_.signature_digest = DigestOfSignature(out_.graph, num_input_symbols);
    return std::move(out_);
  }

 private:
  ValueId Define(ValueId original) {
    ValueId id{out_.graph.num_values()};
    out_.graph.value_names.push_back(absl::StrCat(id.value));
    values_[original.value] = id;
    return id;
  }

  absl::Status CopyInputs() {
    absl::flat_hash_map<int, int> storages;
    for (int i = 0; i < static_cast<int>(source_.inputs.size()); ++i) {
      GraphInput input = source_.inputs[i];
      input.name = absl::StrCat(Define(ValueId{i}).value);
      if (Expr* e = std::get_if<Expr>(&input.value)) {
        KILN_ASSIGN_OR_RETURN(*e, symbols_.Renamed(*e));
      } else {
        KILN_RETURN_IF_ERROR(
            CanonicalizeTensor(std::get<FakeTensor>(input.value), storages));
      }
      if (input.storage_bytes.has_value()) {
        KILN_ASSIGN_OR_RETURN(input.storage_bytes, symbols_.Renamed(*input.storage_bytes));
      }
      DropIdlePolicies(input.policies);
      out_.graph.inputs.push_back(std::move(input));
    }
    return absl::OkStatus();
  }

  // No policies means all automatic: one way of saying it.
  static void DropIdlePolicies(std::vector<DimPolicy>& policies) {
    bool idle = std::all_of(policies.begin(), policies.end(), [](DimPolicy p) {
      return p == DimPolicy::kAutomatic;
    });
    if (idle) policies.clear();
  }

  absl::Status CanonicalizeTensor(FakeTensor& t,
                                  absl::flat_hash_map<int, int>& storages) {
    for (Expr& e : t.sizes) {
      KILN_ASSIGN_OR_RETURN(e, symbols_.Renamed(e));
    }
    for (Expr& e : t.strides) {
      KILN_ASSIGN_OR_RETURN(e, symbols_.Renamed(e));
    }
    KILN_ASSIGN_OR_RETURN(t.storage_offset, symbols_.Renamed(t.storage_offset));
    int next = static_cast<int>(storages.size());
    t.storage.value = storages.try_emplace(t.storage.value, next).first->second;
    places_.Rename(t.device);
    return absl::OkStatus();
  }

  // Symbols that appear nowhere are dropped.
  void CopySymbols() {
    absl::flat_hash_map<absl::string_view, const SymbolDeclaration*> declared;
    for (const SymbolDeclaration& s : source_.symbols)
      declared[s.symbol.symbol_name()] = &s;
    out_.original_symbols = symbols_.originals();
    for (const std::string& name : out_.original_symbols) {
      SymbolDeclaration s = *declared.at(name);
      s.symbol = symbols_.Rename(s.symbol);
      out_.graph.symbols.push_back(std::move(s));
    }
  }

  absl::Status CopyAssumptions() {
    std::vector<Expr>& out = out_.graph.assumptions;
    for (Expr e : source_.assumptions) {
      KILN_ASSIGN_OR_RETURN(Expr renamed, symbols_.Renamed(e));
      out.push_back(renamed);
    }
    std::sort(out.begin(), out.end(),
              [](Expr a, Expr b) { return Expr::Compare(a, b) < 0; });
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return absl::OkStatus();
  }

  void CopyNode(const Node& node) {
    Node copy;
    copy.op = node.op;
    copy.args.reserve(node.args.size());
    for (size_t a = 0; a < node.args.size(); ++a)
      copy.args.push_back(Renamed(node.args[a], &node.op->args[a]));
    copy.outputs.reserve(node.outputs.size());
    for (const NodeOutput& output : node.outputs) {
      NodeOutput& o = copy.outputs.emplace_back();
      o.is_list = output.is_list;
      for (ValueId id : output.values) o.values.push_back(Define(id));
    }
    out_.graph.nodes.push_back(std::move(copy));
  }

  Argument Renamed(const Argument& arg, const ArgSchema* slot) {
    if (const ValueId* id = arg.get_if<ValueId>())
      return Argument(values_[id->value]);
    if (const Device* device = arg.get_if<Device>()) {
      Device renamed = *device;
      places_.Rename(renamed);
      return Argument(std::move(renamed));
    }
    if (const std::string* text = arg.get_if<std::string>();
        text != nullptr && slot != nullptr && slot->name == "group_name") {
      return Argument(places_.RenameGroup(*text));
    }
    const ArgumentList* list = arg.get_if<ArgumentList>();
    if (list == nullptr) return arg;
    ArgumentList items;
    items.reserve(list->size());
    for (const Argument& item : *list) items.push_back(Renamed(item, slot));
    return Argument(std::move(items));
  }

  const Graph& source_;
  SymbolRenamer symbols_;
  PlaceRenamer places_;
  std::vector<ValueId> values_;  // canonical, by the source's
  CanonicalGraph out_;
};

}  // namespace

absl::StatusOr<CanonicalGraph> Canonicalize(const Graph& source,
                                            ExprPool* pool) {
  return Canonicalizer(source, pool).Run();
}

}  // namespace kiln
