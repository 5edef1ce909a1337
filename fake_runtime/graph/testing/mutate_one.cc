#include "fake_runtime/graph/testing/mutate_one.h"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fake_runtime/graph/testing/test_schemas.h"

namespace kiln {
namespace {

constexpr char kInserted[] = "aten.relu.default";

// Operators with equal signatures.
struct Twins {
  absl::string_view one, other;
};
constexpr Twins kTwins[] = {{"aten.relu.default", "aten.neg.default"},
                            {"aten.add.Tensor", "aten.sub.Tensor"},
                            {"aten.mul.Tensor", "aten.div.Tensor"}};

const OpSchema* TwinOf(absl::string_view name) {
  for (const Twins& twins : kTwins) {
    if (twins.one == name) return FindTestSchema(twins.other);
    if (twins.other == name) return FindTestSchema(twins.one);
  }
  return nullptr;
}

bool ChangeLiteral(Argument& arg) {
  if (int64_t* i = std::get_if<int64_t>(&arg.v)) return *i += 1, true;
  if (double* d = std::get_if<double>(&arg.v)) return *d = *d * 2 + 1, true;
  if (bool* b = std::get_if<bool>(&arg.v)) return *b = !*b, true;
  if (std::string* s = std::get_if<std::string>(&arg.v)) return *s += "!", true;
  if (DType* t = std::get_if<DType>(&arg.v)) return *t = *t == DType::kInt64 ? DType::kFloat32 : DType::kInt64, true;
  // An index alone would be renumbered away.
  if (Device* d = std::get_if<Device>(&arg.v)) return *d = d->is_cpu() ? Device{"cuda", 0} : Device{"cpu", -1}, true;
  if (MemoryFormat* m = std::get_if<MemoryFormat>(&arg.v)) {
    return *m = *m == MemoryFormat::kPreserve ? MemoryFormat::kContiguous : MemoryFormat::kPreserve, true;
  }
  ArgumentList* list = std::get_if<ArgumentList>(&arg.v);
  if (list == nullptr) return false;
  return std::any_of(list->begin(), list->end(), ChangeLiteral);
}

ValueId* FirstValue(Argument& arg) {
  if (ValueId* id = std::get_if<ValueId>(&arg.v)) return id;
  ArgumentList* list = std::get_if<ArgumentList>(&arg.v);
  if (list == nullptr) return nullptr;
  for (Argument& item : *list) {
    if (ValueId* id = FirstValue(item)) return id;
  }
  return nullptr;
}

void Replace(Argument& arg, ValueId from, ValueId to) {
  if (ValueId* id = std::get_if<ValueId>(&arg.v); id != nullptr && *id == from) *id = to;
  if (ArgumentList* list = std::get_if<ArgumentList>(&arg.v)) {
    for (Argument& item : *list) Replace(item, from, to);
  }
}

class Mutator {
 public:
  Mutator(const Graph& graph, MutationKind kind, uint32_t seed) : engine_(seed) {
    m_.kind = kind;
    m_.graph = graph;
  }

  std::optional<Mutation> Run() {
    using Change = bool (Mutator::*)();
    static constexpr Change kChanges[kNumMutationKinds] = {
        &Mutator::Operator, &Mutator::Literal,   &Mutator::Rewire, &Mutator::Insert,
        &Mutator::Remove,   &Mutator::SwapOrder, &Mutator::Output, &Mutator::Input};
    if (!(this->*kChanges[static_cast<int>(m_.kind)])()) return std::nullopt;
    return std::move(m_);
  }

 private:
  int Roll(size_t sides) { return static_cast<int>(engine_() % static_cast<uint32_t>(sides)); }
  Graph& graph() { return m_.graph; }
  Node& PickNode() {
    m_.node = Roll(graph().nodes.size());
    return graph().nodes[m_.node];
  }

  bool Operator() {
    Node& node = PickNode();
    const OpSchema* twin = TwinOf(node.op->name);
    if (twin == nullptr) return false;
    // Not each has all of the other's arguments.
    if (twin->args.size() != node.op->args.size()) return false;
    node.op = twin;
    m_.what = twin->name;
    return true;
  }

  bool Literal() {
    Node& node = PickNode();
    if (node.args.empty()) return false;
    m_.slot = Roll(node.args.size());
    m_.what = node.op->args[m_.slot].name;
    return ChangeLiteral(node.args[m_.slot]);
  }

  bool IsScalar(ValueId id) {
    if (id.value < static_cast<int>(graph().inputs.size())) {
      return std::holds_alternative<Expr>(graph().inputs[id.value].value);
    }
    for (const Node& node : graph().nodes) {
      for (const NodeOutput& output : node.outputs) {
        for (ValueId made : output.values) {
          if (made == id) return absl::StartsWith(node.op->name, "sym.");
        }
      }
    }
    return false;
  }

  // Another value of its type that is there before node `before`.
  std::optional<ValueId> Another(ValueId id, size_t before) {
    std::vector<ValueId> others;
    for (int i = 0; i < static_cast<int>(graph().inputs.size()); ++i) others.push_back(ValueId{i});
    for (size_t n = 0; n < before; ++n) {
      for (const NodeOutput& output : graph().nodes[n].outputs) {
        others.insert(others.end(), output.values.begin(), output.values.end());
      }
    }
    const bool is_scalar = IsScalar(id);
    std::erase_if(others, [&](ValueId other) { return other == id || IsScalar(other) != is_scalar; });
    if (others.empty()) return std::nullopt;
    return others[Roll(others.size())];
  }

  bool Rewire() {
    Node& node = PickNode();
    if (node.args.empty()) return false;
    m_.slot = Roll(node.args.size());
    ValueId* id = FirstValue(node.args[m_.slot]);
    if (id == nullptr) return false;
    std::optional<ValueId> other = Another(*id, static_cast<size_t>(m_.node));
    if (!other.has_value()) return false;
    m_.before = id->value;
    m_.after = other->value;
    m_.what = node.op->args[m_.slot].name;
    *id = *other;
    return true;
  }

  bool Insert() {
    Node& user = PickNode();
    ValueId* id = user.args.empty() ? nullptr : FirstValue(user.args[0]);
    if (id == nullptr || IsScalar(*id)) return false;
    Node inserted;
    inserted.op = FindTestSchema(kInserted);
    inserted.args = {Argument(*id)};
    const ValueId made{graph().num_values()};
    inserted.outputs = {NodeOutput{false, {made}}};
    *id = made;
    graph().value_names.push_back("inserted");
    graph().nodes.insert(graph().nodes.begin() + m_.node, std::move(inserted));
    m_.what = kInserted;
    return true;
  }

  bool Remove() {
    Node& node = PickNode();
    if (node.op->ordered || node.outputs.size() != 1 || node.outputs[0].values.size() != 1) return false;
    const ValueId made = node.outputs[0].values[0];
    ValueId* operand = node.args.empty() ? nullptr : FirstValue(node.args[0]);
    if (operand == nullptr || IsScalar(*operand) != IsScalar(made)) return false;
    const ValueId below = *operand;
    for (Node& user : graph().nodes) {
      for (Argument& arg : user.args) Replace(arg, made, below);
    }
    for (Argument& output : graph().outputs) Replace(output, made, below);
    m_.what = node.op->name;
    return true;
  }

  bool SwapOrder() {
    std::vector<int> ordered;
    for (size_t n = 0; n < graph().nodes.size(); ++n) {
      if (graph().nodes[n].op->ordered) ordered.push_back(static_cast<int>(n));
    }
    if (ordered.size() < 2) return false;
    const size_t pick = static_cast<size_t>(Roll(ordered.size() - 1));
    const int first = ordered[pick], second = ordered[pick + 1];
    // The second may need what comes after the first.
    std::vector<bool> late(graph().num_values());
    for (int n = first; n < second; ++n) {
      for (const NodeOutput& output : graph().nodes[n].outputs) {
        for (ValueId id : output.values) late[id.value] = true;
      }
    }
    bool needs = false;
    for (const Argument& arg : graph().nodes[second].args) VisitValues(arg, [&](ValueId id) { needs |= late[id.value]; });
    if (needs) return false;
    auto begin = graph().nodes.begin();
    std::rotate(begin + first, begin + second, begin + second + 1);
    m_.node = first;
    return true;
  }

  bool Output() {
    m_.slot = Roll(graph().outputs.size());
    ValueId* id = FirstValue(graph().outputs[m_.slot]);
    if (id == nullptr) return false;
    std::optional<ValueId> other = Another(*id, graph().nodes.size());
    if (!other.has_value()) return false;
    m_.before = id->value;
    m_.after = other->value;
    *id = *other;
    return true;
  }

  bool Input() {
    m_.slot = Roll(graph().inputs.size());
    GraphInput& input = graph().inputs[m_.slot];
    FakeTensor* t = std::get_if<FakeTensor>(&input.value);
    if (t == nullptr) return false;
    struct Field {
      const char* name;
      void (*change)(GraphInput&, FakeTensor&);
    };
    static constexpr Field kFields[] = {
        {"kind", [](GraphInput& i, FakeTensor&) { i.kind = i.kind == InputKind::kSaved ? InputKind::kUser : InputKind::kSaved; }},
        {"donated", [](GraphInput& i, FakeTensor&) { i.donated = !i.donated; }},
        {"constant", [](GraphInput& i, FakeTensor&) { i.constant = !i.constant; }},
        {"dtype", [](GraphInput&, FakeTensor& f) { f.dtype = DType::kBFloat16; }},
        {"device", [](GraphInput&, FakeTensor& f) { f.device = f.device.is_cpu() ? Device{"xpu", 0} : Device{}; }},
        {"requires_grad", [](GraphInput&, FakeTensor& f) { f.requires_grad = !f.requires_grad; }},
        {"conjugated", [](GraphInput&, FakeTensor& f) { f.conj_bit = !f.conj_bit; }},
        {"size of dimension 0", [](GraphInput&, FakeTensor& f) { f.sizes[0] = Expr(1009); }},
        {"stride of dimension 0", [](GraphInput&, FakeTensor& f) { f.strides[0] = Expr(1013); }},
        {"storage offset", [](GraphInput&, FakeTensor& f) { f.storage_offset = Expr(17); }},
        {"storage bytes", [](GraphInput& i, FakeTensor&) { i.storage_bytes = Expr(1 << 20); }},
    };
    const Field& field = kFields[Roll(std::size(kFields))];
    m_.what = field.name;
    if (absl::StrContains(m_.what, "dimension") && t->rank() == 0) return false;
    field.change(input, *t);
    return true;
  }

  std::mt19937 engine_;
  Mutation m_;
};

}  // namespace

std::optional<Mutation> MutateOne(const Graph& graph, MutationKind kind, uint32_t seed) {
  return Mutator(graph, kind, seed).Run();
}

}  // namespace kiln
