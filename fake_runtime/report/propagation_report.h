// What a propagation found, as text: the one thing that tables, explanations,
// pages and replies to clients are made from. It holds no expression and no
// schema, so it outlives the graph and travels over the wire
// (fake_runtime/import/report_proto.h).
//
// Values are numbered as in the graph: inputs first, then what nodes define.
// Expressions are in the text form of docs/text_form.md. A value.
#ifndef KILN_FAKE_RUNTIME_REPORT_PROPAGATION_REPORT_H_
#define KILN_FAKE_RUNTIME_REPORT_PROPAGATION_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace kiln {

struct ValueReport {
  enum class Kind { kNone, kTensor, kInt, kFloat, kBool };
  std::string name;  // without '%'; empty for one that nothing uses
  Kind kind = Kind::kNone;
  // Of a scalar.
  std::string scalar;
  // Of a tensor. Sizes, strides and offset are in elements.
  std::string dtype;
  std::vector<std::string> sizes, strides;
  std::string offset = "0";
  std::string device = "cpu";
  bool requires_grad = false;
  bool conj = false;
  bool neg = false;
  // The value of a one-element constant that is known, else empty.
  std::string constant;
  // Tensors with equal storages alias; -1 for what is no tensor.
  int storage = -1;
  // The first value that looks into the same storage, -1 if this is it.
  int alias_of = -1;
};

struct InputReport {
  std::string kind;  // "user", "parameter", ...
  bool donated = false;
  bool constant = false;
  // What the graph does to it: its storage is written; its sizes, strides, offset or
  // storage are others in the end. The value is what it is in the end.
  bool data_written = false;
  bool metadata_changed = false;
};

struct NodeReport {
  struct Result {
    bool is_list = false;
    std::vector<int> values;
  };
  std::string op;    // "aten.add.Tensor"
  std::string text;  // "%c = aten.add.Tensor(%a, %b, alpha=2)"
  std::vector<int> uses;
  std::vector<Result> results;
  std::string location;
};

// A guard or a runtime assert, with who asked.
struct FactReport {
  std::string condition;  // as people write it: "s0 >= 8", not "8 <= s0"
  std::string kind;       // "shape", "assumption", "performance"
  int node = -1;     // -1: an input
  std::string op, what, location;
};

struct SymbolReport {
  std::string name;
  std::optional<int64_t> hint;
  std::optional<double> float_hint;  // of a float
  std::string policy;  // "automatic", "dynamic", "unbacked"
  // What was said of it, and what is known in the end: "[2, oo]".
  std::string declared_range, range;
  // It stands for a size, which is never negative.
  bool is_size = false;
  // What it is by the guards: a number if specialised, another expression if it
  // was replaced, else its own name.
  std::string value;
};

struct PropagationReport {
  std::string graph;
  std::vector<ValueReport> values;
  std::vector<InputReport> inputs;
  std::vector<NodeReport> nodes;
  std::vector<int> outputs;  // those that are values
  std::vector<SymbolReport> symbols;
  std::vector<std::string> assumptions;
  // The minimal set, and everything that was recorded, in order.
  std::vector<FactReport> guards, recorded_guards;
  std::vector<FactReport> runtime_asserts;
};

// "none", "tensor", "int", "float", "bool".
absl::string_view ValueKindName(ValueReport::Kind kind);
// "%c", or "_" for a value without a name.
std::string ShownName(const ValueReport& value);
// "[s0, 4]".
std::string ShownDims(const std::vector<std::string>& dims);
// Text is whatever a client or a server sent: control characters, which a terminal
// would obey, become '?'.
std::string Printable(std::string text);
// "aten.add.Tensor at model.py:41: broadcast of dim 0", "aten.view at ..." of an
// overload without a name; "the inputs" where no node asked.
std::string WhoAsked(const FactReport& fact);
// True if `symbol` stands in the text of the expression as a word of its own.
bool MentionsSymbol(const std::string& expression, const std::string& symbol);
// "8", "0.5"; empty where it has none.
std::string ShownHint(const SymbolReport& symbol);
// nullptr where `node` is the number of no node.
const NodeReport* NodeOf(const PropagationReport& report, int node);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_REPORT_PROPAGATION_REPORT_H_
