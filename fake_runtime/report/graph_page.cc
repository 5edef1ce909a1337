#include "fake_runtime/report/graph_page.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/digest.h"
#include "fake_runtime/report/layout_graph.h"
#include "fake_runtime/report/page_assets.h"

namespace kiln {
namespace {

// Of the page's fixed-width font at 11 px, and of its lines.
constexpr double kCharWidth = 6.65, kLineHeight = 15, kPadding = 8;
constexpr size_t kLongestLine = 46;

std::string Cut(const std::string& text) {
  if (text.size() <= kLongestLine) return text;
  // Not in the middle of a UTF-8 sequence.
  size_t end = kLongestLine - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(text.substr(0, end), "…");
}

std::string ShapeOf(const ValueReport& v) {
  if (v.kind == ValueReport::Kind::kTensor) return absl::StrCat(v.dtype, ShownDims(v.sizes));
  return absl::StrCat(ValueKindName(v.kind), v.scalar.empty() ? "" : " ", v.scalar);
}

// A box: an input, a node, or what the graph returns.
struct Box {
  enum class Kind { kInput, kNode, kOutput } kind = Kind::kNode;
  int index = 0;  // of the input or the node
  std::string title, at;
  std::vector<int> values, uses;
  std::vector<std::string> guards;
};

struct Edge {
  int value = 0, from = 0, to = 0;
};

class Page {
 public:
  explicit Page(const PropagationReport& report) : report_(report) {
    MakeBoxes();
    MakeEdges();
    Place();
  }

  std::string Text() {
    const std::string script(PageScript());
    const std::string hash = absl::Base64Escape(Sha256(script).bytes());
    std::string out = absl::StrCat(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n",
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "script-src 'sha256-",
        hash, "'\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>", HtmlEscape(report_.graph),
        " - kiln propagate</title>\n<style>", PageStyle(), "</style></head>\n<body>\n<aside>\n<h1>",
        HtmlEscape(report_.graph), "</h1>\n<p class=\"quiet\">", Summary(), "</p>\n");
    out +=
        "<div class=\"tools\"><input id=\"search\" placeholder=\"Search: name, operator, line  ( / )\" "
        "aria-label=\"Search\"></div>\n<div class=\"tools\"><button id=\"out\" title=\"Smaller\">&minus;</button>"
        "<button id=\"in\" title=\"Larger\">+</button><button id=\"fit\">Whole graph</button>"
        "<span id=\"found\" class=\"quiet\"></span></div>\n<p class=\"quiet\">Click a symbol to see where it flows, a "
        "box for all that is known. Escape goes back.</p>\n<div id=\"detail\"></div>\n</aside>\n<main>\n";
    absl::StrAppend(&out, Drawing(), "</main>\n<script type=\"application/json\" id=\"data\">", Data(),
                    "</script>\n<script>", script, "</script>\n</body></html>\n");
    return out;
  }

 private:
  std::string Summary() const {
    return absl::StrCat(report_.inputs.size(), " inputs, ", report_.nodes.size(), " nodes, ", report_.symbols.size(),
                        " symbols, ", report_.guards.size(), " guards");
  }

  // --- boxes and edges

  void MakeBoxes() {
    for (size_t i = 0; i < report_.inputs.size(); ++i) {
      const InputReport& input = report_.inputs[i];
      Box box{Box::Kind::kInput, static_cast<int>(i), input.kind == "user" ? "input" : input.kind, "", {}, {}, {}};
      box.values = {static_cast<int>(i)};
      boxes_.push_back(std::move(box));
    }
    for (size_t n = 0; n < report_.nodes.size(); ++n) {
      const NodeReport& node = report_.nodes[n];
      Box box{Box::Kind::kNode, static_cast<int>(n), std::string(absl::StripPrefix(node.op, "aten.")), node.location,
              {}, node.uses, {}};
      for (const NodeReport::Result& r : node.results) {
        box.values.insert(box.values.end(), r.values.begin(), r.values.end());
      }
      boxes_.push_back(std::move(box));
    }
    boxes_.push_back({Box::Kind::kOutput, 0, "return", "", {}, report_.outputs, {}});
    for (const std::vector<FactReport>* facts : {&report_.recorded_guards, &report_.runtime_asserts}) {
      for (const FactReport& fact : *facts) {
        if (NodeOf(report_, fact.node) == nullptr) continue;
        boxes_[report_.inputs.size() + fact.node].guards.push_back(fact.condition);
      }
    }
  }

  int BoxOfNode(int node) const { return static_cast<int>(report_.inputs.size()) + node; }

  void MakeEdges() {
    std::vector<int> maker(report_.values.size(), -1);
    for (size_t b = 0; b < boxes_.size(); ++b) {
      std::vector<int> uses = boxes_[b].uses;
      std::sort(uses.begin(), uses.end());
      uses.erase(std::unique(uses.begin(), uses.end()), uses.end());
      for (int value : uses) {
        if (maker[value] >= 0) edges_.push_back({value, maker[value], static_cast<int>(b)});
      }
      for (int value : boxes_[b].values) maker[value] = static_cast<int>(b);
    }
  }

  std::vector<std::string> Lines(const Box& box) const {
    std::vector<std::string> lines;
    for (const std::string& guard : box.guards) lines.push_back(Cut(guard));
    if (!box.at.empty()) lines.push_back(Cut(box.at));
    return lines;
  }

  std::string Number(const Box& box) const {
    return box.kind == Box::Kind::kNode ? absl::StrCat("#", box.index) : "";
  }

  // "%c" of the values that something uses, in front of their shapes.
  std::string Label(int value) const {
    const ValueReport& v = report_.values[value];
    return absl::StrCat(ShownName(v), "  ", Cut(ShapeOf(v)));
  }

  void Place() {
    std::vector<BoxToPlace> sizes;
    for (const Box& box : boxes_) {
      size_t chars = box.title.size() + Number(box).size() + 2;
      for (const std::string& line : Lines(box)) chars = std::max(chars, line.size() + 2);
      // Names of far operands stand in a row above, labels of results below.
      double below = 0;
      for (int value : box.values) below += (static_cast<double>(Label(value).size()) + 2) * kCharWidth;
      const double width = std::max(static_cast<double>(chars) * kCharWidth + 2 * kPadding, below);
      const double height = kLineHeight * (1 + static_cast<double>(Lines(box).size())) + 2 * kPadding;
      sizes.push_back({width, height, box.kind == Box::Kind::kInput});
    }
    std::vector<EdgeToPlace> edges;
    for (const Edge& edge : edges_) edges.push_back({edge.from, edge.to});
    sizes_ = sizes;
    layout_ = LayoutGraph(sizes, edges);
  }

  // --- the drawing

  std::string SymbolsOf(const std::string& text) const {
    std::vector<std::string> out;
    for (const SymbolReport& s : report_.symbols) {
      if (MentionsSymbol(text, s.name)) out.push_back(HtmlEscape(s.name));
    }
    return absl::StrJoin(out, " ");
  }

  // Symbols in it can be clicked.
  std::string Marked(const std::string& text) const {
    std::string out;
    for (size_t i = 0; i < text.size();) {
      size_t end = i;
      while (end < text.size() && (absl::ascii_isalnum(text[end]) || text[end] == '_')) ++end;
      if (end == i) end = i + 1;
      const std::string word = text.substr(i, end - i);
      const bool symbol = std::any_of(report_.symbols.begin(), report_.symbols.end(),
                                      [&](const SymbolReport& s) { return s.name == word; });
      absl::StrAppend(&out, symbol ? absl::StrCat("<tspan class=\"sym\" data-s=\"", HtmlEscape(word), "\">") : "",
                      HtmlEscape(word), symbol ? "</tspan>" : "");
      i = end;
    }
    return out;
  }

  Point Port(int box, int value) const {
    double x = layout_.boxes[box].x;
    const std::vector<int>& values = boxes_[box].values;
    double total = 0, before = 0;
    for (int v : values) {
      const double width = (static_cast<double>(Label(v).size()) + 2) * kCharWidth;
      if (v == value) before = total + width / 2;
      total += width;
    }
    return {x + (sizes_[box].width - total) / 2 + before, layout_.boxes[box].y + sizes_[box].height};
  }

  std::string Drawing() const {
    std::string out = absl::StrFormat(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n",
        layout_.width, layout_.height, layout_.width, layout_.height);
    std::vector<std::vector<int>> far(boxes_.size());
    std::vector<std::vector<int>> into(boxes_.size());
    for (size_t e = 0; e < edges_.size(); ++e) {
      (layout_.edges[e].drawn ? into : far)[edges_[e].to].push_back(static_cast<int>(e));
    }
    for (const std::vector<int>& edges : into) DrawEdges(edges, out);
    for (size_t b = 0; b < boxes_.size(); ++b) {
      DrawFar(static_cast<int>(b), far[b], out);
      DrawBox(static_cast<int>(b), out);
    }
    for (size_t b = 0; b < boxes_.size(); ++b) DrawLabels(static_cast<int>(b), out);
    return absl::StrCat(out, "</svg>\n");
  }

  // The edges into one box, spread over its upper side in the order of where they
  // come from.
  void DrawEdges(std::vector<int> edges, std::string& out) const {
    auto from_x = [&](int e) {
      const std::vector<Point>& bends = layout_.edges[e].bends;
      return bends.empty() ? Port(edges_[e].from, edges_[e].value).x : bends.back().x;
    };
    std::sort(edges.begin(), edges.end(), [&](int a, int b) { return from_x(a) < from_x(b); });
    for (size_t i = 0; i < edges.size(); ++i) {
      const Edge& edge = edges_[edges[i]];
      const double share = (static_cast<double>(i) + 1) / (static_cast<double>(edges.size()) + 1);
      const Point end = {layout_.boxes[edge.to].x + sizes_[edge.to].width * share, layout_.boxes[edge.to].y};
      Point last = Port(edge.from, edge.value);
      const ValueReport& v = report_.values[edge.value];
      std::string path = absl::StrFormat("M%.1f %.1f", last.x, last.y);
      std::vector<Point> points = layout_.edges[edges[i]].bends;
      points.push_back(end);
      for (size_t p = 0; p < points.size(); ++p) {
        // Through a layer straight, between layers in a curve.
        if (p % 2 == 1 && p + 1 < points.size()) {
          absl::StrAppendFormat(&path, " L%.1f %.1f", points[p].x, points[p].y);
        } else {
          const double middle = (last.y + points[p].y) / 2;
          absl::StrAppendFormat(&path, " C%.1f %.1f %.1f %.1f %.1f %.1f", last.x, middle, points[p].x, middle,
                                points[p].x, points[p].y);
        }
        last = points[p];
      }
      absl::StrAppend(&out, "<path class=\"edge\" data-syms=\"", SymbolsOf(ShapeOf(v)), "\" d=\"", path, "\"><title>",
                      HtmlEscape(absl::StrCat(ShownName(v), ": ", ShapeOf(v), " strides ", ShownDims(v.strides))),
                      "</title></path>\n");
    }
  }

  // Operands that come from far away, by name; a click goes there.
  void DrawFar(int box, const std::vector<int>& edges, std::string& out) const {
    if (edges.empty()) return;
    std::string text, syms;
    for (int e : edges) {
      const ValueReport& v = report_.values[edges_[e].value];
      absl::StrAppend(&text, "<tspan data-box=\"", edges_[e].from, "\">", HtmlEscape(ShownName(v)), "<title>",
                      HtmlEscape(ShapeOf(v)), "</title></tspan> ");
      absl::StrAppend(&syms, syms.empty() ? "" : " ", SymbolsOf(ShapeOf(v)));
    }
    absl::StrAppendFormat(&out, "<text class=\"far\" data-syms=\"%s\" x=\"%.1f\" y=\"%.1f\">↥ %s</text>\n", syms,
                          layout_.boxes[box].x + 4, layout_.boxes[box].y - 4, text);
  }

  // The name and the shape of each value, at the start of its edges.
  void DrawLabels(int box, std::string& out) const {
    for (int value : boxes_[box].values) {
      const ValueReport& v = report_.values[value];
      if (v.kind == ValueReport::Kind::kNone) continue;
      const Point port = Port(box, value);
      absl::StrAppendFormat(&out,
                            "<text class=\"label\" data-syms=\"%s\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\" "
                            "paint-order=\"stroke\" stroke=\"var(--bg)\" stroke-width=\"4\">%s<title>%s</title></text>\n",
                            SymbolsOf(ShapeOf(v)), port.x, port.y + 14,
                            absl::StrCat(HtmlEscape(ShownName(v)), "  ", Marked(Cut(ShapeOf(v)))),
                            HtmlEscape(absl::StrCat(ShapeOf(v), " strides ", ShownDims(v.strides))));
    }
  }

  void DrawBox(int index, std::string& out) const {
    static constexpr absl::string_view kClasses[] = {"input", "node", "output"};
    const Box& box = boxes_[index];
    const Point at = layout_.boxes[index];
    std::string syms = absl::StrJoin(box.guards, " ");
    for (int value : box.values) absl::StrAppend(&syms, " ", ShapeOf(report_.values[value]));
    absl::StrAppendFormat(&out, "<g class=\"box %s\" id=\"b%d\" data-syms=\"%s\"><rect class=\"frame\" rx=\"6\" ",
                          kClasses[static_cast<int>(box.kind)], index, SymbolsOf(syms));
    absl::StrAppendFormat(&out, "x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", at.x, at.y,
                          sizes_[index].width, sizes_[index].height);
    double y = at.y + kPadding + 10;
    absl::StrAppendFormat(&out, "<text class=\"op\" x=\"%.1f\" y=\"%.1f\">%s</text>", at.x + kPadding, y,
                          HtmlEscape(box.title));
    absl::StrAppendFormat(&out, "<text class=\"no\" text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">%s</text>",
                          at.x + sizes_[index].width - kPadding, y, Number(box));
    for (const std::string& guard : box.guards) {
      absl::StrAppendFormat(&out, "<rect class=\"guardbg\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
                            at.x + 3, y + 4.5, sizes_[index].width - 6, kLineHeight);
      y += kLineHeight;
      absl::StrAppendFormat(&out, "<text class=\"guard\" x=\"%.1f\" y=\"%.1f\">%s<title>%s</title></text>",
                            at.x + kPadding, y, Marked(Cut(guard)), HtmlEscape(guard));
    }
    if (!box.at.empty()) {
      absl::StrAppendFormat(&out, "<text class=\"at\" x=\"%.1f\" y=\"%.1f\">%s</text>", at.x + kPadding,
                            y + kLineHeight, HtmlEscape(Cut(box.at)));
    }
    out += "</g>\n";
  }

  // --- what the script knows

  using Field = std::pair<absl::string_view, std::string>;
  // Of fields whose values are JSON already.
  static std::string Object(const std::vector<Field>& fields) {
    return absl::StrCat("{", absl::StrJoin(fields, ",", [](std::string* out, const Field& f) {
      absl::StrAppend(out, ScriptString(f.first), ":", f.second);
    }), "}");
  }
  template <typename List, typename Function>
  static std::string Array(const List& list, Function&& text) {
    return absl::StrCat("[", absl::StrJoin(list, ",", [&](std::string* out, const auto& item) {
      absl::StrAppend(out, text(item));
    }), "]");
  }

  std::string FactData(const FactReport& fact) const {
    std::vector<Field> fields = {{"condition", ScriptString(fact.condition)}, {"who", ScriptString(WhoAsked(fact))}};
    if (NodeOf(report_, fact.node) != nullptr) fields.emplace_back("box", absl::StrCat(BoxOfNode(fact.node)));
    return Object(fields);
  }

  std::string SymbolData(const SymbolReport& s) const {
    std::string title = s.name;
    if (!ShownHint(s).empty()) absl::StrAppend(&title, " = ", ShownHint(s));
    absl::StrAppend(&title, " in ", s.range);
    if (s.value != s.name) absl::StrAppend(&title, " is ", s.value);
    return Object({{"name", ScriptString(s.name)},
                   {"title", ScriptString(title)},
                   {"about", ScriptString(absl::StrCat(s.policy, ", declared in ", s.declared_range))}});
  }

  std::string ValueData(int value) const {
    const ValueReport& v = report_.values[value];
    std::vector<std::pair<std::string, std::string>> rows = {{"type", ShapeOf(v)}};
    if (v.kind == ValueReport::Kind::kTensor) {
      rows.emplace_back("strides", ShownDims(v.strides));
      rows.emplace_back("offset", v.offset == "0" ? "" : v.offset);
      rows.emplace_back("device", v.device);
      rows.emplace_back("alias of", v.alias_of < 0 ? "" : ShownName(report_.values[v.alias_of]));
      rows.emplace_back("value", v.constant);
    }
    return Object({{"name", ScriptString(ShownName(v))}, {"rows", Array(rows, [](const auto& row) {
                     return absl::StrCat("[", ScriptString(row.first), ",", ScriptString(row.second), "]");
                   })}});
  }

  std::string BoxData(const Box& box) const {
    std::string head = box.title, text;
    if (box.kind == Box::Kind::kNode) {
      head = absl::StrCat("node ", box.index, " ", report_.nodes[box.index].op);
      text = report_.nodes[box.index].text;
    } else if (box.kind == Box::Kind::kOutput) {
      text = absl::StrCat("return (", absl::StrJoin(box.uses, ", ", [&](std::string* out, int v) {
                            out->append(ShownName(report_.values[v]));
                          }), ")");
    } else {
      text = absl::StrCat(ShownName(report_.values[box.index]), ": ", ShapeOf(report_.values[box.index]));
    }
    return Object({{"head", ScriptString(head)},
                   {"text", ScriptString(text)},
                   {"at", ScriptString(box.at)},
                   {"find", ScriptString(absl::AsciiStrToLower(absl::StrCat(head, " ", text, " ", box.at)))},
                   {"values", Array(box.values, [this](int v) { return ValueData(v); })}});
  }

  std::string Data() const {
    std::vector<FactReport> implied;
    for (const FactReport& fact : report_.recorded_guards) {
      const bool kept = std::any_of(report_.guards.begin(), report_.guards.end(),
                                    [&](const FactReport& g) { return g.condition == fact.condition; });
      if (!kept) implied.push_back(fact);
    }
    auto fact = [this](const FactReport& f) { return FactData(f); };
    const double start = layout_.boxes.empty() ? 0 : layout_.boxes[BoxOfNode(0)].x + sizes_[BoxOfNode(0)].width / 2;
    return Object({{"symbols", Array(report_.symbols, [this](const SymbolReport& s) { return SymbolData(s); })},
                   {"boxes", Array(boxes_, [this](const Box& b) { return BoxData(b); })},
                   {"guards", Array(report_.guards, fact)},
                   {"implied", Array(implied, fact)},
                   {"asserts", Array(report_.runtime_asserts, fact)},
                   {"start", absl::StrCat(static_cast<int64_t>(start))}});
  }

  const PropagationReport& report_;
  std::vector<Box> boxes_;
  std::vector<Edge> edges_;
  std::vector<BoxToPlace> sizes_;
  GraphLayout layout_;
};

}  // namespace

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

std::string GraphPage(const PropagationReport& report) { return Page(report).Text(); }

}  // namespace kiln
