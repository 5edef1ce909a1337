#include "fake_runtime/report/print_table.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace kiln {
namespace {

enum Column { kNode, kValue, kOp, kDType, kSizes, kStrides, kNotes, kColumns };
constexpr absl::string_view kHeads[kColumns] = {"node", "value", "op", "dtype", "sizes", "strides", "notes"};

// Wider cells stick out instead of pushing all others to the right.
constexpr size_t kWidestCell = 40;

struct Row {
  std::array<std::string, kColumns> cells;
  // A line of its own across the columns, in front of which stand node and value.
  std::string guard;
};

// ECMA-48's colours, by what is shown in them.
constexpr absl::string_view kReset = "\x1b[0m";
constexpr absl::string_view kHeadColor = "\x1b[1m";
constexpr absl::string_view kGuardColor = "\x1b[33m";
constexpr absl::string_view kQuietColor = "\x1b[2m";

std::string Notes(const PropagationReport& report, const ValueReport& v) {
  std::vector<std::string> notes;
  if (v.alias_of >= 0) notes.push_back(absl::StrCat("alias of ", ShownName(report.values[v.alias_of])));
  if (v.offset != "0") notes.push_back(absl::StrCat("offset ", v.offset));
  if (v.device != "cpu") notes.push_back(v.device);
  if (v.requires_grad) notes.push_back("requires_grad");
  if (v.conj) notes.push_back("conj");
  if (v.neg) notes.push_back("neg");
  if (!v.constant.empty()) notes.push_back(absl::StrCat("= ", v.constant));
  return absl::StrJoin(notes, ", ");
}

Row RowOfValue(const PropagationReport& report, int value, absl::string_view node, absl::string_view op) {
  const ValueReport& v = report.values[value];
  Row row;
  row.cells[kNode] = std::string(node);
  row.cells[kValue] = ShownName(v);
  row.cells[kOp] = std::string(op);
  if (v.kind == ValueReport::Kind::kTensor) {
    row.cells[kDType] = v.dtype;
    row.cells[kSizes] = ShownDims(v.sizes);
    row.cells[kStrides] = ShownDims(v.strides);
  } else {
    row.cells[kDType] = std::string(ValueKindName(v.kind));
    row.cells[kSizes] = v.scalar;
  }
  row.cells[kNotes] = Notes(report, v);
  return row;
}

std::string InputOp(const InputReport& input) {
  return absl::StrCat("input", input.kind == "user" ? "" : absl::StrCat(", ", input.kind),
                      input.donated ? ", donated" : "", input.constant ? ", constant" : "",
                      input.data_written ? ", written" : "", input.metadata_changed ? ", reshaped" : "");
}

void AppendGuards(const PropagationReport& report, int node, std::vector<Row>& rows) {
  auto append = [&](const std::vector<FactReport>& facts, absl::string_view word) {
    for (const FactReport& fact : facts) {
      if (fact.node != node) continue;
      rows.push_back({{}, absl::StrCat(word, " ", fact.condition, fact.what.empty() ? "" : "  # ", fact.what,
                                       fact.location.empty() ? "" : ", ", fact.location)});
    }
  };
  append(report.recorded_guards, "guard");
  append(report.runtime_asserts, "assert");
}

std::vector<Row> RowsOf(const PropagationReport& report) {
  std::vector<Row> rows;
  for (size_t i = 0; i < report.inputs.size(); ++i) {
    rows.push_back(RowOfValue(report, static_cast<int>(i), "", InputOp(report.inputs[i])));
  }
  AppendGuards(report, -1, rows);
  for (size_t n = 0; n < report.nodes.size(); ++n) {
    const NodeReport& node = report.nodes[n];
    const std::string number = absl::StrCat(n);
    bool first = true;
    for (const NodeReport::Result& result : node.results) {
      for (int value : result.values) {
        rows.push_back(RowOfValue(report, value, first ? number : "", first ? node.op : ""));
        first = false;
      }
    }
    if (first) {
      Row row;
      row.cells[kNode] = number;
      row.cells[kOp] = node.op;
      rows.push_back(std::move(row));
    }
    AppendGuards(report, static_cast<int>(n), rows);
  }
  return rows;
}

class TablePrinter {
 public:
  explicit TablePrinter(TableColor color) : color_(color) {}

  std::string Print(const std::vector<Row>& rows) {
    Row heads;
    std::array<bool, kColumns> used = {};
    for (int c = 0; c < kColumns; ++c) heads.cells[c] = std::string(kHeads[c]);
    for (const Row& row : rows) {
      for (int c = 0; c < kColumns; ++c) {
        used[c] |= !row.cells[c].empty();
        if (row.cells[c].size() <= kWidestCell) widths_[c] = std::max(widths_[c], row.cells[c].size());
      }
    }
    for (int c = 0; c < kColumns; ++c) {
      if (used[c]) widths_[c] = std::max(widths_[c], kHeads[c].size());
      if (!used[c]) heads.cells[c].clear();
    }
    std::string out = Colored(Line(heads), kHeadColor) + "\n";
    for (const Row& row : rows) absl::StrAppend(&out, row.guard.empty() ? Line(row) : GuardLine(row.guard), "\n");
    return out;
  }

  std::string Colored(absl::string_view text, absl::string_view color) const {
    if (color_ == TableColor::kNone || text.empty()) return std::string(text);
    return absl::StrCat(color, text, kReset);
  }

 private:
  std::string Line(const Row& row) const {
    std::string line;
    size_t column = 0;
    for (int c = 0; c < kColumns; ++c) {
      if (widths_[c] == 0) continue;
      // After a cell that was too wide, the next starts where it can.
      if (line.size() < column) line.append(column - line.size(), ' ');
      if (column > 0 && line.size() > column) line += "  ";
      line += Printable(row.cells[c]);
      column += widths_[c] + 2;
    }
    return std::string(absl::StripTrailingAsciiWhitespace(line));
  }

  std::string GuardLine(const std::string& guard) const {
    const size_t indent = widths_[kNode] + (widths_[kNode] > 0 ? 2 : 0) + widths_[kValue] + 2;
    return absl::StrCat(std::string(indent, ' '), Colored(Printable(guard), kGuardColor));
  }

  const TableColor color_;
  std::array<size_t, kColumns> widths_ = {};
};

// "  s0 == s2   # aten.add.Tensor at model.py:41: broadcast of dim 0", the
// comments below one another.
void AppendFacts(absl::string_view title, const std::vector<FactReport>& facts, const TablePrinter& printer,
                 std::string& out) {
  if (facts.empty()) return;
  size_t width = 0;
  for (const FactReport& fact : facts) {
    if (fact.condition.size() <= kWidestCell) width = std::max(width, fact.condition.size());
  }
  absl::StrAppend(&out, title, ":\n");
  for (const FactReport& fact : facts) {
    const size_t pad = fact.condition.size() < width ? width - fact.condition.size() : 0;
    absl::StrAppend(&out, "  ", printer.Colored(Printable(fact.condition), kGuardColor), std::string(pad, ' '), "  ",
                    printer.Colored(absl::StrCat("# ", WhoAsked(fact)), kQuietColor), "\n");
  }
}

void AppendSymbols(const std::vector<SymbolReport>& symbols, std::string& out) {
  if (symbols.empty()) return;
  out += "symbols:\n";
  for (const SymbolReport& s : symbols) {
    absl::StrAppend(&out, "  ", Printable(s.name));
    if (!ShownHint(s).empty()) absl::StrAppend(&out, " = ", ShownHint(s));
    absl::StrAppend(&out, " in ", s.range);
    if (s.policy != "automatic") absl::StrAppend(&out, " ", s.policy);
    if (s.value != s.name) absl::StrAppend(&out, ", by the guards ", Printable(s.value));
    out += "\n";
  }
}

}  // namespace

std::string PrintTable(const PropagationReport& report, TableColor color) {
  TablePrinter printer(color);
  std::string out = printer.Print(RowsOf(report));
  AppendFacts("guards", report.guards, printer, out);
  AppendFacts("runtime asserts", report.runtime_asserts, printer, out);
  AppendSymbols(report.symbols, out);
  return out;
}

}  // namespace kiln
