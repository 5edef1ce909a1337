#include "fake_runtime/report/graph_drawing.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "fake_runtime/report/page_text.h"

namespace kiln {
namespace {

// Of the page's fixed-width font at 11 px, and of its lines.
constexpr double kCharWidth = 6.65, kLineHeight = 15, kPadding = 8;
// What a stripe of a node's other colours takes.
constexpr double kStripe = 6;
constexpr size_t kLongestLine = 46;

std::string Cut(const std::string& text) {
  if (text.size() <= kLongestLine) return text;
  // Not in the middle of a UTF-8 sequence.
  size_t end = kLongestLine - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(text.substr(0, end), "…");
}

}  // namespace

std::string ShapeOf(const ValueReport& v) {
  if (v.kind == ValueReport::Kind::kTensor) return absl::StrCat(v.dtype, ShownDims(v.sizes));
  return absl::StrCat(ValueKindName(v.kind), v.scalar.empty() ? "" : " ", v.scalar);
}

GraphDrawing::GraphDrawing(const PropagationReport& report, DrawingOptions options)
    : report_(report), options_(std::move(options)) {
  MakeBoxes();
  MakeEdges();
  Place();
}

double GraphDrawing::StartX() const {
  const size_t first = report_.inputs.size();
  return first < layout_.boxes.size() ? layout_.boxes[first].x + sizes_[first].width / 2 : 0;
}

void GraphDrawing::MakeBoxes() {
  for (size_t i = 0; i < report_.inputs.size(); ++i) {
    const InputReport& input = report_.inputs[i];
    DrawnBox box;
    box.kind = DrawnBox::Kind::kInput;
    box.index = static_cast<int>(i);
    box.title = input.kind == "user" ? "input" : input.kind;
    box.values = {box.index};
    boxes_.push_back(std::move(box));
  }
  for (size_t n = 0; n < report_.nodes.size(); ++n) {
    const NodeReport& node = report_.nodes[n];
    DrawnBox box;
    box.index = static_cast<int>(n);
    box.title = std::string(absl::StripPrefix(node.op, "aten."));
    box.at = node.location;
    box.uses = node.uses;
    for (const NodeReport::Result& r : node.results) {
      box.values.insert(box.values.end(), r.values.begin(), r.values.end());
    }
    boxes_.push_back(std::move(box));
  }
  if (!options_.only_order) boxes_.push_back({DrawnBox::Kind::kOutput, 0, "return", "", {}, report_.outputs, {}});
  for (const std::vector<FactReport>* facts : {&report_.recorded_guards, &report_.runtime_asserts}) {
    for (const FactReport& fact : *facts) {
      if (NodeOf(report_, fact.node) == nullptr) continue;
      boxes_[report_.inputs.size() + fact.node].guards.push_back(fact.condition);
    }
  }
}

void GraphDrawing::MakeEdges() {
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

const NodeLook& GraphDrawing::LookOf(const DrawnBox& box) const {
  static const NodeLook kPlain;
  const bool has_look = box.kind == DrawnBox::Kind::kNode && box.index < static_cast<int>(options_.looks.size());
  return has_look ? options_.looks[box.index] : kPlain;
}

std::vector<std::string> GraphDrawing::LinesOf(const DrawnBox& box) const {
  std::vector<std::string> lines;
  for (const std::string& guard : box.guards) lines.push_back(Cut(guard));
  for (const std::string& note : LookOf(box).notes) lines.push_back(Cut(note));
  if (!box.at.empty()) lines.push_back(Cut(box.at));
  return lines;
}

std::string GraphDrawing::NumberOf(const DrawnBox& box) const {
  return box.kind == DrawnBox::Kind::kNode ? absl::StrCat("#", box.index) : "";
}

// "%c" of the values that something uses, in front of their shapes.
std::string GraphDrawing::LabelOf(int value) const {
  const ValueReport& v = report_.values[value];
  return absl::StrCat(ShownName(v), "  ", Cut(ShapeOf(v)));
}

void GraphDrawing::Place() {
  std::vector<BoxToPlace> sizes;
  for (const DrawnBox& box : boxes_) {
    size_t chars = box.title.size() + NumberOf(box).size() + 2 + LookOf(box).hues.size();
    for (const std::string& line : LinesOf(box)) chars = std::max(chars, line.size() + 2);
    // Names of far operands stand in a row above, labels of results below.
    double below = 0;
    for (int value : box.values) below += (static_cast<double>(LabelOf(value).size()) + 2) * kCharWidth;
    const double width = std::max(static_cast<double>(chars) * kCharWidth + 2 * kPadding, below);
    const double height = kLineHeight * (1 + static_cast<double>(LinesOf(box).size())) + 2 * kPadding;
    sizes.push_back({width, height, box.kind == DrawnBox::Kind::kInput});
  }
  std::vector<EdgeToPlace> edges;
  for (const Edge& edge : edges_) edges.push_back({edge.from, edge.to});
  // Not drawn: they put the steps below each other.
  for (int box = 1; options_.only_order && box < static_cast<int>(boxes_.size()); ++box) edges.push_back({box - 1, box});
  sizes_ = sizes;
  layout_ = LayoutGraph(sizes, edges);
}

std::string GraphDrawing::SymbolsOf(const std::string& text) const {
  std::vector<std::string> out;
  for (const SymbolReport& s : report_.symbols) {
    if (MentionsSymbol(text, s.name)) out.push_back(HtmlEscape(s.name));
  }
  return absl::StrJoin(out, " ");
}

// Symbols in it can be clicked.
std::string GraphDrawing::Marked(const std::string& text) const {
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

Point GraphDrawing::Port(int box, int value) const {
  double x = layout_.boxes[box].x;
  const std::vector<int>& values = boxes_[box].values;
  double total = 0, before = 0;
  for (int v : values) {
    const double width = (static_cast<double>(LabelOf(v).size()) + 2) * kCharWidth;
    if (v == value) before = total + width / 2;
    total += width;
  }
  return {x + (sizes_[box].width - total) / 2 + before, layout_.boxes[box].y + sizes_[box].height};
}

std::string GraphDrawing::Svg() const {
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
void GraphDrawing::DrawEdges(std::vector<int> edges, std::string& out) const {
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
void GraphDrawing::DrawFar(int box, const std::vector<int>& edges, std::string& out) const {
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
void GraphDrawing::DrawLabels(int box, std::string& out) const {
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

void GraphDrawing::DrawBox(int index, std::string& out) const {
  static constexpr absl::string_view kClasses[] = {"input", "node", "output"};
  const DrawnBox& box = boxes_[index];
  const Point at = layout_.boxes[index];
  std::string syms = absl::StrJoin(box.guards, " ");
  for (int value : box.values) absl::StrAppend(&syms, " ", ShapeOf(report_.values[value]));
  const NodeLook& look = LookOf(box);
  const std::string tint =
      look.hues.empty() ? look.css_class : absl::StrCat("tint\" style=\"--h:", look.hues.front());
  absl::StrAppendFormat(&out, "<g id=\"b%d\" data-syms=\"%s\" class=\"box %s %s\"><rect class=\"frame\" rx=\"6\" ",
                        index, SymbolsOf(syms), kClasses[static_cast<int>(box.kind)], tint);
  absl::StrAppendFormat(&out, "x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", at.x, at.y,
                        sizes_[index].width, sizes_[index].height);
  // At the right, after the number.
  const size_t stripes = look.hues.empty() ? 0 : look.hues.size() - 1;
  const double stripes_x = at.x + sizes_[index].width - kStripe * static_cast<double>(stripes);
  for (size_t i = 0; i < stripes; ++i) {
    absl::StrAppendFormat(&out, "<rect class=\"stripe\" style=\"--h:%d\" x=\"%.1f\" y=\"%.1f\" width=\"%.0f\" height=\"%.1f\"/>",
                          look.hues[i + 1], stripes_x + kStripe * static_cast<double>(i) - 4, at.y + 4, kStripe - 2,
                          sizes_[index].height - 8);
  }
  double y = at.y + kPadding + 10;
  absl::StrAppendFormat(&out, "<text class=\"op\" x=\"%.1f\" y=\"%.1f\">%s</text>", at.x + kPadding, y,
                        HtmlEscape(box.title));
  absl::StrAppendFormat(&out, "<text class=\"no\" text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">%s</text>",
                        stripes_x - kPadding, y, NumberOf(box));
  for (const std::string& guard : box.guards) {
    absl::StrAppendFormat(&out, "<rect class=\"guardbg\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
                          at.x + 3, y + 4.5, sizes_[index].width - 6, kLineHeight);
    y += kLineHeight;
    absl::StrAppendFormat(&out, "<text class=\"guard\" x=\"%.1f\" y=\"%.1f\">%s<title>%s</title></text>",
                          at.x + kPadding, y, Marked(Cut(guard)), HtmlEscape(guard));
  }
  std::vector<std::string> quiet = look.notes;
  if (!box.at.empty()) quiet.push_back(box.at);
  for (const std::string& line : quiet) {
    y += kLineHeight;
    absl::StrAppendFormat(&out, "<text class=\"at\" x=\"%.1f\" y=\"%.1f\">%s</text>", at.x + kPadding, y,
                          HtmlEscape(Cut(line)));
  }
  out += "</g>\n";
}

}  // namespace kiln
