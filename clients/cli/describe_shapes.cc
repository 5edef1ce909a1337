#include "clients/cli/describe_shapes.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace kiln {
namespace {

using Dim = v1::ProfileShapesResponse::Dim;

// A name may hold anything that its client says; quotes do no harm on a terminal.
std::string Printable(absl::string_view name) {
  return absl::StrReplaceAll(absl::Utf8SafeCEscape(name), {{"\\'", "'"}, {"\\\"", "\""}});
}

std::string DimName(const Dim& dim) {
  const std::string source = Printable(dim.source());
  return dim.dim() < 0 ? source : absl::StrCat(source, ":", dim.dim());
}

std::string SizesOf(const Dim& dim) {
  // The list is cut where there are many.
  const bool is_whole = dim.sizes_size() <= 4;
  return is_whole ? absl::StrJoin(dim.sizes(), ", ") : absl::StrCat(dim.min(), " to ", dim.max());
}

}  // namespace

std::string DescribeShapes(const v1::ProfileShapesResponse::Subject& subject) {
  const std::string name = subject.name().empty() ? "without a name" : Printable(subject.name());
  std::string text = absl::StrCat(name, "  (", absl::BytesToHexString(subject.subject()).substr(0, 12), ")\n");
  size_t width = 0;
  for (const Dim& dim : subject.dims()) width = std::max(width, DimName(dim).size());
  for (const Dim& dim : subject.dims()) {
    absl::StrAppendFormat(&text, "  %-*s  %s  %s, %d times", static_cast<int>(width), DimName(dim),
                          dim.varies() ? "varies" : "      ", SizesOf(dim), dim.observed());
    if (!dim.divisions().empty()) absl::StrAppend(&text, ", divided at ", absl::StrJoin(dim.divisions(), ", "));
    text += "\n";
  }
  return text;
}

}  // namespace kiln
