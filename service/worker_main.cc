#include "service/worker_main.h"

#include <sys/prctl.h>

#include <utility>
#include <variant>

#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/import/import_graph.h"
#include "fake_runtime/import/report_proto.h"
#include "fake_runtime/report_propagation.h"
#include "kiln/v1/worker.pb.h"
#include "service/frame_socket.h"
#include "service/worker_frames.h"
#include "service/worker_limits.h"

namespace kiln {
namespace {

class Worker {
 public:
  Worker(UniqueFd socket, const CompilerEntry& compiler)
      : socket_(std::move(socket), kMaxFrameBytes), compiler_(compiler) {}

  int Run() {
    absl::StatusOr<v1::FrontToWorker> frame = ReadMessage<v1::FrontToWorker>(socket_, {});
    if (!frame.ok()) return 1;
    absl::StatusOr<v1::WorkerToFront> answer = Serve(*frame);
    // A front that said "drop" or went away hears nothing more.
    if (dropped_) return 0;
    if (!answer.ok()) answer = FailedFrame(answer.status());
    return WriteMessage(socket_, *answer, {}).ok() ? 0 : 1;
  }

 private:
  absl::StatusOr<v1::WorkerToFront> Serve(const v1::FrontToWorker& frame) {
    KILN_RETURN_IF_ERROR(ConfineWorker(GetLimit(Limit::kWorkerMemoryBytes)));
    switch (frame.kind_case()) {
      case v1::FrontToWorker::kStart:
        return CompileGraph(frame.start());
      case v1::FrontToWorker::kDescribe:
        return DescribeGraph(frame.describe());
      case v1::FrontToWorker::kDecision:
      case v1::FrontToWorker::KIND_NOT_SET:
        break;
    }
    return MakeError(ErrorReason::kWorkerProtocol, "a worker's first frame must be start or describe");
  }

  absl::StatusOr<v1::WorkerToFront> CompileGraph(const v1::FrontToWorker::Start& start) {
    CompileRequest request;
    KILN_ASSIGN_OR_RETURN(request.graph, ImportGraph(start.graph(), &pool_, {FindOpSchema, RefusedOps()}));
    const std::map<std::string, std::string> given(start.options().begin(), start.options().end());
    KILN_ASSIGN_OR_RETURN(request.options, compiler_.parse_options(given));
    request.target = start.target();
    request.key = start.key();
    request.compiler_build = start.compiler_build();
    request.extern_ops.assign(start.extern_ops().begin(), start.extern_ops().end());
    request.allow_performance_guards = !start.forbid_performance_guards();
    request.threads = start.threads();
    KILN_ASSIGN_OR_RETURN(CompileResult result,
                          compiler_.compile(std::move(request), &pool_, [this](const auto& guards, double seconds) {
                            return AskWhetherToGoOn(guards, seconds);
                          }));
    v1::WorkerToFront answer;
    v1::WorkerToFront::Compiled& compiled = *answer.mutable_compiled();
    compiled.set_elf(std::move(result.elf));
    for (v1::Guard& guard : result.guards) *compiled.add_guards() = std::move(guard);
    for (v1::StageTime& time : result.stage_times) *compiled.add_stage_times() = std::move(time);
    compiled.mutable_kernel_milliseconds()->Add(result.kernel_milliseconds.begin(), result.kernel_milliseconds.end());
    return answer;
  }

  absl::Status AskWhetherToGoOn(const std::vector<v1::Guard>& guards, double estimated_seconds) {
    v1::WorkerToFront frame;
    v1::WorkerToFront::Propagated& propagated = *frame.mutable_propagated();
    for (const v1::Guard& guard : guards) *propagated.add_guards() = guard;
    propagated.set_estimated_seconds(estimated_seconds);
    KILN_RETURN_IF_ERROR(WriteMessage(socket_, frame, {}));
    KILN_ASSIGN_OR_RETURN(v1::FrontToWorker answer, ReadMessage<v1::FrontToWorker>(socket_, {}));
    if (answer.decision().go()) return absl::OkStatus();
    dropped_ = true;
    return MakeError(ErrorReason::kRequestCancelled, "the front dropped the compile after propagation");
  }

  absl::StatusOr<v1::WorkerToFront> DescribeGraph(const v1::FrontToWorker::Describe& describe) {
    KILN_ASSIGN_OR_RETURN(Graph graph, ImportGraph(describe.graph(), &pool_, {FindOpSchema, RefusedOps()}));
    KILN_ASSIGN_OR_RETURN(FakeGraph fake, Propagate(std::move(graph), &pool_));
    v1::WorkerToFront answer;
    *answer.mutable_described()->mutable_response() = ExportReport(ReportPropagation(fake));
    return answer;
  }

  FrameSocket socket_;
  const CompilerEntry& compiler_;
  ExprPool pool_;
  bool dropped_ = false;
};

}  // namespace

int RunWorker(UniqueFd socket, const CompilerEntry& compiler) {
  prctl(PR_SET_NAME, "kiln-worker");
  return Worker(std::move(socket), compiler).Run();
}

}  // namespace kiln
