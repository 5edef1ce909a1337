#include "fake_runtime/report/graph_data.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace kiln {
namespace {

class Data {
 public:
  Data(const PropagationReport& report, const GraphDrawing& drawing) : report_(report), drawing_(drawing) {}

  std::vector<JsonField> Fields() const {
    std::vector<FactReport> implied;
    for (const FactReport& fact : report_.recorded_guards) {
      const bool kept = std::any_of(report_.guards.begin(), report_.guards.end(),
                                    [&](const FactReport& g) { return g.condition == fact.condition; });
      if (!kept) implied.push_back(fact);
    }
    auto fact = [this](const FactReport& f) { return FactData(f); };
    return {{"symbols", JsonArray(report_.symbols, [this](const SymbolReport& s) { return SymbolData(s); })},
            {"boxes", JsonArray(drawing_.boxes(), [this](const DrawnBox& b) { return BoxData(b); })},
            {"guards", JsonArray(report_.guards, fact)},
            {"implied", JsonArray(implied, fact)},
            {"asserts", JsonArray(report_.runtime_asserts, fact)},
            {"start", absl::StrCat(static_cast<int64_t>(drawing_.StartX()))}};
  }

 private:
  std::string FactData(const FactReport& fact) const {
    std::vector<JsonField> fields = {{"condition", ScriptString(fact.condition)}, {"who", ScriptString(WhoAsked(fact))}};
    if (NodeOf(report_, fact.node) != nullptr) fields.emplace_back("box", absl::StrCat(drawing_.BoxOfNode(fact.node)));
    return JsonObject(fields);
  }

  std::string SymbolData(const SymbolReport& s) const {
    std::string title = s.name;
    if (!ShownHint(s).empty()) absl::StrAppend(&title, " = ", ShownHint(s));
    absl::StrAppend(&title, " in ", s.range);
    if (s.value != s.name) absl::StrAppend(&title, " is ", s.value);
    return JsonObject({{"name", ScriptString(s.name)},
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
    return JsonObject({{"name", ScriptString(ShownName(v))}, {"rows", JsonArray(rows, [](const auto& row) {
                         return absl::StrCat("[", ScriptString(row.first), ",", ScriptString(row.second), "]");
                       })}});
  }

  std::string BoxData(const DrawnBox& box) const {
    std::string head = box.title, text;
    if (box.kind == DrawnBox::Kind::kNode) {
      head = absl::StrCat("node ", box.index, " ", report_.nodes[box.index].op);
      text = report_.nodes[box.index].text;
    } else if (box.kind == DrawnBox::Kind::kOutput) {
      text = absl::StrCat("return (", absl::StrJoin(box.uses, ", ", [&](std::string* out, int v) {
                            out->append(ShownName(report_.values[v]));
                          }), ")");
    } else {
      text = absl::StrCat(ShownName(report_.values[box.index]), ": ", ShapeOf(report_.values[box.index]));
    }
    return JsonObject({{"head", ScriptString(head)},
                       {"text", ScriptString(text)},
                       {"at", ScriptString(box.at)},
                       {"find", ScriptString(absl::AsciiStrToLower(absl::StrCat(head, " ", text, " ", box.at)))},
                       {"values", JsonArray(box.values, [this](int v) { return ValueData(v); })}});
  }

  const PropagationReport& report_;
  const GraphDrawing& drawing_;
};

}  // namespace

std::vector<JsonField> GraphData(const PropagationReport& report, const GraphDrawing& drawing) {
  return Data(report, drawing).Fields();
}

std::string SummaryOf(const PropagationReport& report) {
  return absl::StrCat(report.inputs.size(), " inputs, ", report.nodes.size(), " nodes, ", report.symbols.size(),
                      " symbols, ", report.guards.size(), " guards");
}

}  // namespace kiln
