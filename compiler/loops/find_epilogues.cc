#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "compiler/loops/epilogues.h"

namespace kiln {
namespace {

ValueId ResultOf(const Node& node) {
  const bool is_one = node.outputs.size() == 1 && node.outputs[0].values.size() == 1;
  return is_one ? node.outputs[0].values[0] : ValueId{};
}

// What follows one product.
class EpilogueGrower {
 public:
  EpilogueGrower(LoweringState& state, const ValueReaders& readers, const EpilogueRow& row, int product, bool takes_sums)
      : state_(state), readers_(readers), row_(row), takes_sums_(takes_sums), value_(ResultOf(fake().graph.nodes[product])) {
    epilogue_.product = product;
  }

  std::optional<Epilogue> Grow() {
    if (row_.is_matrix) FollowViews();
    if (!TakeActivation() && (!takes_sums_ || !TakeSum())) return std::nullopt;
    std::sort(epilogue_.nodes.begin(), epilogue_.nodes.end());
    return WritesBetween() ? std::nullopt : std::make_optional(std::move(epilogue_));
  }

 private:
  FakeGraph& fake() { return state_.fake; }
  ShapeEnv& env() { return *state_.fake.env; }
  const Node& NodeOf(int n) { return fake().graph.nodes[n]; }

  // The one node that reads the value; -1 where there is none, or the caller sees it.
  int OnlyReader(ValueId id) const {
    return readers_.Of(id).size() == 1 && !readers_.IsReturned(id) ? readers_.Of(id)[0] : -1;
  }

  void FollowViews() {
    for (int reader = OnlyReader(value_); reader >= 0; reader = OnlyReader(value_)) {
      const ValueId view = readers_.ViewMadeBy(reader, value_);
      if (view.value < 0 || !KnownContiguous(env(), fake().tensor(view))) return;
      epilogue_.nodes.push_back(reader);
      value_ = view;
    }
  }

  // Whether the library, which lays its result out like the product, gives `t` so.
  bool HasLayoutOfProduct(const FakeTensor& t) {
    if (row_.is_matrix) return KnownContiguous(env(), t);
    const FakeTensor& product = fake().tensor(ResultOf(NodeOf(epilogue_.product)));
    return KnownSameDims(env(), t.sizes, product.sizes) && KnownSameDims(env(), t.strides, product.strides);
  }

  bool TakeActivation() {
    if (!state_.HostServes(row_.unary)) return false;
    std::optional<MatchedActivation> found = MatchActivation(fake(), readers_, value_);
    if (!found.has_value()) return false;
    if (!found->row->is_exact && !state_.options.all_epilogues) return false;
    // Bounds that cross mean one thing to PyTorch and nothing to a library.
    if (found->row->name == "hardtanh" && !(found->numbers[0] <= found->numbers[1])) return false;
    if (!HasLayoutOfProduct(fake().tensor(ResultOf(NodeOf(found->nodes.back()))))) return false;
    Take(found->nodes, std::string(found->row->name));
    epilogue_.activation = std::move(found);
    return true;
  }

  bool TakeSum() {
    if (!state_.HostServes(row_.binary)) return false;
    // In other layouts oneDNN has no sum of a convolution in bfloat16.
    if (!row_.is_matrix && !KnownChannelsLast(env(), fake().tensor(value_))) return false;
    const int sum = OnlyReader(value_);
    if (sum < 0 || NodeOf(sum).op->name != "aten.add.Tensor") return false;
    const std::vector<Argument>& args = NodeOf(sum).args;
    const Argument& other = args[0] == Argument(value_) ? args[1] : args[0];
    const ValueId* addend = other.get_if<ValueId>();
    if (!IsOne(args[2]) || addend == nullptr || *addend == value_) return false;
    const FakeTensor* added = std::get_if<FakeTensor>(&fake().values[addend->value]);
    const FakeTensor& value = fake().tensor(value_);
    const FakeTensor& result = fake().tensor(ResultOf(NodeOf(sum)));
    const bool is_alike = added != nullptr && added->dtype == value.dtype && result.dtype == value.dtype &&
                          KnownSameDims(env(), added->sizes, value.sizes);
    if (!is_alike || !HasLayoutOfProduct(*added) || !HasLayoutOfProduct(result)) return false;
    epilogue_.addend = *addend;
    Take({sum}, "add");
    if (row_.relu_after_sum) TakeReluOfSum();
    return true;
  }

  void TakeReluOfSum() {
    std::optional<MatchedActivation> found = MatchActivation(fake(), readers_, value_);
    if (!found.has_value() || found->row->name != "relu" || !state_.options.all_epilogues) return;
    if (!HasLayoutOfProduct(fake().tensor(ResultOf(NodeOf(found->nodes.back()))))) return;
    Take(found->nodes, "add, relu");
    epilogue_.activation = std::move(found);
  }

  void Take(const std::vector<int>& nodes, std::string what) {
    epilogue_.nodes.insert(epilogue_.nodes.end(), nodes.begin(), nodes.end());
    epilogue_.what = std::move(what);
    value_ = ResultOf(NodeOf(nodes.back()));
  }

  // The call comes where the last node stood; what it reads must be then what it was.
  bool WritesBetween() {
    for (int n = epilogue_.product + 1; n < epilogue_.last(); ++n) {
      if (NodeOf(n).op->is_mutating()) return true;
    }
    return false;
  }

  LoweringState& state_;
  const ValueReaders& readers_;
  const EpilogueRow& row_;
  const bool takes_sums_;
  ValueId value_;  // what the nodes so far make
  Epilogue epilogue_;
};

// The storages of parameters and buffers that the graph itself does not write.
absl::flat_hash_set<StorageId> ConstantStorages(const LoweringState& state) {
  const FakeGraph& fake = state.fake;
  absl::flat_hash_set<StorageId> constant;
  for (size_t i = 0; i < fake.graph.inputs.size(); ++i) {
    const InputKind kind = fake.graph.inputs[i].kind;
    const FakeTensor* t = std::get_if<FakeTensor>(&fake.values[i]);
    const bool is_weight = t != nullptr && (kind == InputKind::kParameter || kind == InputKind::kBuffer);
    if (is_weight && !state.written.contains(t->storage)) constant.insert(t->storage);
  }
  return constant;
}

}  // namespace

std::vector<Epilogue> FindEpilogues(LoweringState& state, const ValueReaders& readers, const std::vector<bool>& live) {
  std::vector<Epilogue> found;
  absl::flat_hash_set<int> taken;
  const auto constant = ConstantStorages(state);
  for (int n = 0; n < static_cast<int>(state.fake.graph.nodes.size()); ++n) {
    const EpilogueRow* row = live[n] ? FindEpilogueRow(state.fake.graph.nodes[n].op->name) : nullptr;
    if (row == nullptr) continue;
    LoweringContext product(state, n);
    if (!row->is_able(product)) continue;
    const LoweringOptions& options = state.options;
    const bool is_packed = options.pack_weights && state.HostServes(row->unary) && row->does_packing_pay(product) &&
                           constant.contains(product.args().Tensor(row->weight).storage);
    // Where the library makes the product anyhow, an epilogue is one pass less.
    const bool takes_all = options.all_epilogues || is_packed;
    if (!takes_all && !(options.library_epilogues && row->does_activation_pay(product))) continue;
    std::optional<Epilogue> epilogue = EpilogueGrower(state, readers, *row, n, takes_all).Grow();
    // A sum of two products is the epilogue of one of them.
    const bool is_free = epilogue.has_value() && std::none_of(epilogue->nodes.begin(), epilogue->nodes.end(),
                                                              [&](int node) { return taken.contains(node); });
    if (!is_free && !is_packed) continue;
    if (!is_free) epilogue = Epilogue{.product = n};
    taken.insert(epilogue->nodes.begin(), epilogue->nodes.end());
    found.push_back(*std::move(epilogue));
  }
  return found;
}

}  // namespace kiln
