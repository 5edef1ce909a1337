// An artifact's steps in the form in which a page draws a graph: what a manifest says
// of the graph that it came from.
#ifndef KILN_CLIENTS_CLI_REPORT_STEPS_H_
#define KILN_CLIENTS_CLI_REPORT_STEPS_H_

#include <string>
#include <vector>

#include "fake_runtime/report/propagation_report.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// A node for each step, without values and edges; the manifest's guards, each with the
// first step that computes its node. `record` may be null.
PropagationReport ReportSteps(const v1::Manifest& manifest, const v1::VariantRecord* record);

// The operators that a step computes, with their lines, a few at most.
std::vector<std::string> NotesOfStep(const v1::Manifest& manifest, const v1::VariantRecord* record, int step);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_REPORT_STEPS_H_
