#include "clients/cli/compile_page.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "clients/cli/compile_page_assets.h"
#include "clients/cli/describe.h"
#include "clients/cli/report_steps.h"
#include "fake_runtime/report/graph_data.h"
#include "fake_runtime/report/graph_drawing.h"
#include "fake_runtime/report/page_frame.h"

namespace kiln {
namespace {

// Multiples of the golden angle stay far from each other, however many there are.
int HueOf(int kernel) { return static_cast<int>(static_cast<int64_t>(kernel) * 13751 / 100 % 360); }

std::string Short(const std::string& symbol) { return std::string(absl::StripPrefix(symbol, "kernel.")); }

std::string Milliseconds(double ms) { return absl::StrFormat("%.4f", ms); }

class Page {
 public:
  explicit Page(const CompilePageInput& input)
      : input_(input),
        manifest_(input.manifest),
        record_(input.record.has_value() ? &*input.record : nullptr),
        of_graph_(input.graph.has_value()),
        report_(of_graph_ ? *input.graph : ReportSteps(manifest_, record_)) {
    FindBoxes();
  }

  std::string Text() const {
    DrawingOptions options;
    options.looks = Looks();
    options.only_order = !of_graph_;
    const GraphDrawing drawing(report_, std::move(options));
    PageParts parts;
    parts.title = absl::StrCat(input_.title, " - kiln show");
    parts.heading = input_.title;
    parts.summary = absl::StrCat(of_graph_ ? absl::StrCat(SummaryOf(report_), ", ") : "", manifest_.kernels_size(),
                                 " kernels, ", manifest_.steps_size(), " steps");
    parts.hint = of_graph_ ? "A node has the colour of the kernel that computes it, stripes where several do; dashed: "
                             "the host's operator; white: no code. Click a node or a kernel. Escape goes back."
                           : "An artifact holds no edges, loop IR or LLVM IR: these are its steps, in the order in "
                             "which they run. Give the graph's file to see more. Escape goes back.";
    parts.drawing = drawing.Svg();
    parts.data = GraphData(report_, drawing);
    for (JsonField& field : CompileData(drawing)) parts.data.push_back(std::move(field));
    parts.more_markup = CompilePageMarkup();
    parts.more_style = CompilePageStyle();
    parts.more_script = CompilePageScript();
    return FramePage(parts);
  }

 private:
  bool IsKernel(int kernel) const { return kernel >= 0 && kernel < manifest_.kernels_size(); }
  bool IsExtern(int op) const { return op >= 0 && op < manifest_.extern_ops_size(); }

  // Which of the drawing's nodes a step is: itself where steps are drawn, else the
  // nodes that it computes.
  void FindBoxes() {
    nodes_of_step_.resize(manifest_.steps_size());
    for (int s = 0; s < manifest_.steps_size(); ++s) {
      if (!of_graph_) nodes_of_step_[s] = {s};
      if (!of_graph_) continue;
      for (int node : manifest_.steps(s).nodes()) {
        if (NodeOf(report_, node) != nullptr) nodes_of_step_[s].push_back(node);
      }
    }
  }

  std::vector<NodeLook> Looks() const {
    std::vector<NodeLook> looks(report_.nodes.size());
    for (int s = 0; s < manifest_.steps_size(); ++s) {
      const v1::StepInfo& step = manifest_.steps(s);
      for (int node : nodes_of_step_[s]) {
        std::vector<int>& hues = looks[node].hues;
        if (step.has_extern_op()) looks[node].css_class = "extern";
        if (!step.has_kernel() || !IsKernel(step.kernel())) continue;
        const int hue = HueOf(step.kernel());
        if (std::find(hues.begin(), hues.end(), hue) == hues.end()) hues.push_back(hue);
      }
      if (!of_graph_) looks[s].notes = NotesOfStep(manifest_, record_, s);
    }
    return looks;
  }

  // --- what the script knows

  std::vector<JsonField> CompileData(const GraphDrawing& drawing) const {
    std::vector<int> kernels(manifest_.kernels_size()), steps(manifest_.steps_size());
    for (size_t i = 0; i < kernels.size(); ++i) kernels[i] = static_cast<int>(i);
    for (size_t i = 0; i < steps.size(); ++i) steps[i] = static_cast<int>(i);
    const int entry = manifest_.kernels_size();
    const bool has_entry = record_ != nullptr && entry < record_->kernel_milliseconds_size();
    return {{"kernels", JsonArray(kernels, [&](int k) { return KernelData(k, drawing); })},
            {"externs", JsonArray(manifest_.extern_ops(), [](const v1::ExternOp& op) {
               return JsonObject({{"name", ScriptString(op.name())}, {"about", ScriptString(DescribeExternOp(op))}});
             })},
            {"steps", JsonArray(steps, [&](int s) { return StepData(s, drawing); })},
            {"stages", StagesData()},
            {"entry", has_entry ? Milliseconds(record_->kernel_milliseconds(entry)) : "null"},
            {"steps_only", of_graph_ ? "false" : "true"},
            {"about", AboutData()}};
  }

  std::string KernelData(int k, const GraphDrawing& drawing) const {
    const v1::KernelInfo& kernel = manifest_.kernels(k);
    const bool is_timed = record_ != nullptr && k < record_->kernel_milliseconds_size();
    std::vector<JsonField> fields = {
        {"name", ScriptString(Short(kernel.symbol()))},
        {"hue", absl::StrCat(HueOf(k))},
        {"runs", absl::StrCat(kernel.launches())},
        {"ms", is_timed ? Milliseconds(record_->kernel_milliseconds(k)) : "null"},
        {"reasons", JsonArray(ReasonsOfKernel(manifest_, k), ScriptString)},
        {"work", JsonArray(WorkOfKernel(manifest_, k), ScriptString)},
        {"ops", OpsData(kernel, drawing)},
    };
    if (k < static_cast<int>(input_.code.size())) {
      const KernelCode& code = input_.code[k];
      fields.emplace_back("code", absl::StrCat("[", ScriptString(code.loops), ",", ScriptString(code.llvm_ir), ",",
                                               ScriptString(code.assembly), "]"));
    }
    return JsonObject(fields);
  }

  // With the box to go to, where the graph is drawn.
  std::string OpsData(const v1::KernelInfo& kernel, const GraphDrawing& drawing) const {
    std::vector<std::string> ops;
    for (int i = 0; i < kernel.nodes_size(); ++i) {
      const int node = kernel.nodes(i);
      std::vector<JsonField> fields = {
          {"op", ScriptString(absl::StrCat(i < kernel.ops_size() ? kernel.ops(i) : "?", " #", node))},
          {"at", ScriptString(LocationOf(record_, node))}};
      if (of_graph_ && NodeOf(report_, node) != nullptr) {
        fields.emplace_back("box", absl::StrCat(drawing.BoxOfNode(node)));
      }
      ops.push_back(JsonObject(fields));
    }
    return JsonArray(ops, [](const std::string& op) { return op; });
  }

  std::string StepData(int s, const GraphDrawing& drawing) const {
    const v1::StepInfo& step = manifest_.steps(s);
    std::vector<JsonField> fields = {
        {"boxes", JsonArray(nodes_of_step_[s], [&](int node) { return absl::StrCat(drawing.BoxOfNode(node)); })},
        {"work", ScriptString(DescribeWork(step))}};
    if (step.has_kernel() && IsKernel(step.kernel())) fields.emplace_back("kernel", absl::StrCat(step.kernel()));
    if (step.has_extern_op() && IsExtern(step.extern_op())) {
      fields.emplace_back("extern", absl::StrCat(step.extern_op()));
    }
    return JsonObject(fields);
  }

  std::string StagesData() const {
    if (record_ == nullptr) return "[]";
    return JsonArray(record_->stage_times(), [](const v1::StageTime& time) {
      return absl::StrCat("[", ScriptString(time.stage()), ",", Milliseconds(time.milliseconds()), "]");
    });
  }

  std::string AboutData() const {
    std::vector<std::pair<std::string, std::string>> rows = AboutArtifact(manifest_);
    for (int i = 0; i < manifest_.inputs_size(); ++i) {
      rows.emplace_back(absl::StrCat("input ", i), DescribeInput(manifest_.inputs(i)));
    }
    for (int i = 0; i < manifest_.outputs_size(); ++i) {
      rows.emplace_back(absl::StrCat("output ", i), DescribeOutput(manifest_.outputs(i)));
    }
    return JsonArray(rows, [](const auto& row) {
      return absl::StrCat("[", ScriptString(row.first), ",", ScriptString(row.second), "]");
    });
  }

  const CompilePageInput& input_;
  const v1::Manifest& manifest_;
  const v1::VariantRecord* const record_;
  const bool of_graph_;
  const PropagationReport report_;
  std::vector<std::vector<int>> nodes_of_step_;
};

}  // namespace

std::string CompilePage(const CompilePageInput& input) { return Page(input).Text(); }

}  // namespace kiln
