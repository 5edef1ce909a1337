// A relocatable ELF object for `machine` (EM_X86_64) whose only content is the
// manifest's section, for the linker to carry into the artifact.
#ifndef KILN_COMPILER_CODEGEN_MANIFEST_OBJECT_H_
#define KILN_COMPILER_CODEGEN_MANIFEST_OBJECT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace kiln {

std::string MakeManifestObject(absl::string_view manifest_bytes, uint16_t machine);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_MANIFEST_OBJECT_H_
