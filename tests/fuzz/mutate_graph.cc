#include "tests/fuzz/mutate_graph.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

constexpr int64_t kExtremes[] = {INT64_MAX,     INT64_MIN, INT64_MAX - 1, INT64_MIN + 1, 1LL << 62, 1LL << 40,
                                 (1LL << 31) - 1, -(1LL << 31), 65536,    -65536,        1000000};
// Of the export schema.
constexpr int kDTypes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 33, 34};
constexpr const char* kDevices[] = {"cpu", "cpu", "cpu", "cuda", "meta"};
constexpr const char* kBinary[] = {" + ", "*", "//", " % ", " - "};
constexpr const char* kCalls[] = {"Max", "Min", "CeilDiv", "FloorDiv", "Mod", "PythonMod"};
constexpr const char* kComparisons[] = {" == ", " != ", " < ", " <= ", " > ", " >= "};

class GraphMutator {
 public:
  GraphMutator(v1::Graph& graph, unsigned seed) : graph_(graph), random_(seed) {}

  void Mutate() {
    using Change = void (GraphMutator::*)();
    static constexpr Change kChanges[] = {
        &GraphMutator::AddNode,        &GraphMutator::AddNode,       &GraphMutator::AddNode,
        &GraphMutator::Retarget,       &GraphMutator::ChangeArgument, &GraphMutator::ChangeArgument,
        &GraphMutator::ChangeArgument, &GraphMutator::AddArgument,   &GraphMutator::ChangeSize,
        &GraphMutator::ChangeSize,     &GraphMutator::ChangeLayout,  &GraphMutator::SymbolizeSize,
        &GraphMutator::SymbolizeSize,  &GraphMutator::ChangeRank,    &GraphMutator::AddInput,
        &GraphMutator::AddAssumption,  &GraphMutator::DropNode,      &GraphMutator::ChangeDType,
    };
    (this->*kChanges[Below(std::size(kChanges))])();
  }

 private:
  size_t Below(size_t count) { return random_() % count; }

  int64_t SomeInt() {
    const size_t kind = Below(16);
    if (kind == 0) return kExtremes[Below(std::size(kExtremes))];
    if (kind < 4) return static_cast<int64_t>(Below(64));
    return static_cast<int64_t>(Below(9)) - 2;
  }

  // Values that node `before` may use.
  std::vector<std::string> ValuesBefore(int before) const {
    std::vector<std::string> values;
    for (const v1::Input& input : graph_.inputs()) values.push_back(input.name());
    for (int i = 0; i < before; ++i) {
      for (const v1::Output& output : graph_.nodes(i).outputs()) {
        for (const std::string& name : output.names()) {
          if (!name.empty()) values.push_back(name);
        }
      }
    }
    return values;
  }

  std::string FreshName() {
    std::string name;
    const std::vector<std::string> values = ValuesBefore(graph_.nodes_size());
    do {
      name = absl::StrCat("v", Below(100000));
    } while (std::find(values.begin(), values.end(), name) != values.end());
    return name;
  }

  v1::TensorMeta* SomeTensor() {
    if (graph_.inputs_size() == 0) return nullptr;
    v1::Input* input = graph_.mutable_inputs(static_cast<int>(Below(graph_.inputs_size())));
    return input->has_tensor() ? input->mutable_tensor() : nullptr;
  }

  std::string SomeSymbol() {
    if (graph_.symbols_size() == 0 || Below(8) == 0) DeclareSymbol();
    return graph_.symbols(static_cast<int>(Below(graph_.symbols_size()))).name();
  }

  void DeclareSymbol() {
    v1::SymbolDeclaration* s = graph_.add_symbols();
    const bool unbacked = Below(5) == 0;
    s->set_name(absl::StrCat(unbacked ? "u" : "s", graph_.symbols_size() - 1));
    s->set_policy(unbacked          ? v1::DIM_POLICY_UNBACKED
                  : Below(5) == 0 ? v1::DIM_POLICY_DYNAMIC
                                  : v1::DIM_POLICY_AUTOMATIC);
    if (!unbacked) s->set_hint(static_cast<int64_t>(Below(12)));
    if (Below(3) == 0) s->set_lower(static_cast<int64_t>(Below(4)) - 1);
    if (Below(4) == 0) s->set_upper(static_cast<int64_t>(Below(100)) + 2);
  }

  std::string SomeExpr(int depth) {
    if (depth == 0 || Below(3) == 0) return Below(4) == 0 ? absl::StrCat("(", SomeInt(), ")") : SomeSymbol();
    if (Below(3) == 0) {
      return absl::StrCat(kCalls[Below(std::size(kCalls))], "(", SomeExpr(depth - 1), ", ", SomeExpr(depth - 1), ")");
    }
    return absl::StrCat("(", SomeExpr(depth - 1), kBinary[Below(std::size(kBinary))], SomeExpr(depth - 1), ")");
  }

  std::string SomeCondition(int depth) {
    if (depth > 0 && Below(4) == 0) {
      return absl::StrCat(Below(2) == 0 ? "And(" : "Or(", SomeCondition(depth - 1), ", ", SomeCondition(depth - 1), ")");
    }
    if (depth > 0 && Below(6) == 0) return absl::StrCat("Not(", SomeCondition(depth - 1), ")");
    if (Below(4) == 0) return absl::StrCat(SomeSymbol(), " % ", Below(8) + 1, " == 0");
    return absl::StrCat(SomeExpr(2), kComparisons[Below(std::size(kComparisons))], SomeExpr(1));
  }

  // A literal or value for one element of `slot`.
  void SetElement(const ArgSchema& slot, const std::vector<std::string>& values, v1::Argument* arg) {
    switch (slot.type) {
      case ArgType::kTensor:
        if (values.empty() || Below(40) == 0) return arg->set_int_(SomeInt());
        return arg->set_value(values[Below(values.size())]);
      case ArgType::kScalar:
        if (Below(3) == 0) return arg->set_float_(static_cast<double>(Below(9)) / 2 - 1);
        return arg->set_int_(SomeInt());
      case ArgType::kInt:
      case ArgType::kSymInt:
        if (!values.empty() && Below(12) == 0) return arg->set_value(values[Below(values.size())]);
        return arg->set_int_(SomeInt());
      case ArgType::kFloat:
      case ArgType::kSymFloat:
        return arg->set_float_(static_cast<double>(Below(9)) / 2 - 1);
      case ArgType::kBool:
      case ArgType::kSymBool:
        return arg->set_bool_(Below(2) == 0);
      case ArgType::kString:
        return arg->set_string(Below(2) == 0 ? "mean" : "ij");
      case ArgType::kDType:
        return arg->set_dtype(kDTypes[Below(std::size(kDTypes))]);
      case ArgType::kDevice:
        return arg->mutable_device()->set_type(kDevices[Below(std::size(kDevices))]);
      case ArgType::kLayout:
        return arg->set_layout(v1::LAYOUT_STRIDED);
      case ArgType::kMemoryFormat:
        return arg->set_memory_format(static_cast<v1::MemoryFormat>(Below(4) + 1));
      case ArgType::kGenerator:
        return arg->set_none(true);
    }
  }

  void SetArgument(const ArgSchema& slot, const std::vector<std::string>& values, v1::Argument* arg) {
    arg->Clear();
    if (slot.is_optional && Below(3) == 0) return arg->set_none(true);
    if (!slot.is_list) return SetElement(slot, values, arg);
    v1::ArgumentList* list = arg->mutable_list();
    const size_t count = slot.list_size > 0 && Below(3) != 0 ? slot.list_size : Below(5);
    for (size_t i = 0; i < count; ++i) {
      v1::Argument* item = list->add_items();
      if (slot.elements_optional && Below(3) == 0) {
        item->set_none(true);
      } else {
        SetElement(slot, values, item);
      }
    }
  }

  void AddNode() {
    const OpSchema& op = OpTable()[Below(OpTable().size())].schema;
    const std::vector<std::string> values = ValuesBefore(graph_.nodes_size());
    v1::Node node;
    node.set_target(op.name);
    bool named = false;
    for (const ArgSchema& slot : op.args) {
      named = named || slot.keyword_only;
      if (slot.has_default && Below(2) == 0) {
        named = true;
        continue;
      }
      v1::NamedArgument* arg = node.add_inputs();
      if (named) arg->set_name(slot.name);
      SetArgument(slot, values, arg->mutable_value());
    }
    for (const ReturnSchema& ret : op.returns) {
      v1::Output* output = node.add_outputs();
      output->set_is_list(ret.is_list);
      for (size_t k = ret.is_list ? Below(4) : 1; k > 0; --k) output->add_names(FreshName());
    }
    *graph_.add_nodes() = std::move(node);
  }

  int SomeNode() { return graph_.nodes_size() == 0 ? -1 : static_cast<int>(Below(graph_.nodes_size())); }

  // Another operator with as many arguments of the same types.
  void Retarget() {
    const int at = SomeNode();
    if (at < 0) return;
    v1::Node* node = graph_.mutable_nodes(at);
    const OpRow* old = FindOp(node->target());
    if (old == nullptr) return;
    const size_t start = Below(OpTable().size());
    for (size_t i = 0; i < OpTable().size(); ++i) {
      const OpSchema& op = OpTable()[(start + i) % OpTable().size()].schema;
      if (op.name == node->target() || !SameShape(op, old->schema)) continue;
      return node->set_target(op.name);
    }
  }

  static bool SameShape(const OpSchema& a, const OpSchema& b) {
    if (a.args.size() != b.args.size() || a.returns.size() != b.returns.size()) return false;
    for (size_t i = 0; i < a.args.size(); ++i) {
      if (a.args[i].type != b.args[i].type || a.args[i].is_list != b.args[i].is_list) return false;
    }
    return true;
  }

  void ChangeArgument() {
    const int at = SomeNode();
    if (at < 0 || graph_.nodes(at).inputs_size() == 0) return;
    v1::Node* node = graph_.mutable_nodes(at);
    const OpRow* row = FindOp(node->target());
    const int i = static_cast<int>(Below(node->inputs_size()));
    v1::NamedArgument* arg = node->mutable_inputs(i);
    if (row == nullptr) return;
    const int slot = arg->name().empty() ? i : row->schema.FindArg(arg->name());
    if (slot < 0 || slot >= static_cast<int>(row->schema.args.size())) return;
    const std::vector<std::string> values = ValuesBefore(at);
    v1::Argument* value = arg->mutable_value();
    if (value->has_list() && value->list().items_size() > 0 && Below(4) != 0) {
      const int k = static_cast<int>(Below(value->list().items_size()));
      v1::Argument* item = value->mutable_list()->mutable_items(k);
      item->Clear();
      return SetElement(row->schema.args[slot], values, item);
    }
    SetArgument(row->schema.args[slot], values, value);
  }

  // One that was left to its default.
  void AddArgument() {
    const int at = SomeNode();
    if (at < 0) return;
    v1::Node* node = graph_.mutable_nodes(at);
    const OpRow* row = FindOp(node->target());
    if (row == nullptr || row->schema.args.empty()) return;
    const ArgSchema& slot = row->schema.args[Below(row->schema.args.size())];
    v1::NamedArgument* arg = node->add_inputs();
    arg->set_name(slot.name);
    SetArgument(slot, ValuesBefore(at), arg->mutable_value());
  }

  static void MakeContiguous(v1::TensorMeta* t) {
    t->clear_strides();
    int64_t stride = 1;
    std::vector<int64_t> strides;
    for (int d = t->sizes_size() - 1; d >= 0; --d) {
      strides.push_back(stride);
      if (__builtin_mul_overflow(stride, std::max<int64_t>(1, t->sizes(d).value()), &stride)) stride = 1;
    }
    for (auto it = strides.rbegin(); it != strides.rend(); ++it) t->add_strides()->set_value(*it);
  }

  void ChangeSize() {
    v1::TensorMeta* t = SomeTensor();
    if (t == nullptr || t->sizes_size() == 0) return;
    t->mutable_sizes(static_cast<int>(Below(t->sizes_size())))->set_value(SomeInt());
    MakeContiguous(t);
  }

  void ChangeLayout() {
    v1::TensorMeta* t = SomeTensor();
    if (t == nullptr || t->strides_size() == 0) return;
    const int d = static_cast<int>(Below(t->strides_size()));
    if (Below(2) == 0) return t->mutable_strides(d)->set_value(SomeInt());
    t->mutable_strides()->SwapElements(d, static_cast<int>(Below(t->strides_size())));
  }

  void SymbolizeSize() {
    v1::TensorMeta* t = SomeTensor();
    if (t == nullptr || t->sizes_size() == 0) return;
    const int d = static_cast<int>(Below(t->sizes_size()));
    v1::SymExpr* where = Below(4) == 0 ? t->mutable_strides(std::min(d, t->strides_size() - 1)) : t->mutable_sizes(d);
    where->set_expr(Below(3) == 0 ? SomeExpr(2) : SomeSymbol());
  }

  void ChangeRank() {
    v1::TensorMeta* t = SomeTensor();
    if (t == nullptr) return;
    if (t->sizes_size() > 0 && Below(2) == 0) {
      t->mutable_sizes()->RemoveLast();
    } else {
      t->add_sizes()->set_value(SomeInt());
    }
    t->clear_policies();
    MakeContiguous(t);
  }

  void AddInput() {
    v1::Input* input = graph_.add_inputs();
    input->set_name(FreshName());
    input->set_kind(v1::INPUT_KIND_USER);
    if (Below(4) == 0) return input->mutable_sym_int()->set_expr(SomeExpr(1));
    v1::TensorMeta* t = input->mutable_tensor();
    t->set_dtype(kDTypes[Below(std::size(kDTypes))]);
    t->mutable_device()->set_type(kDevices[Below(std::size(kDevices))]);
    t->set_layout(v1::LAYOUT_STRIDED);
    for (size_t rank = Below(6); rank > 0; --rank) t->add_sizes()->set_value(static_cast<int64_t>(Below(5)));
    MakeContiguous(t);
  }

  void AddAssumption() { graph_.add_assumptions(SomeCondition(2)); }

  void DropNode() {
    if (graph_.nodes_size() > 1) graph_.mutable_nodes()->DeleteSubrange(SomeNode(), 1);
  }

  void ChangeDType() {
    v1::TensorMeta* t = SomeTensor();
    if (t != nullptr) t->set_dtype(kDTypes[Below(std::size(kDTypes))]);
  }

  v1::Graph& graph_;
  std::minstd_rand random_;
};

}  // namespace

void MutateGraph(v1::Graph& graph, unsigned seed) { GraphMutator(graph, seed).Mutate(); }

}  // namespace kiln
