// What a compile's page has beyond a propagated graph's.
#ifndef KILN_CLIENTS_CLI_COMPILE_PAGE_ASSETS_H_
#define KILN_CLIENTS_CLI_COMPILE_PAGE_ASSETS_H_

#include "absl/strings/string_view.h"

namespace kiln {

absl::string_view CompilePageMarkup();
absl::string_view CompilePageStyle();
absl::string_view CompilePageScript();

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_COMPILE_PAGE_ASSETS_H_
