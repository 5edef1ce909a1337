// Where the boxes of a graph's drawing stand: layers from top to bottom, boxes of
// a layer in an order that crosses few edges, each below what it uses. After
// Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical
// system structures" (1981): layers by longest path, orders by barycentres.
//
// Two things are not in the book, since graphs of tensor programs are long and
// thin: an input stands just above its first user instead of at the top, and an
// edge over more than a few layers is not drawn but named at both ends.
//
// Linear in boxes and drawn edges, but for sorting.
#ifndef KILN_FAKE_RUNTIME_REPORT_LAYOUT_GRAPH_H_
#define KILN_FAKE_RUNTIME_REPORT_LAYOUT_GRAPH_H_

#include <vector>

namespace kiln {

struct BoxToPlace {
  double width = 0, height = 0;
  // What no box points to is pulled down to its first user.
  bool is_input = false;
};

// Boxes are numbered in an order in which every edge goes from a lower number to
// a higher; several edges between two boxes count as one.
struct EdgeToPlace {
  int from = 0, to = 0;
};

struct Point {
  double x = 0, y = 0;
};

struct PlacedEdge {
  // False for one that spans too many layers.
  bool drawn = false;
  // Where it passes through the layers between its ends.
  std::vector<Point> bends;
};

struct GraphLayout {
  std::vector<Point> boxes;  // top left corners
  std::vector<PlacedEdge> edges;
  double width = 0, height = 0;
};

GraphLayout LayoutGraph(const std::vector<BoxToPlace>& boxes, const std::vector<EdgeToPlace>& edges);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_REPORT_LAYOUT_GRAPH_H_
