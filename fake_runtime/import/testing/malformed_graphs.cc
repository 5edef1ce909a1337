#include "fake_runtime/import/testing/malformed_graphs.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <optional>

#include "absl/strings/match.h"
#include "base/error.h"

namespace kiln {

// A case is three lines: `# what`, the graph, `REASON: part of the message`.
std::vector<MalformedGraph> ReadMalformedGraphs() {
  std::ifstream file(std::getenv("KILN_MALFORMED_GRAPHS"));
  std::vector<MalformedGraph> cases;
  std::string comment, line;
  while (std::getline(file, line)) {
    if (absl::StartsWith(line, "# ")) comment = line.substr(2);
    if (!absl::StartsWith(line, "graph ")) continue;
    MalformedGraph& next = cases.emplace_back();
    next.what = comment;
    next.text = line;
    std::getline(file, line);
    const size_t colon = line.find(": ");
    next.reason = line.substr(0, colon);
    if (colon != std::string::npos) next.message = line.substr(colon + 2);
  }
  return cases;
}

void ExpectRefusal(const MalformedGraph& malformed, const absl::Status& status) {
  const std::optional<ErrorReason> reason = GetErrorReason(status);
  EXPECT_EQ(std::string(reason.has_value() ? GetErrorReasonRow(*reason).name : "none"), malformed.reason) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), malformed.message)) << status;
}

}  // namespace kiln
