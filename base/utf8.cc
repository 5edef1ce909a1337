#include "base/utf8.h"

namespace kiln {
namespace {

// A form of sequences: which first bytes it has, how long it is, and the range
// of its second byte, which shuts out overlong forms and surrogates. All further
// bytes are 0x80 to 0xBF.
struct Utf8Form {
  unsigned char first_low, first_high;
  size_t length;
  unsigned char second_low, second_high;
};

constexpr Utf8Form kForms[] = {
    {0x00, 0x7F, 1, 0x00, 0x00}, {0xC2, 0xDF, 2, 0x80, 0xBF}, {0xE0, 0xE0, 3, 0xA0, 0xBF},
    {0xE1, 0xEC, 3, 0x80, 0xBF}, {0xED, 0xED, 3, 0x80, 0x9F}, {0xEE, 0xEF, 3, 0x80, 0xBF},
    {0xF0, 0xF0, 4, 0x90, 0xBF}, {0xF1, 0xF3, 4, 0x80, 0xBF}, {0xF4, 0xF4, 4, 0x80, 0x8F},
};

bool Within(char c, unsigned char low, unsigned char high) {
  const unsigned char byte = static_cast<unsigned char>(c);
  return low <= byte && byte <= high;
}

// The length of the sequence that `bytes` begin with; 0 if it is not well-formed.
size_t SequenceLength(absl::string_view bytes) {
  for (const Utf8Form& form : kForms) {
    if (!Within(bytes[0], form.first_low, form.first_high)) continue;
    if (bytes.size() < form.length) return 0;
    if (form.length > 1 && !Within(bytes[1], form.second_low, form.second_high)) return 0;
    for (size_t i = 2; i < form.length; ++i) {
      if (!Within(bytes[i], 0x80, 0xBF)) return 0;
    }
    return form.length;
  }
  return 0;
}

}  // namespace

size_t FindBadUtf8(absl::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    const size_t length = SequenceLength(bytes.substr(at, 4));
    if (length == 0) break;
    at += length;
  }
  return at;
}

}  // namespace kiln
