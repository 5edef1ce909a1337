// A propagation's report, both ways: what the Propagate RPC answers with, and
// what its clients read back. Export and import are inverse.
#ifndef KILN_FAKE_RUNTIME_IMPORT_REPORT_PROTO_H_
#define KILN_FAKE_RUNTIME_IMPORT_REPORT_PROTO_H_

#include "absl/status/statusor.h"
#include "fake_runtime/report/propagation_report.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {

// The `table` is filled in as well.
v1::PropagateResponse ExportReport(const PropagationReport& report);

// MALFORMED_MESSAGE for numbers of values that are none: a server is not trusted
// more than a client. UNSUPPORTED_DTYPE.
absl::StatusOr<PropagationReport> ImportReport(const v1::PropagateResponse& response);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_IMPORT_REPORT_PROTO_H_
