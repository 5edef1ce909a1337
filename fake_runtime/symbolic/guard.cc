#include "fake_runtime/symbolic/guard.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace kiln {

absl::string_view GuardKindName(GuardKind kind) {
  switch (kind) {
    case GuardKind::kShape: return "shape";
    case GuardKind::kAssumption: return "assumption";
    case GuardKind::kPerformance: return "performance";
  }
  return "";
}

std::string Guard::ToString() const {
  std::string text = absl::StrCat(condition.ToString(), "  [", GuardKindName(kind), "]");
  if (reason.node >= 0) absl::StrAppend(&text, " node ", reason.node);
  if (!reason.op.empty()) absl::StrAppend(&text, " (", reason.op, ")");
  if (!reason.what.empty()) absl::StrAppend(&text, text.back() == ']' ? " " : ": ", reason.what);
  if (!reason.location.empty()) absl::StrAppend(&text, ", ", reason.location);
  return text;
}

std::string ConditionText(Expr condition) {
  const bool compares = condition.kind() == ExprKind::kLe || condition.kind() == ExprKind::kLt;
  if (!compares || !condition.args()[0].AsInt() || condition.args()[1].AsInt()) return condition.ToString();
  const char* relation = condition.kind() == ExprKind::kLe ? " >= " : " > ";
  return absl::StrCat(condition.args()[1].ToString(), relation, condition.args()[0].ToString());
}

std::string Guard::ToLine() const {
  // "aten.view" of "aten.view.default": what people call it.
  absl::string_view name = reason.op;
  absl::ConsumeSuffix(&name, ".default");
  std::string why(name.empty() ? absl::string_view("inputs") : name);
  if (!reason.location.empty()) absl::StrAppend(&why, " at ", reason.location);
  if (!reason.what.empty()) absl::StrAppend(&why, ": ", reason.what);
  if (kind != GuardKind::kShape) absl::StrAppend(&why, " [", GuardKindName(kind), "]");
  return absl::StrCat(ConditionText(condition), "   # ", why);
}

Digest GuardSignature(absl::Span<const Guard> guards) {
  std::vector<std::string> conditions;
  conditions.reserve(guards.size());
  for (const Guard& g : guards) conditions.push_back(g.condition.ToString());
  std::sort(conditions.begin(), conditions.end());
  conditions.erase(std::unique(conditions.begin(), conditions.end()), conditions.end());
  DigestBuilder builder("kiln.guards.v1");
  for (const std::string& c : conditions) builder.AddBytes(c);
  return builder.Finish();
}

}  // namespace kiln
