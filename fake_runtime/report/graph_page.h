// One self-contained HTML page of a propagated graph: a drawing with the shapes on
// the edges and the guards in the nodes where they were born, a search, and what is
// known of the symbol or the node that one clicks.
//
// Nothing is loaded from anywhere. Names, source lines and expressions are the
// client's: everything is escaped, and the page's policy lets no script run but its
// own.
#ifndef KILN_FAKE_RUNTIME_REPORT_GRAPH_PAGE_H_
#define KILN_FAKE_RUNTIME_REPORT_GRAPH_PAGE_H_

#include <string>

#include "fake_runtime/report/propagation_report.h"

namespace kiln {

std::string GraphPage(const PropagationReport& report);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_REPORT_GRAPH_PAGE_H_
