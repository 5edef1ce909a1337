#include "fake_runtime/graph/graph_structure.h"

#include <cstdint>
#include <cstring>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace kiln {
namespace {

int64_t Bits(double value) {
  int64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

template <typename... T>
size_t Combine(const T&... parts) {
  return absl::HashOf(parts...);
}

}  // namespace

bool SameLiteral(const Argument& a, const Argument& b) {
  const double* x = a.get_if<double>();
  const double* y = b.get_if<double>();
  if (x != nullptr && y != nullptr) return Bits(*x) == Bits(*y);
  return a == b;
}

GraphStructure::GraphStructure(const Graph& graph)
    : graph_(graph), node_of_(graph.num_values(), -1), place_of_(graph.num_values()) {
  for (size_t i = 0; i < graph.inputs.size(); ++i) place_of_[i] = static_cast<int>(i);
  hashes_.reserve(graph.nodes.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    size_t hash = Combine(absl::string_view(node.op->name), node.args.size(), node.outputs.size());
    for (const Argument& arg : node.args) hash = Combine(hash, ArgumentHash(arg));
    int place = 0;
    for (const NodeOutput& output : node.outputs) {
      hash = Combine(hash, output.is_list, output.values.size());
      for (ValueId id : output.values) {
        node_of_[id.value] = static_cast<int>(n);
        place_of_[id.value] = place++;
      }
    }
    hashes_.push_back(hash);
    known_.insert(hash);
  }
}

size_t GraphStructure::value_hash(ValueId id) const {
  const int node = node_of(id);
  return node < 0 ? Combine(-1, place_of(id)) : Combine(hashes_[node], place_of(id));
}

size_t GraphStructure::ArgumentHash(const Argument& arg) const {
  const size_t kind = arg.v.index();
  if (const ValueId* id = arg.get_if<ValueId>()) return Combine(kind, value_hash(*id));
  if (const int64_t* i = arg.get_if<int64_t>()) return Combine(kind, *i);
  if (const double* d = arg.get_if<double>()) return Combine(kind, Bits(*d));
  if (const bool* b = arg.get_if<bool>()) return Combine(kind, *b);
  if (const std::string* s = arg.get_if<std::string>()) return Combine(kind, *s);
  if (const DType* d = arg.get_if<DType>()) return Combine(kind, static_cast<int>(*d));
  if (const Device* d = arg.get_if<Device>()) return Combine(kind, d->type, d->index);
  if (const Layout* l = arg.get_if<Layout>()) return Combine(kind, static_cast<int>(*l));
  if (const MemoryFormat* m = arg.get_if<MemoryFormat>()) return Combine(kind, static_cast<int>(*m));
  size_t hash = kind;
  if (const ArgumentList* list = arg.get_if<ArgumentList>()) {
    hash = Combine(hash, list->size());
    for (const Argument& item : *list) hash = Combine(hash, ArgumentHash(item));
  }
  return hash;
}

std::vector<int> GraphStructure::OrderedNodes() const {
  std::vector<int> nodes;
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    const OpSchema& op = *graph_.nodes[n].op;
    if (op.ordered || op.is_mutating()) nodes.push_back(static_cast<int>(n));
  }
  return nodes;
}

}  // namespace kiln
