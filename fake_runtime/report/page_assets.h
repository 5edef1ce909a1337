// The parts of a graph's page that are the same for every graph.
#ifndef KILN_FAKE_RUNTIME_REPORT_PAGE_ASSETS_H_
#define KILN_FAKE_RUNTIME_REPORT_PAGE_ASSETS_H_

#include "absl/strings/string_view.h"

namespace kiln {

absl::string_view PageStyle();
// Functions and listeners, and what shows the page when all functions are there.
absl::string_view PageScript();
absl::string_view PageScriptStart();

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_REPORT_PAGE_ASSETS_H_
