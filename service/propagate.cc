#include "service/propagate.h"

#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "fake_runtime/import/export_graph.h"
#include "fake_runtime/import/import_graph.h"
#include "service/request_header.h"
#include "service/server_limits.h"
#include "service/worker_session.h"

namespace kiln {

absl::StatusOr<v1::PropagateResponse> PropagateInWorker(Front& front, const v1::PropagateRequest& request,
                                                        const CancelSignal* cancel) {
  KILN_RETURN_IF_ERROR(front.CheckServing());
  KILN_RETURN_IF_ERROR(CheckHeader(request.header()));
  v1::FrontToWorker frame;
  {
    // Malformed graphs are refused here, without the price of a process.
    ExprPool pool;
    KILN_ASSIGN_OR_RETURN(const Graph graph, ImportModule(request.module(), &pool, {FindOpSchema, RefusedOps()}));
    *frame.mutable_describe()->mutable_graph() = ExportGraph(graph);
  }
  KILN_ASSIGN_OR_RETURN(WorkerSession session, WorkerSession::Start(*front.zygote, kPropagateTimeLimit, cancel));
  KILN_RETURN_IF_ERROR(session.Send(frame));
  KILN_ASSIGN_OR_RETURN(v1::WorkerToFront answer, session.Receive());
  if (!answer.has_described()) {
    return MakeError(ErrorReason::kWorkerProtocol, "the worker answered describe with another frame");
  }
  return std::move(*answer.mutable_described()->mutable_response());
}

}  // namespace kiln
