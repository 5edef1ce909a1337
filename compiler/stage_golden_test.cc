// One graph a file of goldens/, followed by what each stage of its compile
// prints: a file reads as the way of a graph through the compiler. Run with
// KILN_UPDATE_GOLDENS=1 to write what comes out now, then read the difference.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "compiler/compile.h"
#include "fake_runtime/graph/canonical.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/op_table.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr absl::string_view kStages[] = {"propagate", "decompose", "loops", "schedule", "llvm"};

// The same on every machine that runs the test.
v1::Target Avx2Target() {
  v1::Target target;
  target.set_arch("x86_64");
  target.set_device_type("cpu");
  for (const char* feature : {"avx", "avx2", "fma"}) target.add_features(feature);
  target.set_vector_bits(256);
  // One: with several, kernels over rows have second versions (share_long_rows), which
  // are in the scheduler's goldens and would be twice as much to read here.
  target.set_threads(1);
  return target;
}

// The functions that the graph made. Those that interpret the entry's tables are
// the same in every artifact.
std::string KernelsOf(absl::string_view llvm_ir) {
  std::string out;
  bool inside = false;
  for (absl::string_view line : absl::StrSplit(llvm_ir, '\n')) {
    if (absl::StrContains(line, " @kernel.") && absl::StartsWith(line, "define ")) inside = true;
    if (inside) absl::StrAppend(&out, line, "\n");
    if (line == "}") inside = false;
  }
  return out;
}

absl::StatusOr<std::string> StagesOf(absl::string_view text) {
  InitializeCompiler();
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(Graph graph, ParseGraph(text, &pool, FindOpSchema));
  KILN_ASSIGN_OR_RETURN(CanonicalGraph canonical, Canonicalize(graph, &pool));
  CompileRequest request;
  request.graph = std::move(canonical.graph);
  KILN_ASSIGN_OR_RETURN(request.options, ParseOptions({}));
  request.target = Avx2Target();
  request.extern_ops = {"aten.*"};
  StageTexts texts;
  auto go = [](const std::vector<v1::Guard>&, double) { return absl::OkStatus(); };
  KILN_RETURN_IF_ERROR(Compile(std::move(request), &pool, go, &texts).status());
  std::string out;
  for (absl::string_view stage : kStages) {
    const std::string& printed = texts[std::string(stage)];
    absl::StrAppend(&out, "=== ", stage, "\n", stage == "llvm" ? KernelsOf(printed) : printed);
  }
  return out;
}

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(StageGoldenTest, EveryStagePrintsWhatTheFileSays) {
  const char* root = std::getenv("KILN_SOURCE_DIR");
  ASSERT_NE(root, nullptr);
  int files = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(root) / "compiler" / "goldens")) {
    SCOPED_TRACE(entry.path().filename().string());
    const std::string text = ReadFile(entry.path());
    const std::string graph = text.substr(0, text.find("=== "));
    absl::StatusOr<std::string> stages = StagesOf(graph);
    ASSERT_TRUE(stages.ok()) << stages.status();
    if (std::getenv("KILN_UPDATE_GOLDENS") != nullptr) std::ofstream(entry.path()) << graph << *stages;
    EXPECT_EQ(graph + *stages, ReadFile(entry.path()));
    ++files;
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace kiln
