// The options component of a key: over the options as the client gave them,
// sorted by name. Defaults are not filled in, so that a host computes it without
// the server's table; leaving an option out and giving its default are two keys.
#ifndef KILN_COMPILER_ARTIFACT_OPTIONS_DIGEST_H_
#define KILN_COMPILER_ARTIFACT_OPTIONS_DIGEST_H_

#include <map>
#include <string>

#include "base/digest.h"

namespace kiln {

Digest OptionsDigest(const std::map<std::string, std::string>& given);

}  // namespace kiln

#endif  // KILN_COMPILER_ARTIFACT_OPTIONS_DIGEST_H_
