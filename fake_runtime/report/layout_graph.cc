#include "fake_runtime/report/layout_graph.h"

#include <algorithm>

namespace kiln {
namespace {

// Edges over more layers than this are named, not drawn.
constexpr int kLongestEdge = 6;
constexpr int kSweeps = 6;
constexpr double kGapX = 28, kGapY = 54, kMargin = 24;
// What an edge needs where it passes a layer.
constexpr double kBendWidth = 10;

class Layout {
 public:
  Layout(const std::vector<BoxToPlace>& boxes, const std::vector<EdgeToPlace>& edges)
      : given_(boxes), given_edges_(edges) {}

  GraphLayout Run() {
    AssignLayers();
    MakeCells();
    for (int sweep = 0; sweep < kSweeps; ++sweep) Order(sweep % 2 == 0);
    PlaceX();
    return Finish();
  }

 private:
  // A box, or a bend of an edge.
  struct Cell {
    int layer = 0;
    double width = 0, x = 0;
    std::vector<int> above, below;
    double key = 0;
    double center() const { return x + width / 2; }
  };

  void AssignLayers() {
    const int n = static_cast<int>(given_.size());
    layer_.assign(n, 0);
    for (const std::vector<int>& in : EdgesInto()) {
      for (int e : in) {
        const EdgeToPlace& edge = given_edges_[e];
        if (!given_[edge.from].is_input) layer_[edge.to] = std::max(layer_[edge.to], layer_[edge.from] + 1);
      }
    }
    // Inputs one above their first user; all down by one for those of layer 0.
    for (int& layer : layer_) layer += 1;
    std::vector<int> first(n, 1 << 30);
    for (const EdgeToPlace& edge : given_edges_) first[edge.from] = std::min(first[edge.from], layer_[edge.to]);
    for (int b = 0; b < n; ++b) {
      if (given_[b].is_input) layer_[b] = first[b] == 1 << 30 ? 0 : first[b] - 1;
    }
  }

  std::vector<std::vector<int>> EdgesInto() const {
    std::vector<std::vector<int>> in(given_.size());
    for (size_t e = 0; e < given_edges_.size(); ++e) in[given_edges_[e].to].push_back(static_cast<int>(e));
    return in;
  }

  void MakeCells() {
    int last = 0;
    for (size_t b = 0; b < given_.size(); ++b) {
      cells_.push_back({layer_[b], given_[b].width, 0, {}, {}, 0});
      last = std::max(last, layer_[b]);
    }
    layers_.resize(last + 1);
    for (size_t b = 0; b < given_.size(); ++b) layers_[layer_[b]].push_back(static_cast<int>(b));
    bends_.resize(given_edges_.size());
    for (size_t e = 0; e < given_edges_.size(); ++e) {
      const auto [from, to] = given_edges_[e];
      if (layer_[to] - layer_[from] > kLongestEdge) continue;
      int before = from;
      for (int l = layer_[from] + 1; l < layer_[to]; ++l) {
        const int bend = static_cast<int>(cells_.size());
        cells_.push_back({l, kBendWidth, 0, {}, {}, 0});
        layers_[l].push_back(bend);
        bends_[e].push_back(bend);
        Join(before, bend);
        before = bend;
      }
      Join(before, to);
    }
  }

  void Join(int above, int below) {
    cells_[above].below.push_back(below);
    cells_[below].above.push_back(above);
  }

  // Sorts each layer by the mean place of the neighbours in the one before it.
  void Order(bool downwards) {
    std::vector<double> place(cells_.size());
    const int n = static_cast<int>(layers_.size());
    for (const std::vector<int>& layer : layers_) {
      for (size_t i = 0; i < layer.size(); ++i) place[layer[i]] = static_cast<double>(i);
    }
    for (int step = 0; step < n; ++step) {
      std::vector<int>& layer = layers_[downwards ? step : n - 1 - step];
      for (int c : layer) {
        const std::vector<int>& neighbours = downwards ? cells_[c].above : cells_[c].below;
        cells_[c].key = place[c];
        if (neighbours.empty()) continue;
        double sum = 0;
        for (int o : neighbours) sum += place[o];
        cells_[c].key = sum / static_cast<double>(neighbours.size());
      }
      std::stable_sort(layer.begin(), layer.end(), [&](int a, int b) { return cells_[a].key < cells_[b].key; });
      for (size_t i = 0; i < layer.size(); ++i) place[layer[i]] = static_cast<double>(i);
    }
  }

  void PlaceX() {
    for (const std::vector<int>& layer : layers_) {
      double x = 0;
      for (int c : layer) {
        cells_[c].x = x;
        x += cells_[c].width + kGapX;
      }
      for (int c : layer) cells_[c].x -= x / 2;
    }
    const int n = static_cast<int>(layers_.size());
    for (int sweep = 0; sweep < 2 * kSweeps; ++sweep) {
      for (int step = 0; step < n; ++step) Straighten(layers_[sweep % 2 == 0 ? step : n - 1 - step], sweep % 2 == 0);
    }
  }

  // Moves the cells of a layer below (or above) their neighbours, as far as their
  // widths let them: the mean of packing from the left and from the right.
  void Straighten(const std::vector<int>& layer, bool downwards) {
    std::vector<double> wish(layer.size());
    for (size_t i = 0; i < layer.size(); ++i) {
      const Cell& cell = cells_[layer[i]];
      const std::vector<int>& first = downwards ? cell.above : cell.below;
      const std::vector<int>& neighbours = first.empty() ? (downwards ? cell.below : cell.above) : first;
      double sum = 0;
      for (int o : neighbours) sum += cells_[o].center();
      wish[i] = neighbours.empty() ? cell.x : sum / static_cast<double>(neighbours.size()) - cell.width / 2;
    }
    std::vector<double> left = wish, right = wish;
    for (size_t i = 1; i < layer.size(); ++i) {
      left[i] = std::max(left[i], left[i - 1] + cells_[layer[i - 1]].width + kGapX);
    }
    for (size_t i = layer.size(); i-- > 1;) {
      right[i - 1] = std::min(right[i - 1], right[i] - cells_[layer[i - 1]].width - kGapX);
    }
    for (size_t i = 0; i < layer.size(); ++i) cells_[layer[i]].x = (left[i] + right[i]) / 2;
  }

  GraphLayout Finish() {
    GraphLayout out;
    double leftmost = 0, rightmost = 0;
    for (const Cell& cell : cells_) {
      leftmost = std::min(leftmost, cell.x);
      rightmost = std::max(rightmost, cell.x + cell.width);
    }
    std::vector<double> top(layers_.size()), height(layers_.size());
    double y = kMargin;
    for (size_t l = 0; l < layers_.size(); ++l) {
      top[l] = y;
      for (int c : layers_[l]) {
        if (c < static_cast<int>(given_.size())) height[l] = std::max(height[l], given_[c].height);
      }
      y += height[l] + kGapY;
    }
    for (size_t b = 0; b < given_.size(); ++b) out.boxes.push_back({cells_[b].x - leftmost + kMargin, top[layer_[b]]});
    for (size_t e = 0; e < given_edges_.size(); ++e) {
      PlacedEdge& edge = out.edges.emplace_back();
      edge.drawn = layer_[given_edges_[e].to] - layer_[given_edges_[e].from] <= kLongestEdge;
      for (int bend : bends_[e]) {
        const int l = cells_[bend].layer;
        edge.bends.push_back({cells_[bend].center() - leftmost + kMargin, top[l]});
        edge.bends.push_back({cells_[bend].center() - leftmost + kMargin, top[l] + height[l]});
      }
    }
    out.width = rightmost - leftmost + 2 * kMargin;
    out.height = y + kMargin;
    return out;
  }

  const std::vector<BoxToPlace>& given_;
  const std::vector<EdgeToPlace>& given_edges_;
  std::vector<int> layer_;
  std::vector<Cell> cells_;  // boxes first
  std::vector<std::vector<int>> layers_, bends_;
};

}  // namespace

GraphLayout LayoutGraph(const std::vector<BoxToPlace>& boxes, const std::vector<EdgeToPlace>& edges) {
  return Layout(boxes, edges).Run();
}

}  // namespace kiln
