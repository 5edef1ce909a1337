#include "clients/python/native/propagate_module.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "fake_runtime/import/import_graph.h"
#include "fake_runtime/import/report_proto.h"
#include "fake_runtime/ops/op_table.h"
#include "fake_runtime/propagate_open_lists.h"
#include "fake_runtime/report_propagation.h"
#include "kiln/v1/graph.pb.h"

namespace kiln {

absl::StatusOr<std::string> PropagateModule(absl::string_view module) {
  v1::GraphModule message;
  if (module.size() > std::numeric_limits<int>::max() ||
      !message.ParseFromArray(module.data(), static_cast<int>(module.size()))) {
    return MakeError(ErrorReason::kMalformedMessage,
                     absl::StrCat("the graph module of ", module.size(), " bytes does not parse"));
  }
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(Graph graph, ImportModule(message, &pool, {&FindOpSchema, RefusedOps()}));
  KILN_ASSIGN_OR_RETURN(FakeGraph fake, PropagateOpenLists(std::move(graph), &pool));
  return ExportReport(ReportPropagation(fake)).SerializeAsString();
}

}  // namespace kiln
