// The reader of the text form (docs/text_form.md): recursive descent over the
// characters, in front of GraphBuilder, which checks what the text means.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "fake_runtime/graph/choose_overload.h"
#include "fake_runtime/graph/signature_parser.h"
#include "fake_runtime/graph/text_cursor.h"
#include "fake_runtime/graph/text_form.h"

namespace kiln {
namespace {

class GraphParser {
 public:
  GraphParser(absl::string_view text, ExprPool* pool,
              const SchemaLookup& lookup, const TextFormOptions& options)
      : in_(text, "_."), pool_(pool), lookup_(lookup), options_(options), builder_(pool, lookup) {}

  absl::StatusOr<Graph> Parse() {
    KILN_RETURN_IF_ERROR(CheckLimit(Limit::kRequestBytes, in_.text().size(),
                                    "the graph's text"));
    // A graph can be sent, and the strings of messages are UTF-8.
    const size_t bad = FindBadUtf8(in_.text());
    if (bad != in_.text().size()) return in_.ErrorAt(bad, "this byte is not UTF-8");
    KILN_RETURN_IF_ERROR(in_.ExpectWord("graph"));
    KILN_ASSIGN_OR_RETURN(absl::string_view name, in_.Word("the graph's name"));
    builder_.SetName(name);
    KILN_RETURN_IF_ERROR(ParseSignature(in_, pool_, builder_));
    KILN_RETURN_IF_ERROR(in_.Expect("{"));
    AnnounceDefinitions();
    while (!in_.AtWord("return")) KILN_RETURN_IF_ERROR(ParseNode());
    return ParseReturn();
  }

 private:
  // Values on the left of '=' stand outside all parentheses; those are what
  // nodes further on define, as far as `return`, behind which parentheses may be
  // missing. A '%' inside a comment or string is skipped.
  void AnnounceDefinitions() {
    absl::string_view text = in_.text();
    int depth = 0;
    for (size_t i = in_.pos(); i < text.size(); ++i) {
      char c = text[i];
      if (c == '(') ++depth;
      if (c == ')') --depth;
      if (c == '#') i = std::min(text.find('\n', i), text.size() - 1);
      if (c == '"') i = in_.EndOfString(i);
      if (depth != 0 || (c != '%' && !in_.IsWordChar(c))) continue;
      const size_t start = c == '%' ? i + 1 : i;
      size_t end = start;
      while (end < text.size() && in_.IsWordChar(text[end])) ++end;
      const absl::string_view word = text.substr(start, end - start);
      if (c != '%' && word == "return") return;
      if (c == '%') builder_.Announce(word);
      i = end - 1;
    }
  }

  absl::Status ParseNode() {
    if (in_.At("}") || in_.AtEnd())
      return in_.Error("expected a node or 'return'");
    const size_t start = in_.Start();
    std::vector<OutputNames> results;
    if (in_.At("%") || in_.At("[") || in_.AtWord("_"))
      KILN_RETURN_IF_ERROR(ParseResults(results));
    KILN_ASSIGN_OR_RETURN(absl::string_view op, in_.Word("an operator"));
    KILN_RETURN_IF_ERROR(in_.Expect("("));
    KILN_ASSIGN_OR_RETURN(std::vector<NamedArgument> args, ParseArgs(op));
    KILN_ASSIGN_OR_RETURN(op, ResolveOverload(op, args, results.size(), start));
    SpreadResults(op, results);
    std::string location = ParseLocation();
    if (location.empty() && !options_.file.empty()) location = absl::StrCat(options_.file, ":", LineOf(start));
    if (options_.refusal != nullptr && lookup_(op) == nullptr) {
      const absl::Status refused = options_.refusal(op);
      if (!refused.ok()) return AddContext(refused, DescribeNode(builder_.num_nodes(), op, location));
    }
    return builder_.AddNode(op, std::move(args), std::move(results), std::move(location));
  }

  int64_t LineOf(size_t pos) {
    // Nodes come in order, so lines are counted once.
    const absl::string_view between = in_.text().substr(counted_, pos - counted_);
    line_ += std::count(between.begin(), between.end(), '\n');
    counted_ = pos;
    return line_;
  }

  // The full name of `op`, where it stands without its overload.
  absl::StatusOr<absl::string_view> ResolveOverload(absl::string_view op, const std::vector<NamedArgument>& args,
                                                    size_t num_results, size_t start) {
    if (options_.overloads == nullptr || lookup_(op) != nullptr) return op;
    const std::vector<const OpSchema*> all = options_.overloads(op);
    if (all.empty()) return op;
    const std::vector<const OpSchema*> fit = ChooseOverloads(all, args, num_results, builder_.classes());
    if (fit.size() == 1) return absl::string_view(fit[0]->name);
    std::string names;
    for (const OpSchema* schema : fit.empty() ? all : fit) {
      absl::StrAppend(&names, names.empty() ? "" : ", ", schema->name);
    }
    const std::string where = DescribeNode(builder_.num_nodes(), op, options_.file.empty()
                                                                         ? ""
                                                                         : absl::StrCat(options_.file, ":", LineOf(start)));
    return MakeError(ErrorReason::kBadArgumentType,
                     absl::StrCat(where, ": the arguments fit ", fit.empty() ? "none" : "more than one",
                                  " of its overloads: ", names));
  }

  absl::Status ParseResults(std::vector<OutputNames>& results) {
    do {
      OutputNames& result = results.emplace_back();
      if (in_.TryConsume("[")) {
        result.is_list = true;
        KILN_RETURN_IF_ERROR(ParseListResult(result));
      } else {
        KILN_ASSIGN_OR_RETURN(result.names.emplace_back(), ParseResultName());
      }
    } while (in_.TryConsume(","));
    return in_.Expect("=");
  }

  absl::Status ParseListResult(OutputNames& result) {
    if (in_.TryConsume("]")) return absl::OkStatus();
    do {
      KILN_ASSIGN_OR_RETURN(result.names.emplace_back(), ParseResultName());
    } while (in_.TryConsume(","));
    return in_.Expect("]");
  }

  absl::StatusOr<std::string> ParseResultName() {
    if (in_.TryWord("_")) return std::string();
    KILN_ASSIGN_OR_RETURN(absl::string_view name, ReadValueName(in_));
    return std::string(name);
  }

  // The names of an operator whose only return is a list need no brackets.
  void SpreadResults(absl::string_view op,
                     std::vector<OutputNames>& results) const {
    const OpSchema* schema = lookup_(op);
    if (schema == nullptr || schema->returns.size() != 1 ||
        !schema->returns[0].is_list)
      return;
    if (results.size() == 1 && results[0].is_list) return;
    OutputNames spread;
    spread.is_list = true;
    for (OutputNames& result : results) {
      if (result.is_list) return;
      spread.names.push_back(std::move(result.names[0]));
    }
    results = {std::move(spread)};
  }

  std::string ParseLocation() {
    absl::string_view text = in_.text();
    size_t start = text.find_first_not_of(" \t", in_.pos());
    if (start == absl::string_view::npos || text[start] != '#') return "";
    size_t end = std::min(text.find('\n', start), text.size());
    in_.set_pos(end);
    return std::string(
        absl::StripAsciiWhitespace(text.substr(start + 1, end - start - 1)));
  }

  absl::StatusOr<std::vector<NamedArgument>> ParseArgs(absl::string_view op) {
    std::vector<NamedArgument> args;
    if (in_.TryConsume(")")) return args;
    do {
      if (in_.At(")")) break;
      NamedArgument arg;
      arg.name = TryKeyword();
      absl::StatusOr<Argument> value = ParseArgument(kArgumentDepth);
      if (!value.ok()) return InNode(value.status(), op);
      arg.value = *std::move(value);
      args.push_back(std::move(arg));
    } while (in_.TryConsume(","));
    KILN_RETURN_IF_ERROR(in_.Expect(")"));
    return args;
  }

  // A use of a value that is not there is the node's fault; a bad character is
  // the text's.
  absl::Status InNode(const absl::Status& status, absl::string_view op) const {
    if (GetErrorReason(status) == ErrorReason::kParseError) return status;
    return AddContext(status, DescribeNode(builder_.num_nodes(), op, ""));
  }

  // "alpha=" before a value; but "==" never follows a keyword.
  std::string TryKeyword() {
    absl::string_view word = in_.PeekWord();
    absl::string_view text = in_.text();
    size_t after = text.find_first_not_of(' ', in_.pos() + word.size());
    if (word.empty() || after == absl::string_view::npos || text[after] != '=')
      return "";
    in_.set_pos(after + 1);
    return std::string(word);
  }

  absl::StatusOr<Argument> ParseArgument(int depth) {
    if (in_.AtEnd()) return in_.Error("expected an argument");
    char c = in_.Peek();
    if (c == '%') {
      KILN_ASSIGN_OR_RETURN(absl::string_view name, ReadValueName(in_));
      KILN_ASSIGN_OR_RETURN(ValueId id, builder_.Find(name));
      return Argument(id);
    }
    if (c == '[') return ParseList(depth);
    if (c == '"') {
      KILN_ASSIGN_OR_RETURN(std::string value, in_.String());
      return Argument(std::move(value));
    }
    if (c == '-' || absl::ascii_isdigit(c)) return ParseNumber();
    return ReadWordLiteral(in_);
  }

  absl::StatusOr<Argument> ParseList(int depth) {
    if (depth == 0) return in_.Error("lists nest too deeply");
    KILN_RETURN_IF_ERROR(in_.Expect("["));
    ArgumentList items;
    if (in_.TryConsume("]")) return Argument(std::move(items));
    do {
      if (in_.At("]")) break;
      KILN_ASSIGN_OR_RETURN(Argument item, ParseArgument(depth - 1));
      items.push_back(std::move(item));
    } while (in_.TryConsume(","));
    KILN_RETURN_IF_ERROR(in_.Expect("]"));
    return Argument(std::move(items));
  }

  absl::StatusOr<Argument> ParseNumber() {
    const size_t start = in_.Start();
    absl::string_view text = in_.text();
    size_t end = start + 1;
    while (end < text.size() &&
           (in_.IsWordChar(text[end]) || IsExponentSign(text, end)))
      ++end;
    in_.set_pos(end);
    absl::string_view token = text.substr(start, end - start);
    int64_t integer = 0;
    if (absl::SimpleAtoi(token, &integer)) return Argument(integer);
    double real = 0;
    bool looks_real = token.find_first_of(".eEin") != absl::string_view::npos;
    if (looks_real && absl::SimpleAtod(token, &real)) return Argument(real);
    return in_.ErrorAt(start, absl::StrCat("'", token, "' is no 64-bit number"));
  }

  static bool IsExponentSign(absl::string_view text, size_t i) {
    return (text[i] == '-' || text[i] == '+') &&
           (text[i - 1] == 'e' || text[i - 1] == 'E');
  }

  absl::StatusOr<Graph> ParseReturn() {
    KILN_RETURN_IF_ERROR(in_.ExpectWord("return"));
    // `return %a, %b` is Python's, and means the same.
    const bool bare = !in_.At("(");
    const absl::string_view end = bare ? "}" : ")";
    if (!bare) KILN_RETURN_IF_ERROR(in_.Expect("("));
    std::vector<Argument> outputs;
    do {
      if (in_.At(end)) break;
      absl::StatusOr<Argument> value = ParseArgument(0);
      if (!value.ok()) return AddContext(value.status(), absl::StrCat("output ", outputs.size()));
      outputs.push_back(*std::move(value));
    } while (in_.TryConsume(","));
    if (!bare) KILN_RETURN_IF_ERROR(in_.Expect(")"));
    KILN_RETURN_IF_ERROR(in_.Expect("}"));
    if (!in_.AtEnd()) return in_.Error("unexpected text after the graph");
    return std::move(builder_).Finish(std::move(outputs));
  }

  // T?[] is the deepest type that a schema has; one more level gives the type
  // check, not the parser, the word about it.
  static constexpr int kArgumentDepth = 2;

  TextCursor in_;
  ExprPool* pool_;
  const SchemaLookup& lookup_;
  const TextFormOptions& options_;
  GraphBuilder builder_;
  size_t counted_ = 0;
  int64_t line_ = 1;
};

}  // namespace

absl::StatusOr<Graph> ParseGraph(absl::string_view text, ExprPool* pool,
                                 const SchemaLookup& lookup) {
  return ParseGraph(text, pool, lookup, TextFormOptions());
}

absl::StatusOr<Graph> ParseGraph(absl::string_view text, ExprPool* pool, const SchemaLookup& lookup,
                                 const TextFormOptions& options) {
  return GraphParser(text, pool, lookup, options).Parse();
}

}  // namespace kiln
