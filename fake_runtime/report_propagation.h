// From a propagation to its report.
#ifndef KILN_FAKE_RUNTIME_REPORT_PROPAGATION_H_
#define KILN_FAKE_RUNTIME_REPORT_PROPAGATION_H_

#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/report/propagation_report.h"

namespace kiln {

// Costs as much as printing the graph, and the reduction of the guards.
PropagationReport ReportPropagation(const FakeGraph& fake);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_REPORT_PROPAGATION_H_
