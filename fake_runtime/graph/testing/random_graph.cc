#include "fake_runtime/graph/testing/random_graph.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fake_runtime/graph/graph_builder.h"
#include "fake_runtime/graph/testing/test_schemas.h"

namespace kiln {
namespace {

// std::uniform_int_distribution differs between libraries; this does not.
class Dice {
 public:
  explicit Dice(uint32_t seed) : engine_(seed) {}
  int Roll(int sides) {
    return static_cast<int>(engine_() % static_cast<uint32_t>(sides));
  }
  bool Flip() { return Roll(2) == 0; }

 private:
  std::mt19937 engine_;
};

class RandomGraphMaker {
 public:
  RandomGraphMaker(uint32_t seed, ExprPool* pool)
      : dice_(seed), pool_(pool), builder_(pool, FindTestSchema) {}

  Graph Make(int num_nodes) {
    DeclareSymbols();
    for (int i = 0; i < 4; ++i) AddTensorInput(i);
    AddScalarInput();
    for (int n = 0; n < num_nodes; ++n) AddNode(n);
    std::vector<Argument> outputs;
    for (int i = 0; i < 3; ++i) outputs.push_back(Argument(Tensor()));
    outputs.push_back(Argument(None{}));
    outputs.push_back(Argument(int64_t{7}));
    outputs.push_back(Argument(scalars_.back()));
    return std::move(builder_).Finish(std::move(outputs)).value();
  }

 private:
  void DeclareSymbols() {
    for (const char* name : {"s10", "s7", "u3"}) {
      SymbolDeclaration s;
      s.symbol = pool_->Symbol(name);
      if (s.symbol.has_unbacked()) {
        s.policy = DimPolicy::kUnbacked;
      } else {
        if (dice_.Flip()) s.hint = 2 + dice_.Roll(20);
        if (dice_.Flip()) s.range = ValueRange::AtLeast(2);
        if (dice_.Flip()) s.policy = DimPolicy::kDynamic;
      }
      symbols_.push_back(s.symbol);
      Check(builder_.DeclareSymbol(std::move(s)));
    }
    if (dice_.Flip())
      Check(builder_.AddAssumption(pool_->Le(symbols_[0], symbols_[1])));
  }

  Expr Size() {
    switch (dice_.Roll(4)) {
      case 0:
        return symbols_[dice_.Roll(3)];
      case 1:
        return pool_->Add(symbols_[0], Expr(dice_.Roll(3)));
      default:
        return Expr(1 + dice_.Roll(64));
    }
  }

  void AddTensorInput(int index) {
    GraphInput input;
    input.name = absl::StrCat("in", index);
    input.kind = static_cast<InputKind>(dice_.Roll(5));
    input.donated = dice_.Roll(4) == 0;
    input.constant = dice_.Roll(4) == 0;
    FakeTensor t;
    t.dtype = dice_.Flip() ? DType::kFloat32 : DType::kInt64;
    if (dice_.Roll(3) == 0) t.device = Device{"cuda", 1 + dice_.Roll(3)};
    for (int d = dice_.Roll(4); d > 0; --d) {
      t.sizes.push_back(Size());
      t.strides.push_back(Size());
      if (index == 1) input.policies.push_back(DimPolicy::kAutomatic);
    }
    // The symbols stand alone somewhere, as they do in PyTorch's graphs.
    if (index == 0) {
      t.sizes.assign(symbols_.begin(), symbols_.end());
      t.strides.assign(symbols_.size(), Expr(1));
    }
    if (dice_.Roll(4) == 0) t.storage_offset = Expr(3);
    t.requires_grad = dice_.Flip();
    if (index > 0 && dice_.Roll(4) == 0) t.storage.value = 0;
    input.value = std::move(t);
    Check(builder_.AddInput(std::move(input)));
    tensors_.push_back(ValueId{index});
  }

  void AddScalarInput() {
    GraphInput input;
    input.name = "n";
    input.value = pool_->Add(symbols_[0], symbols_[1]);
    Check(builder_.AddInput(std::move(input)));
    scalars_.push_back(ValueId{4});
  }

  ValueId Tensor() {
    return tensors_[dice_.Roll(static_cast<int>(tensors_.size()))];
  }
  ValueId Scalar() {
    return scalars_[dice_.Roll(static_cast<int>(scalars_.size()))];
  }
  NamedArgument T() { return {"", Argument(Tensor())}; }
  NamedArgument Size1() {
    return {"", dice_.Flip() ? Argument(Scalar())
                             : Argument(int64_t{dice_.Roll(9)})};
  }

  void AddNode(int n) {
    std::string a = absl::StrCat("a", n), b = absl::StrCat("b", n);
    switch (dice_.Roll(12)) {
      case 0:
        return Add("aten.relu.default", {T()}, {{{a}}});
      case 1:
        return Add("aten.add.Tensor",
                   {T(), T(), {"alpha", Argument(int64_t{dice_.Roll(3)})}},
                   {{{a}}});
      case 2:
        return Add("aten.mul.Tensor",
                   {T(), {"", Argument(0.5 + dice_.Roll(3))}}, {{{a}}});
      case 3:
        return Add("aten.sub.Tensor", {T(), {"", Argument(Scalar())}}, {{{a}}});
      case 4:
        return Add("aten.rand.default",
                   {{"", Argument(ArgumentList{Size1().value, Size1().value})},
                    {"dtype", Argument(DType::kFloat32)},
                    {"device", Argument(Device{"cuda", dice_.Roll(4)})}},
                   {{{a}}});
      case 5:
        return Add("aten.split.Tensor",
                   {T(), Size1(), {"dim", Argument(int64_t{dice_.Roll(2)})}},
                   {{{a, b}, true}});
      case 6:
        return Add("aten.clone.default",
                   {T(), {"memory_format", Argument(MemoryFormat::kPreserve)}},
                   {{{a}}});
      case 7:
        return Add("aten.var_mean.correction",
                   {T(),
                    {"", Argument(ArgumentList{Argument(int64_t{0})})},
                    {"correction", Argument(int64_t{0})},
                    {"keepdim", Argument(dice_.Flip())}},
                   {{{a}}, {{dice_.Flip() ? b : ""}}});
      case 8:
        return Add("aten.index.Tensor",
                   {T(),
                    {"", Argument(ArgumentList{Argument(None{}),
                                               Argument(Tensor())})}},
                   {{{a}}});
      case 9:
        return Add("aten._assert_async.msg",
                   {T(), {"", Argument(std::string("tab\t \"quoted\" \xff"))}},
                   {});
      case 10:
        return Add(
            "sym.add",
            {{"", Argument(Scalar())}, {"", Argument(int64_t{dice_.Roll(3)})}},
            {{{a}}});
      default:
        return Add(
            "aten.slice.Tensor",
            {T(), {"", Argument(int64_t{1})}, {"end", Argument(int64_t{9})}},
            {{{a}}});
    }
  }

  void Add(std::string op, std::vector<NamedArgument> args,
           std::vector<OutputNames> outputs) {
    if (op == "sym.add") op = "sym.add.default";
    int before = builder_.graph().num_values();
    std::string location =
        dice_.Flip() ? absl::StrCat("model.py:", dice_.Roll(99)) : "";
    Check(builder_.AddNode(op, std::move(args), std::move(outputs), location));
    std::vector<ValueId>& pool = op == "sym.add.default" ? scalars_ : tensors_;
    for (int v = before; v < builder_.graph().num_values(); ++v) {
      if (!builder_.graph().value_names[v].empty()) pool.push_back(ValueId{v});
    }
  }

  // A refusal is a bug of this file.
  static void Check(const absl::Status& status) {
    if (!status.ok()) std::abort();
  }

  Dice dice_;
  ExprPool* pool_;
  GraphBuilder builder_;
  std::vector<Expr> symbols_;
  std::vector<ValueId> tensors_;
  std::vector<ValueId> scalars_;
};

Argument Replaced(const Argument& arg, const std::vector<ValueId>& to) {
  if (const ValueId* id = arg.get_if<ValueId>()) return Argument(to[id->value]);
  const ArgumentList* list = arg.get_if<ArgumentList>();
  if (list == nullptr) return arg;
  ArgumentList items;
  for (const Argument& item : *list) items.push_back(Replaced(item, to));
  return Argument(std::move(items));
}

// Picks a random node among those whose operands are all there, but ordered
// nodes only in turn.
std::vector<int> RandomOrder(const Graph& graph, Dice& dice) {
  std::vector<bool> defined(graph.num_values());
  std::fill(defined.begin(),
            defined.begin() + static_cast<int>(graph.inputs.size()), true);
  std::vector<int> left(graph.nodes.size());
  for (size_t n = 0; n < left.size(); ++n) left[n] = static_cast<int>(n);
  std::vector<int> order;
  while (!left.empty()) {
    std::vector<size_t> ready;
    bool ordered_seen = false;
    for (size_t i = 0; i < left.size(); ++i) {
      const Node& node = graph.nodes[left[i]];
      bool ok = !(node.op->ordered && ordered_seen);
      ordered_seen |= node.op->ordered;
      for (const Argument& arg : node.args)
        VisitValues(arg, [&](ValueId id) { ok &= defined[id.value]; });
      if (ok) ready.push_back(i);
    }
    size_t pick = ready[dice.Roll(static_cast<int>(ready.size()))];
    for (const NodeOutput& out : graph.nodes[left[pick]].outputs) {
      for (ValueId id : out.values) defined[id.value] = true;
    }
    order.push_back(left[pick]);
    left.erase(left.begin() + static_cast<int>(pick));
  }
  return order;
}

void RenameSymbols(Graph& graph, ExprPool* pool) {
  auto rename = [&](Expr symbol) {
    return pool->Symbol(absl::StrCat(symbol.has_unbacked() ? "u9" : "s9",
                                     symbol.symbol_name()));
  };
  auto apply = [&](Expr& e) { e = pool->Import(e, rename); };
  for (SymbolDeclaration& s : graph.symbols) apply(s.symbol);
  for (Expr& e : graph.assumptions) apply(e);
  for (GraphInput& input : graph.inputs) {
    if (Expr* e = std::get_if<Expr>(&input.value)) apply(*e);
    FakeTensor* t = std::get_if<FakeTensor>(&input.value);
    if (t == nullptr) continue;
    for (Expr& e : t->sizes) apply(e);
    for (Expr& e : t->strides) apply(e);
    apply(t->storage_offset);
  }
}

}  // namespace

Graph RandomGraph(uint32_t seed, int num_nodes, ExprPool* pool) {
  return RandomGraphMaker(seed, pool).Make(num_nodes);
}

Graph Disguise(const Graph& graph, uint32_t seed, ExprPool* pool) {
  Dice dice(seed);
  Graph out = graph;
  out.name = "disguised";
  out.nodes.clear();
  out.value_names.clear();
  std::vector<ValueId> to(graph.num_values());
  auto define = [&](ValueId id) {
    to[id.value] = ValueId{out.num_values()};
    out.value_names.push_back(
        absl::StrCat("v", dice.Roll(1 << 20), "_", id.value));
    return to[id.value];
  };
  for (int i = 0; i < static_cast<int>(graph.inputs.size()); ++i) {
    define(ValueId{i});
    out.inputs[i].name = out.value_names[i];
  }
  for (int n : RandomOrder(graph, dice)) {
    Node node = graph.nodes[n];
    node.location = absl::StrCat("elsewhere.py:", dice.Roll(99));
    for (Argument& arg : node.args) arg = Replaced(arg, to);
    for (NodeOutput& output : node.outputs) {
      for (ValueId& id : output.values) id = define(id);
    }
    out.nodes.push_back(std::move(node));
  }
  for (Argument& output : out.outputs) output = Replaced(output, to);
  std::reverse(out.symbols.begin(), out.symbols.end());
  RenameSymbols(out, pool);
  return out;
}

}  // namespace kiln
