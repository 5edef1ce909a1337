#include "fake_runtime/report/graph_page.h"

#include "absl/strings/str_cat.h"
#include "fake_runtime/report/graph_data.h"
#include "fake_runtime/report/graph_drawing.h"
#include "fake_runtime/report/page_frame.h"

namespace kiln {

std::string GraphPage(const PropagationReport& report) {
  const GraphDrawing drawing(report);
  PageParts parts;
  parts.title = absl::StrCat(report.graph, " - kiln propagate");
  parts.heading = report.graph;
  parts.summary = SummaryOf(report);
  parts.hint = "Click a symbol to see where it flows, a box for all that is known. Escape goes back.";
  parts.drawing = drawing.Svg();
  parts.data = GraphData(report, drawing);
  return FramePage(parts);
}

}  // namespace kiln
