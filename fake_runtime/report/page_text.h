// Text of clients as it may stand on a page, in its markup and in its data.
#ifndef KILN_FAKE_RUNTIME_REPORT_PAGE_TEXT_H_
#define KILN_FAKE_RUNTIME_REPORT_PAGE_TEXT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace kiln {

// Text as it may stand in HTML, in attributes too.
std::string HtmlEscape(absl::string_view text);
// A string literal of JSON as it may stand inside a <script>.
std::string ScriptString(absl::string_view text);

// A name and a value that is JSON already.
using JsonField = std::pair<absl::string_view, std::string>;
std::string JsonObject(const std::vector<JsonField>& fields);

// `text` makes JSON of an item.
template <typename List, typename Function>
std::string JsonArray(const List& list, Function&& text) {
  return absl::StrCat("[", absl::StrJoin(list, ",", [&](std::string* out, const auto& item) {
    absl::StrAppend(out, text(item));
  }), "]");
}

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_REPORT_PAGE_TEXT_H_
