#include "fake_runtime/report/page_frame.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "fake_runtime/report/page_assets.h"

namespace kiln {

std::string FramePage(const PageParts& parts) {
  const std::string script = absl::StrCat(PageScript(), parts.more_script, PageScriptStart());
  const std::string hash = absl::Base64Escape(Sha256(script).bytes());
  std::string out = absl::StrCat(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n",
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'sha256-",
      hash, "'\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>", HtmlEscape(parts.title),
      "</title>\n<style>", PageStyle(), parts.more_style, "</style></head>\n<body>\n<aside>\n<h1>",
      HtmlEscape(parts.heading), "</h1>\n<p class=\"quiet\">", HtmlEscape(parts.summary), "</p>\n");
  out +=
      "<div class=\"tools\"><input id=\"search\" placeholder=\"Search: name, operator, line  ( / )\" "
      "aria-label=\"Search\"></div>\n<div class=\"tools\"><button id=\"out\" title=\"Smaller\">&minus;</button>"
      "<button id=\"in\" title=\"Larger\">+</button><button id=\"fit\">Whole graph</button>"
      "<span id=\"found\" class=\"quiet\"></span></div>\n";
  absl::StrAppend(&out, "<p class=\"quiet\">", HtmlEscape(parts.hint), "</p>\n<div id=\"detail\"></div>\n</aside>\n<main>\n",
                  parts.drawing, "</main>\n", parts.more_markup, "<script type=\"application/json\" id=\"data\">",
                  JsonObject(parts.data), "</script>\n<script>", script, "</script>\n</body></html>\n");
  return out;
}

}  // namespace kiln
