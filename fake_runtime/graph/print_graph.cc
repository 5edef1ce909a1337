#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fake_runtime/graph/contiguous_default.h"
#include "fake_runtime/graph/literal_text.h"
#include "fake_runtime/graph/text_form.h"

namespace kiln {
namespace {

std::string PrintExprs(absl::Span<const Expr> exprs) {
  return absl::StrCat("[",
                      absl::StrJoin(exprs, ", ",
                                    [](std::string* out, Expr e) {
                                      out->append(e.ToString());
                                    }),
                      "]");
}

// Whether leaving `strides` out would give the same strides back. The
// expressions are compared by structure: the default is built in a pool of its
// own, since printing may not add to the graph's.
bool HasDefaultStrides(const FakeTensor& t,
                       absl::Span<const SymbolDeclaration> symbols) {
  ExprPool scratch;
  Dims sizes;
  for (Expr size : t.sizes) {
    sizes.push_back(scratch.Import(
        size, [&](Expr s) { return scratch.Symbol(s.symbol_name()); }));
  }
  Dims expected = DefaultStrides(scratch, sizes, symbols);
  if (expected.size() != t.strides.size()) return false;
  for (size_t d = 0; d < expected.size(); ++d) {
    if (Expr::Compare(expected[d], t.strides[d]) != 0) return false;
  }
  return true;
}

std::string PrintRange(const ValueRange& range) {
  return absl::StrCat(
      "[", range.lower == ValueRange::kMin ? "-oo" : absl::StrCat(range.lower),
      ", ", range.upper == ValueRange::kMax ? "oo" : absl::StrCat(range.upper),
      "]");
}

class GraphPrinter {
 public:
  explicit GraphPrinter(const Graph& graph)
      : graph_(graph), names_(DistinctValueNames(graph)) {}

  std::string Print() {
    std::vector<std::string> inputs;
    for (size_t i = 0; i < graph_.inputs.size(); ++i)
      inputs.push_back(PrintInput(static_cast<int>(i)));
    std::string text = absl::StrCat("graph ", graph_.name, "(",
                                    absl::StrJoin(inputs, ",\n    "), ")");
    if (!SymbolsGoWithoutSaying())
      absl::StrAppend(&text, "\n    symbols { ", PrintSymbols(), " }");
    if (!graph_.assumptions.empty())
      absl::StrAppend(&text, "\n    assume { ", PrintAssumptions(), " }");
    absl::StrAppend(&text, " {\n");
    for (const Node& node : graph_.nodes)
      absl::StrAppend(&text, "  ", PrintNode(node), node.location.empty() ? "" : "  # ", node.location, "\n");
    absl::StrAppend(&text, "  return (", PrintItems(graph_.outputs), ")\n}\n");
    return text;
  }

  std::string PrintNode(const Node& node) const {
    std::string results;
    // The only result, if it is a list, spreads; among others it is bracketed.
    // Brackets also tell a list of nothing from no result.
    for (const NodeOutput& output : node.outputs) {
      bool bracketed =
          output.is_list && (node.outputs.size() > 1 || output.values.empty());
      absl::StrAppend(&results, results.empty() ? "" : ", ",
                      bracketed ? "[" : "", PrintResults(output),
                      bracketed ? "]" : "");
    }
    return absl::StrCat(results, results.empty() ? "" : " = ", node.op->name,
                        "(", PrintArgs(node), ")");
  }

 private:
  std::string Name(ValueId id) const {
    const std::string& name = names_[id.value];
    return name.empty() ? "_" : absl::StrCat("%", name);
  }

  // True when the parser would declare the same symbols, in the same order, by
  // itself.
  bool SymbolsGoWithoutSaying() const {
    std::vector<std::string> appearing;
    auto visit = [&](Expr e) {
      VisitSymbols(e, [&](Expr s) {
        std::string name(s.symbol_name());
        if (std::find(appearing.begin(), appearing.end(), name) ==
            appearing.end())
          appearing.push_back(name);
      });
    };
    for (const GraphInput& input : graph_.inputs) {
      if (const Expr* e = std::get_if<Expr>(&input.value)) visit(*e);
      const FakeTensor* t = std::get_if<FakeTensor>(&input.value);
      if (t == nullptr) continue;
      for (Expr e : t->sizes) visit(e);
      for (Expr e : t->strides) visit(e);
      visit(t->storage_offset);
      visit(input.storage_bytes.value_or(Expr()));
    }
    for (Expr e : graph_.assumptions) visit(e);
    if (appearing.size() != graph_.symbols.size()) return false;
    for (size_t i = 0; i < appearing.size(); ++i) {
      const SymbolDeclaration& s = graph_.symbols[i];
      DimPolicy natural = s.symbol.has_unbacked() ? DimPolicy::kUnbacked
                                                  : DimPolicy::kAutomatic;
      if (s.symbol.symbol_name() != appearing[i] || s.has_hint() ||
          s.policy != natural || !(s.range == ValueRange{})) {
        return false;
      }
    }
    return true;
  }

  std::string PrintSymbols() const {
    return absl::StrJoin(graph_.symbols, ", ",
                         [](std::string* out, const SymbolDeclaration& s) {
                           absl::StrAppend(out, s.symbol.ToString());
                           if (s.hint.has_value())
                             absl::StrAppend(out, " = ", *s.hint);
                           if (s.float_hint.has_value())
                             absl::StrAppend(out, " = ", PrintDouble(*s.float_hint));
                           if (!(s.range == ValueRange{}))
                             absl::StrAppend(out, " in ", PrintRange(s.range));
                           if (s.policy != DimPolicy::kAutomatic)
                             absl::StrAppend(out, " ", PolicyText(s.policy));
                         });
  }

  std::string PrintAssumptions() const {
    return absl::StrJoin(
        graph_.assumptions, ", ",
        [](std::string* out, Expr e) { out->append(e.ToString()); });
  }

  std::string PrintInput(int index) const {
    const GraphInput& input = graph_.inputs[index];
    std::string text = absl::StrCat(Name(ValueId{index}), ": ");
    if (const Expr* e = std::get_if<Expr>(&input.value)) {
      static constexpr absl::string_view kTypes[] = {"int", "float", "bool"};
      absl::StrAppend(&text, kTypes[static_cast<int>(e->type())], " = ",
                      e->ToString());
    } else {
      AppendTensor(index, std::get<FakeTensor>(input.value), text);
    }
    if (input.kind != InputKind::kUser)
      absl::StrAppend(&text, " ", InputKindName(input.kind));
    if (input.donated) text += " donated";
    if (input.constant) text += " constant";
    return text;
  }

  void AppendTensor(int index, const FakeTensor& t, std::string& text) const {
    absl::StrAppend(&text, DTypeText(t.dtype), PrintExprs(t.sizes));
    if (!HasDefaultStrides(t, graph_.symbols))
      absl::StrAppend(&text, " strides=", PrintExprs(t.strides));
    if (!t.storage_offset.IsInt(0))
      absl::StrAppend(&text, " offset=", t.storage_offset.ToString());
    if (!(t.device == Device{}))
      absl::StrAppend(&text, " device=", t.device.ToString());
    if (t.layout != Layout::kStrided)
      absl::StrAppend(&text, " layout=", LayoutText(t.layout));
    if (const std::optional<Expr> bytes = graph_.inputs[index].storage_bytes)
      absl::StrAppend(&text, " storage_bytes=", bytes->ToString());
    const std::vector<DimPolicy>& policies = graph_.inputs[index].policies;
    if (!policies.empty()) {
      absl::StrAppend(&text, " policies=[",
                      absl::StrJoin(policies, ", ",
                                    [](std::string* out, DimPolicy p) {
                                      absl::StrAppend(out, PolicyText(p));
                                    }),
                      "]");
    }
    for (int other = 0; other < index; ++other) {
      const FakeTensor* o =
          std::get_if<FakeTensor>(&graph_.inputs[other].value);
      if (o == nullptr || !(o->storage == t.storage)) continue;
      absl::StrAppend(&text, " alias=", Name(ValueId{other}));
      break;
    }
    if (t.requires_grad) text += " requires_grad";
    if (t.conj_bit) text += " conj";
    if (t.neg_bit) text += " neg";
  }

  std::string PrintArgument(const Argument& arg) const {
    if (const ValueId* id = arg.get_if<ValueId>()) return Name(*id);
    if (const ArgumentList* list = arg.get_if<ArgumentList>())
      return absl::StrCat("[", PrintItems(*list), "]");
    return PrintLiteral(arg);
  }

  std::string PrintItems(absl::Span<const Argument> items) const {
    return absl::StrJoin(items, ", ",
                         [this](std::string* out, const Argument& item) {
                           out->append(PrintArgument(item));
                         });
  }

  // Positional up to the first that is left out or may only be named.
  std::string PrintArgs(const Node& node) const {
    std::vector<std::string> parts;
    bool named = false;
    for (size_t i = 0; i < node.args.size(); ++i) {
      const ArgSchema& slot = node.op->args[i];
      if (slot.has_default && node.args[i] == slot.default_value) {
        named = true;
        continue;
      }
      named |= slot.keyword_only;
      parts.push_back(absl::StrCat(named ? absl::StrCat(slot.name, "=") : "",
                                   PrintArgument(node.args[i])));
    }
    return absl::StrJoin(parts, ", ");
  }

  std::string PrintResults(const NodeOutput& output) const {
    return absl::StrJoin(
        output.values, ", ",
        [this](std::string* out, ValueId id) { out->append(Name(id)); });
  }

  const Graph& graph_;
  std::vector<std::string> names_;
};

}  // namespace

std::string PrintGraph(const Graph& graph) {
  return GraphPrinter(graph).Print();
}

std::vector<std::string> PrintNodes(const Graph& graph) {
  const GraphPrinter printer(graph);
  std::vector<std::string> lines;
  lines.reserve(graph.nodes.size());
  for (const Node& node : graph.nodes) lines.push_back(printer.PrintNode(node));
  return lines;
}

}  // namespace kiln
