#include "clients/python/native/step_timer.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "clients/python/native/torch_shim.h"

namespace kiln {
namespace {

// A label with more lines than these is no label any more.
constexpr size_t kMostLines = 4;

int64_t NowNanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int ThisThread() {
  static thread_local const int id = static_cast<int>(syscall(SYS_gettid));
  return id;
}

// "model.py:41" of "node 3 (aten.mm.default) at model.py:41"; empty without one.
std::string LineOf(const std::string& node) {
  const size_t at = node.rfind(" at ");
  return at == std::string::npos ? "" : node.substr(at + 4);
}

// "kiln::fused_gelu_3 (model.py:41, model.py:42)".
std::string LabelOf(const std::string& name, const std::vector<std::string>& nodes) {
  std::vector<std::string> lines;
  for (const std::string& node : nodes) {
    std::string line = LineOf(node);
    const bool is_new = !line.empty() && std::find(lines.begin(), lines.end(), line) == lines.end();
    if (is_new) lines.push_back(std::move(line));
  }
  if (lines.size() > kMostLines) {
    lines.resize(kMostLines);
    lines.emplace_back("...");
  }
  return absl::StrCat("kiln::", name, lines.empty() ? "" : absl::StrCat(" (", absl::StrJoin(lines, ", "), ")"));
}

// Whether the expression speaks of sizes that a call tells only while it runs.
bool IsLate(Expr e, const SymbolIndex& places) {
  bool late = false;
  VisitSymbols(e, [&](Expr symbol) { late = late || places.find(symbol.symbol_name()) == places.end(); });
  return late;
}

absl::StatusOr<std::optional<ExprProgram>> CompileExpr(const v1::SymExpr& message, ExprPool& pool,
                                                       const SymbolIndex& places) {
  if (message.kind_case() == v1::SymExpr::KIND_NOT_SET) return std::nullopt;
  Expr e(message.value());
  if (message.kind_case() == v1::SymExpr::kExpr) {
    KILN_ASSIGN_OR_RETURN(e, pool.Parse(message.expr()));
  }
  if (IsLate(e, places)) return std::nullopt;
  KILN_ASSIGN_OR_RETURN(ExprProgram program, ExprProgram::Compile(e, places));
  return program;
}

int64_t ValueOf(const std::optional<ExprProgram>& program, const int64_t* symbols) {
  return program.has_value() ? program->Run(symbols).value_or(0) : 0;
}

}  // namespace

absl::StatusOr<ProfiledSteps> ProfiledSteps::Create(const v1::Manifest& manifest, const std::string& graph,
                                                    const std::vector<std::string>& nodes) {
  SymbolIndex places;
  for (int i = 0; i < manifest.symbols_size(); ++i) places.emplace(manifest.symbols(i), i);
  ExprPool pool;
  ProfiledSteps profiled;
  for (const v1::StepInfo& info : manifest.steps()) {
    Profiler::Row row;
    row.graph = graph;
    row.is_kernel = info.what_case() == v1::StepInfo::kKernel;
    if (row.is_kernel && info.kernel() >= 0 && info.kernel() < manifest.kernels_size()) {
      row.name = std::string(absl::StripPrefix(manifest.kernels(info.kernel()).symbol(), "kernel."));
    } else if (!row.is_kernel && info.extern_op() >= 0 && info.extern_op() < manifest.extern_ops_size()) {
      row.name = manifest.extern_ops(info.extern_op()).name();
    }
    for (int node : info.nodes()) {
      if (node >= 0 && node < static_cast<int>(nodes.size())) row.nodes.push_back(nodes[node]);
    }
    Step step;
    step.kernel = row.is_kernel ? info.kernel() : -1;
    step.label = LabelOf(row.name, row.nodes);
    KILN_ASSIGN_OR_RETURN(step.bytes, CompileExpr(info.bytes(), pool, places));
    KILN_ASSIGN_OR_RETURN(step.operations, CompileExpr(info.operations(), pool, places));
    step.row = Profiler::Shared().AddRow(std::move(row));
    profiled.steps_.push_back(std::move(step));
  }
  return profiled;
}

void StepTimer::Begin(int kernel) {
  running_ = nullptr;
  const std::vector<ProfiledSteps::Step>& steps = steps_.steps_;
  // Kernels between are versions that do not run in this call.
  size_t place = next_;
  while (place < steps.size() && steps[place].kernel >= 0 && steps[place].kernel != kernel) ++place;
  // A manifest that says less than the code does is no reason to fail the call.
  if (place >= steps.size() || steps[place].kernel != kernel) return;
  running_ = &steps[place];
  next_ = place + 1;
  const TorchShim& torch = Torch();
  record_ = nullptr;
  if (torch.aoti_record_function_start != nullptr) {
    torch.aoti_record_function_start(running_->label.c_str(), nullptr, nullptr, 0, &record_);
  }
  start_nanoseconds_ = NowNanoseconds();
}

void StepTimer::End() {
  if (running_ == nullptr) return;
  const int64_t nanoseconds = NowNanoseconds() - start_nanoseconds_;
  if (record_ != nullptr) Torch().aoti_record_function_end(record_);
  Profiler::Shared().Add({running_->row, ThisThread(), start_nanoseconds_, nanoseconds},
                         ValueOf(running_->bytes, symbols_), ValueOf(running_->operations, symbols_));
  running_ = nullptr;
}

}  // namespace kiln
