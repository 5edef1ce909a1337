#include "compiler/layout/choose_layouts.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "compiler/decompose/decompose_context.h"
#include "compiler/loops/lowering_table.h"
#include "fake_runtime/ops/op_table.h"
#include "fake_runtime/written_storages.h"

namespace kiln {
namespace {

// How an operator meets a layout that nobody promised.
enum class Stance : uint8_t {
  kConvolves,  // likes channels together, and makes what it reads
  kFollows,    // reads any layout, and may make that of what it reads
  kReads,      // reads any layout, and makes its own
  kPins,       // must find what was promised
};

// aten::convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, SymInt[] dilation,
//                   bool transposed, SymInt[] output_padding, SymInt groups)
constexpr int kImage = 0;
constexpr int kWeight = 1;
constexpr int kTransposed = 6;

// Operators with loops of their own that make images of images.
constexpr absl::string_view kWindows[] = {
    "aten.avg_pool2d.default", "aten.cat.default", "aten.constant_pad_nd.default",
    "aten.max_pool2d_with_indices.default", "aten.upsample_nearest2d.default",
};

class LayoutChooser {
 public:
  LayoutChooser(Decomposed given, const LayoutOptions& options)
      : options_(options), given_(std::move(given)), fake_(given_.fake) {}

  absl::StatusOr<Decomposed> Run() {
    if (!HasConvolution()) return std::move(given_);
    FindPinned();
    lies_.resize(fake_.values.size(), false);
    std::vector<Node> nodes = std::move(fake_.graph.nodes);
    std::vector<int> origins = std::move(given_.origins);
    fake_.graph.nodes.clear();
    given_.origins.clear();
    for (size_t n = 0; n < nodes.size(); ++n) {
      KILN_RETURN_IF_ERROR(Visit(std::move(nodes[n])));
      given_.origins.resize(fake_.graph.nodes.size(), origins[n]);
    }
    return std::move(given_);
  }

 private:
  const FakeTensor* TensorOf(ValueId id) const { return std::get_if<FakeTensor>(&fake_.values[id.value]); }

  bool IsImage(ValueId id) const {
    const FakeTensor* t = TensorOf(id);
    return t != nullptr && t->rank() == 4 && t->layout == Layout::kStrided && t->device.is_cpu();
  }

  Stance StanceOf(const Node& node) const {
    if (node.op->is_mutating()) return Stance::kPins;
    // The host draws numbers in the order in which elements lie.
    if (options_.eager_random && RowOf(*node.op).has(kTagRandom)) return Stance::kPins;
    if (IsConvolution(node)) return Stance::kConvolves;
    if (node.op->name == "aten.sym_size.int") return Stance::kReads;
    // It speaks of storage, not of elements.
    if (absl::StrContains(node.op->name, "as_strided")) return Stance::kPins;
    const LoweringKind kind = LoweringOf(node.op->name);
    if (kind == LoweringKind::kPointwise) return Stance::kFollows;
    if (kind != LoweringKind::kLoops) return Stance::kPins;
    const bool makes_images = std::find(std::begin(kWindows), std::end(kWindows), node.op->name) != std::end(kWindows);
    return makes_images ? Stance::kFollows : Stance::kReads;
  }

  bool IsConvolution(const Node& node) const {
    if (node.op->name != "aten.convolution.default") return false;
    const ValueId* image = node.args[kImage].get_if<ValueId>();
    const bool* transposed = node.args[kTransposed].get_if<bool>();
    return image != nullptr && IsImage(*image) && IsFloating(TensorOf(*image)->dtype) && transposed != nullptr &&
           !*transposed;
  }

  bool HasConvolution() const {
    return std::any_of(fake_.graph.nodes.begin(), fake_.graph.nodes.end(),
                       [this](const Node& node) { return IsConvolution(node); });
  }

  // What must lie as propagation said.
  void FindPinned() {
    pinned_.assign(fake_.values.size(), false);
    auto pin = [this](ValueId id) { pinned_[id.value] = true; };
    for (size_t i = 0; i < fake_.graph.inputs.size(); ++i) pin(ValueId{static_cast<int>(i)});
    for (const Argument& output : fake_.graph.outputs) VisitValues(output, pin);
    for (const Node& node : fake_.graph.nodes) {
      if (StanceOf(node) != Stance::kPins) continue;
      for (const Argument& arg : node.args) VisitValues(arg, pin);
    }
    written_ = WrittenStorages(fake_);
    absl::flat_hash_map<StorageId, ValueId> owners;
    for (size_t i = 0; i < fake_.values.size(); ++i) {
      const ValueId id{static_cast<int>(i)};
      const FakeTensor* t = TensorOf(id);
      if (t == nullptr) continue;
      auto [owner, is_first] = owners.emplace(t->storage, id);
      if (is_first) continue;
      pin(id);
      pin(owner->second);
    }
  }

  bool MayMove(ValueId id) const {
    return IsImage(id) && !pinned_[id.value] && KnownContiguous(*fake_.env, *TensorOf(id));
  }

  void LayChannelsTogether(ValueId id) {
    FakeTensor& t = std::get<FakeTensor>(fake_.values[id.value]);
    t.strides = ChannelsLastStrides(*fake_.env, t.sizes);
    lies_[id.value] = true;
  }

  absl::Status Visit(Node node) {
    const Stance stance = StanceOf(node);
    if (stance == Stance::kConvolves) return VisitConvolution(std::move(node));
    if (stance == Stance::kFollows && ReadsMoved(node)) {
      for (const NodeOutput& output : node.outputs) {
        for (ValueId id : output.values) {
          if (MayMove(id)) LayChannelsTogether(id);
        }
      }
    }
    fake_.graph.nodes.push_back(std::move(node));
    return absl::OkStatus();
  }

  bool ReadsMoved(const Node& node) const {
    bool reads = false;
    for (const Argument& arg : node.args) {
      VisitValues(arg, [&](ValueId id) { reads = reads || lies_[id.value]; });
    }
    return reads;
  }

  absl::Status VisitConvolution(Node node) {
    const ValueId image = *node.args[kImage].get_if<ValueId>();
    const ValueId result = node.outputs[0].values[0];
    const bool moves = MayMove(result);
    if (!moves && !lies_[image.value]) {
      fake_.graph.nodes.push_back(std::move(node));
      return absl::OkStatus();
    }
    KILN_ASSIGN_OR_RETURN(ValueId moved, Moved(image, node));
    node.args[kImage] = Argument(moved);
    KILN_RETURN_IF_ERROR(MoveWeight(node));
    if (moves) LayChannelsTogether(result);
    if (!moves && !KnownChannelsLast(*fake_.env, *TensorOf(result))) return ConvolveInto(std::move(node), result);
    fake_.graph.nodes.push_back(std::move(node));
    return absl::OkStatus();
  }

  // `image` with its channels together: itself, or a clone that convolutions share
  // where nothing is written in between.
  absl::StatusOr<ValueId> Moved(ValueId image, const Node& reader) {
    if (lies_[image.value] || KnownChannelsLast(*fake_.env, *TensorOf(image))) return image;
    if (written_.contains(TensorOf(image)->storage)) return Clone(image, MemoryFormat::kChannelsLast, reader);
    auto [clone, is_new] = clones_.emplace(image, ValueId{});
    if (is_new) {
      KILN_ASSIGN_OR_RETURN(clone->second, Clone(image, MemoryFormat::kChannelsLast, reader));
    }
    return clone->second;
  }

  // A weight of single points has its channels together already.
  absl::Status MoveWeight(Node& node) {
    const ValueId weight = *node.args[kWeight].get_if<ValueId>();
    const FakeTensor& t = *TensorOf(weight);
    const bool is_point = t.sizes[2].IsInt(1) && t.sizes[3].IsInt(1);
    if (!options_.move_weights || is_point) return absl::OkStatus();
    KILN_ASSIGN_OR_RETURN(ValueId moved, Moved(weight, node));
    node.args[kWeight] = Argument(moved);
    return absl::OkStatus();
  }

  absl::StatusOr<ValueId> Clone(ValueId of, MemoryFormat format, const Node& node) {
    DecomposeContext d(fake_, *node.op, {}, node.location);
    const ValueId clone = d.Call("aten.clone.default", {of, {"memory_format", format}});
    lies_.resize(fake_.values.size(), false);
    pinned_.resize(fake_.values.size(), true);
    return d.ok() ? absl::StatusOr<ValueId>(clone) : d.status();
  }

  // The convolution makes channels together, since it reads them so; its result was
  // promised otherwise.
  absl::Status ConvolveInto(Node node, ValueId result) {
    const ValueId made{fake_.graph.num_values()};
    FakeTensor t = *TensorOf(result);
    t.strides = ChannelsLastStrides(*fake_.env, t.sizes);
    t.storage = StorageId{fake_.num_storages++};
    fake_.graph.value_names.emplace_back();
    fake_.values.emplace_back(std::move(t));
    node.outputs[0].values[0] = made;
    const Node reader = node;
    fake_.graph.nodes.push_back(std::move(node));
    KILN_ASSIGN_OR_RETURN(ValueId clone, Clone(made, MemoryFormat::kContiguous, reader));
    // Readers know the promised value's number.
    fake_.graph.nodes.back().outputs[0].values[0] = result;
    fake_.values[clone.value] = std::monostate();
    return absl::OkStatus();
  }

  const LayoutOptions options_;
  Decomposed given_;
  FakeGraph& fake_;
  std::vector<bool> pinned_;  // by value
  std::vector<bool> lies_;    // by value: channels lie together by our choice
  absl::flat_hash_map<ValueId, ValueId> clones_;
  absl::flat_hash_set<StorageId> written_;
};

}  // namespace

absl::StatusOr<Decomposed> ChooseLayouts(Decomposed given, const LayoutOptions& options) {
  return LayoutChooser(std::move(given), options).Run();
}

}  // namespace kiln
