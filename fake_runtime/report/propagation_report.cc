#include "fake_runtime/report/propagation_report.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "fake_runtime/symbolic/expr.h"

namespace kiln {

absl::string_view ValueKindName(ValueReport::Kind kind) {
  static constexpr absl::string_view kNames[] = {"none", "tensor", "int", "float", "bool"};
  return kNames[static_cast<int>(kind)];
}

std::string ShownName(const ValueReport& value) { return value.name.empty() ? "_" : absl::StrCat("%", value.name); }

std::string ShownDims(const std::vector<std::string>& dims) { return absl::StrCat("[", absl::StrJoin(dims, ", "), "]"); }

std::string ShownHint(const SymbolReport& symbol) {
  if (symbol.hint.has_value()) return absl::StrCat(*symbol.hint);
  if (!symbol.float_hint.has_value()) return "";
  // All of its digits, as the text form has them.
  ExprPool pool;
  return pool.Float(*symbol.float_hint).ToString();
}

std::string Printable(std::string text) {
  for (char& c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = '?';
  }
  return text;
}

std::string WhoAsked(const FactReport& fact) {
  // "aten.view" of "aten.view.default": what people call it.
  std::string text = fact.op.empty() ? "the inputs" : std::string(absl::StripSuffix(fact.op, ".default"));
  if (!fact.location.empty()) absl::StrAppend(&text, " at ", fact.location);
  if (!fact.what.empty()) absl::StrAppend(&text, ": ", fact.what);
  if (fact.kind != "shape") absl::StrAppend(&text, " (", fact.kind, ")");
  return Printable(std::move(text));
}

bool MentionsSymbol(const std::string& expression, const std::string& symbol) {
  const auto is_word = [](char c) { return absl::ascii_isalnum(c) || c == '_'; };
  for (size_t at = expression.find(symbol); at != std::string::npos; at = expression.find(symbol, at + 1)) {
    const size_t end = at + symbol.size();
    const bool starts = at == 0 || !is_word(expression[at - 1]);
    if (starts && (end == expression.size() || !is_word(expression[end]))) return true;
  }
  return false;
}

const NodeReport* NodeOf(const PropagationReport& report, int node) {
  const bool is_node = node >= 0 && node < static_cast<int>(report.nodes.size());
  return is_node ? &report.nodes[node] : nullptr;
}

}  // namespace kiln
