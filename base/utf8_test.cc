#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace kiln {
namespace {

TEST(Utf8Test, WellFormedTextHasNoBadByte) {
  for (const char* text : {"", "plain", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "a\xC3\xA9z\xE2\x82\xAC"}) {
    EXPECT_EQ(FindBadUtf8(text), std::string(text).size()) << text;
  }
  EXPECT_EQ(FindBadUtf8(std::string("a\0b", 3)), 3u);
}

TEST(Utf8Test, TheFirstBadByteIsFound) {
  // A lone continuation, overlong forms, a surrogate, beyond U+10FFFF, cut off sequences, bytes that are never used.
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3", "\xE2\x82", "\xF0\x90\x80", "\xFF", "\xE2\x28\xA1",
                          "\xE2\x82\x28", "\xF0\x90\x80z"}) {
    EXPECT_EQ(FindBadUtf8(std::string("\xC3\xA9-") + bad + "tail"), 3u) << bad;
    EXPECT_EQ(FindBadUtf8(std::string("\xC3\xA9-") + bad), 3u) << bad;
  }
}

}  // namespace
}  // namespace kiln
