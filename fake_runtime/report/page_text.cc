#include "fake_runtime/report/page_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"

namespace kiln {

std::string HtmlEscape(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += absl::ascii_iscntrl(static_cast<unsigned char>(c)) ? ' ' : c; break;
    }
  }
  return out;
}

std::string ScriptString(absl::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= 0x20 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' && byte != 0x7f;
    if (plain) {
      out += c;
    } else {
      absl::StrAppendFormat(&out, "\\u%04x", byte);
    }
  }
  return out + "\"";
}

std::string JsonObject(const std::vector<JsonField>& fields) {
  return absl::StrCat("{", absl::StrJoin(fields, ",", [](std::string* out, const JsonField& f) {
    absl::StrAppend(out, ScriptString(f.first), ":", f.second);
  }), "}");
}

}  // namespace kiln
