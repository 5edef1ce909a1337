#include "compiler/schedule/name_kernel.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace kiln::schedule {
namespace {

// Names are for tables on a terminal: more operators than these are "etc".
constexpr size_t kMaxParts = 4;

// "add_3" -> "add": the number is the node's.
absl::string_view WithoutNumber(absl::string_view name) {
  size_t end = name.size();
  while (end > 0 && absl::ascii_isdigit(name[end - 1])) --end;
  return end > 1 && end < name.size() && name[end - 1] == '_' ? name.substr(0, end - 1) : name;
}

std::string Count(int count, absl::string_view what) { return absl::StrCat(count, " ", what, count == 1 ? "" : "s"); }

}  // namespace

std::string NameKernel(const Cluster& cluster, int number) {
  std::vector<absl::string_view> parts;
  for (const std::string& name : cluster.names) {
    absl::string_view part = WithoutNumber(name);
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(part);
  }
  bool fused = cluster.names.size() > 1;
  bool cut = parts.size() > kMaxParts;
  if (cut) parts.resize(kMaxParts);
  return absl::StrCat(fused ? "fused_" : "", absl::StrJoin(parts, "_"), cut ? "_etc_" : "_", number);
}

std::string ExplainFusion(const Cluster& cluster) {
  std::vector<std::string> reasons;
  if (cluster.inlined > 0) {
    reasons.push_back(absl::StrCat(Count(cluster.inlined, "producer"), " computed where read"));
  }
  if (cluster.joined > 0) {
    reasons.push_back(absl::StrCat(Count(cluster.joined + 1, "kernel"), " joined over the same ",
                                   cluster.HasInner() ? "rows" : "points"));
  }
  return absl::StrJoin(reasons, "; ");
}

}  // namespace kiln::schedule
