// The drawing of a graph as SVG: a box for each input, node and for what is
// returned, with the shapes on the edges and the guards in the boxes where they
// were born. Symbols and boxes can be clicked; page_script.cc says what happens then.
#ifndef KILN_FAKE_RUNTIME_REPORT_GRAPH_DRAWING_H_
#define KILN_FAKE_RUNTIME_REPORT_GRAPH_DRAWING_H_

#include <string>
#include <vector>

#include "fake_runtime/report/layout_graph.h"
#include "fake_runtime/report/propagation_report.h"

namespace kiln {

struct DrawnBox {
  enum class Kind { kInput, kNode, kOutput } kind = Kind::kNode;
  int index = 0;  // of the input or the node
  std::string title, at;
  std::vector<int> values, uses;
  std::vector<std::string> guards;
};

// How a node looks, where nodes are told apart by what became of them.
struct NodeLook {
  // In degrees: the box has the first one's colour, and stripes of the others.
  std::vector<int> hues;
  std::string css_class;
  // Lines below the title.
  std::vector<std::string> notes;
};

struct DrawingOptions {
  std::vector<NodeLook> looks;  // by node, or empty
  // Nodes are steps whose edges are not known: they stand below each other, and
  // nothing is returned.
  bool only_order = false;
};

class GraphDrawing {
 public:
  // `report` outlives the drawing.
  explicit GraphDrawing(const PropagationReport& report, DrawingOptions options = {});

  std::string Svg() const;
  // Numbers of boxes are those of their elements, "b7".
  const std::vector<DrawnBox>& boxes() const { return boxes_; }
  int BoxOfNode(int node) const { return static_cast<int>(report_.inputs.size()) + node; }
  // Where the first node stands.
  double StartX() const;

 private:
  struct Edge {
    int value = 0, from = 0, to = 0;
  };

  void MakeBoxes();
  void MakeEdges();
  void Place();

  const NodeLook& LookOf(const DrawnBox& box) const;
  std::vector<std::string> LinesOf(const DrawnBox& box) const;
  std::string NumberOf(const DrawnBox& box) const;
  std::string LabelOf(int value) const;
  Point Port(int box, int value) const;
  std::string SymbolsOf(const std::string& text) const;
  std::string Marked(const std::string& text) const;

  void DrawEdges(std::vector<int> edges, std::string& out) const;
  void DrawFar(int box, const std::vector<int>& edges, std::string& out) const;
  void DrawLabels(int box, std::string& out) const;
  void DrawBox(int index, std::string& out) const;

  const PropagationReport& report_;
  const DrawingOptions options_;
  std::vector<DrawnBox> boxes_;
  std::vector<Edge> edges_;
  std::vector<BoxToPlace> sizes_;
  GraphLayout layout_;
};

// "f32[s0, 4]" or "int s0".
std::string ShapeOf(const ValueReport& value);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_REPORT_GRAPH_DRAWING_H_
