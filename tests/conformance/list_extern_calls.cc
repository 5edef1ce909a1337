// Lowers the entry graphs of GraphModules in proto form and prints, one JSON
// object a line, each extern call that is left: the operator, the dtypes of its
// tensors, and why `kiln ops` says that it is one ("" if it has a lowering, which
// refused these arguments). A graph that is not lowered gives its error.
//
//   list_extern_calls t5.dynamic.forward.pb t5.dynamic.backward.pb
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/decompose/decompose.h"
#include "compiler/loops/extern_reasons.h"
#include "compiler/loops/loop_ir.h"
#include "compiler/loops/lowering_table.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/import/import_graph.h"
#include "fake_runtime/ops/op_table.h"
#include "kiln/v1/graph.pb.h"

namespace kiln {
namespace {

std::string Quote(absl::string_view text) {
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", " "}}), "\"");
}

void AddDTypes(const Operand& operand, std::set<std::string>& dtypes) {
  if (const auto* tensor = std::get_if<TensorOperand>(&operand.v)) dtypes.emplace(DTypeText(tensor->dtype));
  if (const auto* list = std::get_if<OperandList>(&operand.v)) {
    for (const Operand& item : *list) AddDTypes(item, dtypes);
  }
}

void Print(const std::string& file, const ExternCall& call) {
  std::set<std::string> dtypes;
  for (const Operand& arg : call.args) AddDTypes(arg, dtypes);
  for (const TensorOperand& output : call.outputs) {
    if (output.buffer.value >= 0) dtypes.emplace(DTypeText(output.dtype));
  }
  // The call of an op that writes into the program's memory is one of the `out=` form.
  const std::string op = call.into ? absl::StrReplaceAll(call.op, {{".out", ".default"}}) : call.op;
  const OpRow* row = FindOp(op);
  LoweringKind kind = LoweringOf(op);
  bool is_expected = row != nullptr && (kind == LoweringKind::kExtern || kind == LoweringKind::kInto);
  std::cout << "{\"file\": " << Quote(file) << ", \"op\": " << Quote(call.op) << ", \"dtypes\": ["
            << absl::StrJoin(dtypes, ", ", [](std::string* out, const std::string& d) { out->append(Quote(d)); })
            << "], \"why\": " << Quote(is_expected ? WhyExtern(*row) : "") << "}\n";
}

absl::Status List(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::stringstream bytes;
  bytes << stream.rdbuf();
  v1::GraphModule module;
  if (!module.ParseFromString(bytes.str())) return MakeError(ErrorReason::kMalformedMessage, "not a GraphModule");
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(Graph graph, ImportModule(module, &pool, {FindOpSchema, RefusedOps()}));
  KILN_ASSIGN_OR_RETURN(FakeGraph fake, Propagate(std::move(graph), &pool));
  KILN_ASSIGN_OR_RETURN(Decomposed decomposed, Decompose(std::move(fake)));
  KILN_ASSIGN_OR_RETURN(LoopProgram program, LowerToLoops(decomposed.fake, {"aten.*"}, decomposed.origins));
  for (const Step& step : program.steps) {
    if (const auto* call = std::get_if<ExternCall>(&step)) Print(file, *call);
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    absl::Status status = kiln::List(argv[i]);
    if (status.ok()) continue;
    std::cout << "{\"file\": " << kiln::Quote(argv[i]) << ", \"error\": " << kiln::Quote(status.message()) << "}\n";
  }
  return 0;
}
