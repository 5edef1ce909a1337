#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "compiler/compile.h"
#include "sources_digest.h"

namespace kiln {

std::string CompilerBuild() {
  // 16 hex digits are enough to tell builds apart.
  return absl::StrCat("kiln-", KILN_VERSION, "+llvm-", KILN_LLVM_VERSION, "+",
                      absl::string_view(KILN_SOURCES_DIGEST).substr(0, 16));
}

}  // namespace kiln
