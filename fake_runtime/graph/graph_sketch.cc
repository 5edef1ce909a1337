#include "fake_runtime/graph/graph_sketch.h"

#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace kiln {
namespace {

// splitmix64's finaliser: absl's hashes differ between processes.
uint64_t Mix(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

uint64_t With(uint64_t hash, uint64_t value) { return Mix(hash ^ (value + 0x9e3779b97f4a7c15u)); }

// FNV-1a.
uint64_t HashText(absl::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

enum Feature : uint64_t { kInputFeature = 1, kNodeFeature, kEdgeFeature };

class Sketcher {
 public:
  Sketcher() { sketch_.fill(UINT32_MAX); }

  // The n-th of equal features is a feature of its own, so that counts count.
  void Add(uint64_t feature) {
    const uint64_t counted = With(feature, static_cast<uint64_t>(count_[feature]++));
    for (int w = 0; w < kSketchWords; ++w) {
      const auto word = static_cast<uint32_t>(With(counted, static_cast<uint64_t>(w)) >> 32);
      sketch_[w] = std::min(sketch_[w], word);
    }
  }
  const GraphSketch& sketch() const { return sketch_; }

 private:
  absl::flat_hash_map<uint64_t, int> count_;
  GraphSketch sketch_;
};

uint64_t InputFeature(const GraphInput& input) {
  const uint64_t hash = With(kInputFeature, HashText(InputKindName(input.kind)));
  const FakeTensor* t = std::get_if<FakeTensor>(&input.value);
  if (t == nullptr) return hash;
  return With(With(hash, HashText(DTypeText(t->dtype))), t->sizes.size());
}

}  // namespace

GraphSketch SketchGraph(const Graph& graph) {
  Sketcher sketcher;
  // What defines a value: an operator's name, or that it is an input.
  std::vector<uint64_t> maker(graph.num_values(), kInputFeature);
  absl::flat_hash_map<const OpSchema*, uint64_t> names;
  for (const GraphInput& input : graph.inputs) sketcher.Add(InputFeature(input));
  for (const Node& node : graph.nodes) {
    auto [name, is_new] = names.try_emplace(node.op);
    if (is_new) name->second = HashText(node.op->name);
    const uint64_t op = name->second;
    sketcher.Add(With(kNodeFeature, op));
    for (size_t a = 0; a < node.args.size(); ++a) {
      VisitValues(node.args[a], [&](ValueId id) {
        sketcher.Add(With(With(With(kEdgeFeature, op), a), maker[id.value]));
      });
    }
    for (const NodeOutput& output : node.outputs) {
      for (ValueId id : output.values) maker[id.value] = op;
    }
  }
  return sketcher.sketch();
}

int SketchLikeness(const GraphSketch& a, const GraphSketch& b) {
  int equal = 0;
  for (int w = 0; w < kSketchWords; ++w) equal += a[w] == b[w];
  return equal;
}

}  // namespace kiln
