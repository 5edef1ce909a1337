// The parts of a graph's page that are the same for every graph.
#ifndef KILN_FAKE_RUNTIME_REPORT_PAGE_ASSETS_H_
#define KILN_FAKE_RUNTIME_REPORT_PAGE_ASSETS_H_

#include "absl/strings/string_view.h"

namespace kiln {

absl::string_view PageStyle();
absl::string_view PageScript();

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_REPORT_PAGE_ASSETS_H_
