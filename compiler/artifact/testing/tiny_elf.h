// The smallest file that ReadManifest takes: a header, the manifest, the section
// names and a table of three sections. Nothing can load it.
#ifndef KILN_COMPILER_ARTIFACT_TESTING_TINY_ELF_H_
#define KILN_COMPILER_ARTIFACT_TESTING_TINY_ELF_H_

#include <cstddef>
#include <string>

#include "kiln/v1/artifact.pb.h"

namespace kiln {

// With `padding_bytes` zeros in it, for artifacts of any size.
std::string TinyElf(const v1::Manifest& manifest, size_t padding_bytes = 0);

}  // namespace kiln

#endif  // KILN_COMPILER_ARTIFACT_TESTING_TINY_ELF_H_
