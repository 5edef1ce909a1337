// A relocatable ELF object whose only content is the manifest's section, for the
// linker to carry into the artifact.
#ifndef KILN_COMPILER_CODEGEN_MANIFEST_OBJECT_H_
#define KILN_COMPILER_CODEGEN_MANIFEST_OBJECT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace kiln {

std::string MakeManifestObject(absl::string_view manifest_bytes);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_MANIFEST_OBJECT_H_
