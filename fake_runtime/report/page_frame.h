// A self-contained page around a graph's drawing: what is told at the left, the
// drawing, and the script that answers clicks. Nothing is loaded from anywhere, and
// the page's policy lets no script run but its own.
#ifndef KILN_FAKE_RUNTIME_REPORT_PAGE_FRAME_H_
#define KILN_FAKE_RUNTIME_REPORT_PAGE_FRAME_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "fake_runtime/report/page_text.h"

namespace kiln {

struct PageParts {
  std::string title, heading, summary, hint;  // plain text
  std::string drawing;                        // SVG
  std::vector<JsonField> data;
  // What the page has beyond a propagated graph's: markup after the drawing, rules,
  // and functions that hook into the common script (page_script.cc).
  absl::string_view more_markup, more_style, more_script;
};

std::string FramePage(const PageParts& parts);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_REPORT_PAGE_FRAME_H_
