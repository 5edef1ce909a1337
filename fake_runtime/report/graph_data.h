// What the script of a graph's page knows: symbols, boxes and facts, as JSON.
#ifndef KILN_FAKE_RUNTIME_REPORT_GRAPH_DATA_H_
#define KILN_FAKE_RUNTIME_REPORT_GRAPH_DATA_H_

#include <string>
#include <vector>

#include "fake_runtime/report/graph_drawing.h"
#include "fake_runtime/report/page_text.h"
#include "fake_runtime/report/propagation_report.h"

namespace kiln {

std::vector<JsonField> GraphData(const PropagationReport& report, const GraphDrawing& drawing);

// "2 inputs, 3 nodes, 1 symbols, 0 guards".
std::string SummaryOf(const PropagationReport& report);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_REPORT_GRAPH_DATA_H_
