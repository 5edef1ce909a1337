// Whether bytes are UTF-8: what a string field of a message may hold, and so what
// any text may hold that is sent in one.
#ifndef KILN_BASE_UTF8_H_
#define KILN_BASE_UTF8_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace kiln {

// The place of the first byte that no well-formed sequence covers; the size of
// `bytes` if there is none. Overlong forms, surrogates and what lies beyond
// U+10FFFF are not well-formed.
size_t FindBadUtf8(absl::string_view bytes);

}  // namespace kiln

#endif  // KILN_BASE_UTF8_H_
