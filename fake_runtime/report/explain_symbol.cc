#include "fake_runtime/report/explain_symbol.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/error.h"
#include "fake_runtime/symbolic/shape_env.h"

namespace kiln {
namespace {

// Chains longer than this are shown whole, not made minimal.
constexpr size_t kMaxFactsTried = 64;
constexpr size_t kMaxValuesShown = 8;

// What is known to avoid a test, by the operator that made it; the first row
// whose `op` the operator's name starts with, and whose `what` the test's words
// contain, counts.
struct Advice {
  absl::string_view op, what, advice;
};
constexpr absl::string_view kNumbersInShape =
    "the shape is written in numbers: take them from x.size(i), or write -1 for the one that varies";
constexpr absl::string_view kInnerSize = "the inner size meets a constant, as a rule a weight's: it can only be that";
constexpr Advice kAdvice[] = {
    {"aten.unbind.", "",
     "unbind makes one result for each element: use select, or narrow, for those that are needed"},
    {"aten.split", "",
     "split makes as many results as the size asks for: use narrow, or split a static dimension"},
    {"aten.chunk.", "",
     "chunk makes as many results as the size asks for: use narrow, or chunk a static dimension"},
    {"aten.view.", "keeps the number", kNumbersInShape},
    {"aten.reshape.", "keeps the number", kNumbersInShape},
    {"aten._unsafe_view.", "keeps the number", kNumbersInShape},
    {"aten.expand.", "", "the size is written as a number: take it from x.size(i), or write -1 to keep it"},
    {"", "broadcast",
     "two sizes met in a broadcast: they are equal, or one is 1, as the hints were; give them one symbol where they "
     "are always equal, and a hint of 2 or more where 1 is a special case"},
    {"aten.mm.", "", kInnerSize},
    {"aten.addmm.", "", kInnerSize},
    {"aten.bmm.", "", "batch and inner sizes of both operands must be equal: give them one symbol"},
    {"aten.cat.", "", "all sizes but the one that is joined must be equal: give them one symbol"},
};

const Advice* FindAdvice(const FactReport& fact) {
  for (const Advice& row : kAdvice) {
    if (absl::StartsWith(fact.op, row.op) && absl::StrContains(fact.what, row.what)) return &row;
  }
  return nullptr;
}

class Explanation {
 public:
  Explanation(const PropagationReport& report, const SymbolReport& symbol) : report_(report), symbol_(symbol) {}

  std::string Text() {
    Head();
    std::vector<FactReport> chain;
    if (symbol_.value != symbol_.name) {
      chain = Chain();
      Facts("because", chain);
    }
    std::vector<FactReport> holding, implied, asserts;
    for (const FactReport& fact : report_.guards) {
      if (Speaks(fact) && !In(chain, fact)) holding.push_back(fact);
    }
    for (const FactReport& fact : report_.recorded_guards) {
      if (Speaks(fact) && !In(chain, fact) && !In(report_.guards, fact)) implied.push_back(fact);
    }
    for (const FactReport& fact : report_.runtime_asserts) {
      if (Speaks(fact)) asserts.push_back(fact);
    }
    Facts(chain.empty() ? "guards that hold it" : "other guards on it", holding);
    Facts("implied by the guards above", implied);
    Facts("tested when the code runs", asserts);
    if (chain.empty() && holding.empty() && asserts.empty()) {
      out_ += "no guard speaks of it: any size in its range will do\n";
    }
    chain.insert(chain.end(), holding.begin(), holding.end());
    Advise(chain);
    Flow();
    std::vector<std::string> lines;
    for (absl::string_view line : absl::StrSplit(out_, '\n')) lines.push_back(Printable(std::string(line)));
    return absl::StrJoin(lines, "\n");
  }

 private:
  bool Speaks(const FactReport& fact) const { return MentionsSymbol(fact.condition, symbol_.name); }
  static bool In(const std::vector<FactReport>& facts, const FactReport& fact) {
    return std::any_of(facts.begin(), facts.end(), [&](const FactReport& f) { return f.condition == fact.condition; });
  }

  void Head() {
    int64_t number = 0;
    const std::string& name = symbol_.name;
    if (symbol_.value == name) {
      absl::StrAppend(&out_, name, " stays symbolic, in ", symbol_.range, "\n");
    } else if (absl::SimpleAtoi(symbol_.value, &number)) {
      absl::StrAppend(&out_, name, " is specialised to ", number, "\n");
    } else {
      absl::StrAppend(&out_, name, " is always ", symbol_.value, "\n");
    }
    std::vector<std::string> origins = Origins();
    const std::string origin = origins.empty() ? "born of data" : absl::StrJoin(origins, ", ");
    // A range that nobody wrote says nothing, and of a size not even what is true.
    const bool declared = symbol_.declared_range != ValueRange().ToString();
    absl::StrAppend(&out_, "  ", origin, "; ", symbol_.policy,
                    ShownHint(symbol_).empty() ? "" : absl::StrCat("; hint ", ShownHint(symbol_)),
                    declared ? absl::StrCat("; declared in ", symbol_.declared_range) : "", "\n");
  }

  // Where inputs have the symbol: "size 0 of %x".
  std::vector<std::string> Origins() const {
    std::vector<std::string> out;
    for (size_t i = 0; i < report_.inputs.size(); ++i) {
      const ValueReport& v = report_.values[i];
      for (size_t d = 0; d < v.sizes.size(); ++d) {
        if (MentionsSymbol(v.sizes[d], symbol_.name)) out.push_back(absl::StrCat("size ", d, " of ", ShownName(v)));
      }
      if (MentionsSymbol(v.scalar, symbol_.name)) out.push_back(ShownName(v));
    }
    return out;
  }

  void Facts(absl::string_view title, const std::vector<FactReport>& facts) {
    if (facts.empty()) return;
    size_t width = 0;
    for (const FactReport& fact : facts) width = std::max(width, fact.condition.size());
    absl::StrAppend(&out_, title, ":\n");
    for (const FactReport& fact : facts) {
      absl::StrAppend(&out_, "  ", fact.condition, std::string(width - fact.condition.size() + 2, ' '), "# ",
                      WhoAsked(fact), fact.node >= 0 ? absl::StrCat(", node ", fact.node) : "", "\n");
    }
  }

  // --- the chain: a smallest set of guards from which the value follows, nearest
  // to the symbol first.

  std::vector<FactReport> Chain() const {
    std::vector<FactReport> facts = Connected();
    if (facts.size() > kMaxFactsTried || !Follows(facts)) return facts;
    // Later guards first: what was decided first is the cause.
    for (size_t i = facts.size(); i-- > 0;) {
      std::vector<FactReport> fewer = facts;
      fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(i));
      if (Follows(fewer)) facts = std::move(fewer);
    }
    return facts;
  }

  // Guards that share symbols with it, directly or through others, nearest first.
  std::vector<FactReport> Connected() const {
    std::vector<std::string> frontier = {symbol_.name};
    std::vector<bool> taken(report_.recorded_guards.size());
    std::vector<FactReport> out;
    for (size_t next = 0; next < frontier.size(); ++next) {
      for (size_t g = 0; g < report_.recorded_guards.size(); ++g) {
        const FactReport& fact = report_.recorded_guards[g];
        if (taken[g] || !MentionsSymbol(fact.condition, frontier[next])) continue;
        taken[g] = true;
        out.push_back(fact);
        for (const SymbolReport& s : report_.symbols) {
          const bool known = std::find(frontier.begin(), frontier.end(), s.name) != frontier.end();
          if (!known && MentionsSymbol(fact.condition, s.name)) frontier.push_back(s.name);
        }
      }
    }
    return out;
  }

  // Whether an environment that is told only `facts` knows what the symbol is.
  bool Follows(const std::vector<FactReport>& facts) const {
    ExprPool pool;
    ShapeEnv env(&pool);
    for (const SymbolReport& s : report_.symbols) {
      const ValueRange natural = s.is_size ? ValueRange::AtLeast(0) : ValueRange();
      const Expr name = pool.Symbol(s.name);
      const absl::Status declared =
          s.hint.has_value()         ? env.AddBackedSymbol(name, *s.hint, natural, natural, DimPolicy::kAutomatic)
          : s.float_hint.has_value() ? env.AddBackedFloatSymbol(name, *s.float_hint)
                                     : env.AddUnbackedSymbol(name, natural);
      if (!declared.ok()) return false;
    }
    for (const FactReport& fact : facts) {
      absl::StatusOr<Expr> condition = pool.Parse(fact.condition);
      if (!condition.ok() || !env.AddAssumption(*condition, "").ok()) return false;
    }
    absl::StatusOr<Expr> value = pool.Parse(symbol_.value);
    return value.ok() && env.KnownEqual(pool.Symbol(symbol_.name), *value);
  }

  void Advise(const std::vector<FactReport>& facts) {
    std::vector<std::string> lines;
    for (const FactReport& fact : facts) {
      const Advice* row = FindAdvice(fact);
      if (row == nullptr) continue;
      std::string line = absl::StrCat("  ", fact.op, ": ", row->advice, "\n");
      if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(std::move(line));
    }
    if (!lines.empty()) absl::StrAppend(&out_, "to avoid it:\n", absl::StrJoin(lines, ""));
  }

  void Flow() {
    std::vector<std::string> names;
    for (const ValueReport& v : report_.values) {
      const bool has = MentionsSymbol(absl::StrCat(ShownDims(v.sizes), " ", v.scalar), symbol_.name);
      if (has) names.push_back(ShownName(v));
    }
    if (names.empty()) return;
    const size_t shown = std::min(names.size(), kMaxValuesShown);
    absl::StrAppend(&out_, "flows into ", names.size(), names.size() == 1 ? " value: " : " values: ",
                    absl::StrJoin(names.begin(), names.begin() + static_cast<ptrdiff_t>(shown), ", "),
                    names.size() > shown ? ", ..." : "", "\n");
  }

  const PropagationReport& report_;
  const SymbolReport& symbol_;
  std::string out_;
};

}  // namespace

absl::StatusOr<std::string> ExplainSymbol(const PropagationReport& report, absl::string_view symbol) {
  std::vector<std::string> names;
  for (const SymbolReport& s : report.symbols) {
    if (s.name == symbol) return Explanation(report, s).Text();
    names.push_back(s.name);
  }
  return MakeError(ErrorReason::kBadArgumentValue,
                   absl::StrCat("there is no symbol '", symbol, "'; there ",
                                names.empty() ? "are none" : absl::StrCat("are ", absl::StrJoin(names, ", "))));
}

}  // namespace kiln
