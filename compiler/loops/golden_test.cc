// Golden texts: goldens/*.txt hold graphs and the loop programs that they are
// lowered to, each graph followed by `---`, its program and `===`. Run with
// KILN_UPDATE_GOLDENS=1 to write what comes out now, then read the difference.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "compiler/loops/testing/lower_text.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> GoldenFiles() {
  const char* root = std::getenv("KILN_SOURCE_DIR");
  std::vector<fs::path> files;
  if (root == nullptr) return files;
  for (const auto& entry : fs::directory_iterator(fs::path(root) / "compiler" / "loops" / "goldens")) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Hints of the symbols that goldens use.
const std::map<std::string, int64_t> kHints = {{"s0", 8}, {"s1", 16}};

std::string Lowered(absl::string_view graph, const LoweringOptions& options) {
  std::map<std::string, int64_t> hints;
  for (const auto& [name, value] : kHints) {
    if (absl::StrContains(graph, name)) hints[name] = value;
  }
  auto lowered = LowerText(graph, hints, options);
  return lowered.ok() ? PrintLoopProgram((*lowered)->program) : absl::StrCat(lowered.status().message(), "\n");
}

std::string Regenerated(const std::string& text, const LoweringOptions& options) {
  std::string out;
  for (absl::string_view section : absl::StrSplit(text, "===\n")) {
    absl::string_view graph = absl::StripAsciiWhitespace(section.substr(0, section.find("---\n")));
    if (graph.empty()) continue;
    absl::StrAppend(&out, graph, "\n---\n", Lowered(graph, options), "===\n");
  }
  return out;
}

TEST(LoopsGoldenTest, GraphsLowerToTheRecordedPrograms) {
  std::vector<fs::path> files = GoldenFiles();
  ASSERT_FALSE(files.empty());
  for (const fs::path& file : files) {
    std::string text = ReadFile(file);
    LoweringOptions options;
    options.all_epilogues = file.stem() == "epilogues";
    std::string now = Regenerated(text, options);
    if (std::getenv("KILN_UPDATE_GOLDENS") != nullptr) {
      std::ofstream(file) << now;
    } else {
      EXPECT_EQ(now, text) << file;
    }
  }
}

}  // namespace
}  // namespace kiln
