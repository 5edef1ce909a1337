// A recursive-descent parser for PyTorch's schema strings. The grammar is that
// of torch/csrc/jit/frontend/function_schema_parser.cpp, less the types that no
// tensor graph can hold.
#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "fake_runtime/graph/op_schema.h"
#include "fake_runtime/graph/schema_defaults.h"

namespace kiln {
namespace {

struct TypeName {
  absl::string_view name;
  ArgType type;
};
constexpr TypeName kTypeNames[] = {
    {"Device", ArgType::kDevice},   {"Generator", ArgType::kGenerator},
    {"Layout", ArgType::kLayout},   {"MemoryFormat", ArgType::kMemoryFormat},
    {"Scalar", ArgType::kScalar},   {"ScalarType", ArgType::kDType},
    {"SymBool", ArgType::kSymBool}, {"SymFloat", ArgType::kSymFloat},
    {"SymInt", ArgType::kSymInt},   {"Tensor", ArgType::kTensor},
    {"bool", ArgType::kBool},       {"float", ArgType::kFloat},
    {"int", ArgType::kInt},         {"str", ArgType::kString},
};

// Operators whose Tensor arguments may be Python numbers; the arithmetic part
// of should_allow_numbers_as_tensors. In-place variants end in '_'.
constexpr absl::string_view kNumbersAsTensors[] = {
    "add",      "div", "divide",   "floor_divide", "mul",
    "multiply", "sub", "subtract", "true_divide",
};

bool AllowsNumbersAsTensors(absl::string_view name) {
  constexpr absl::string_view kPrefix = "aten.";
  if (name.substr(0, kPrefix.size()) != kPrefix) return false;
  name.remove_prefix(kPrefix.size());
  name = name.substr(0, name.find('.'));
  if (!name.empty() && name.back() == '_') name.remove_suffix(1);
  return std::find(std::begin(kNumbersAsTensors), std::end(kNumbersAsTensors),
                   name) != std::end(kNumbersAsTensors);
}

// What stands before a name: "Tensor(a!)?[]", "int[2]?".
struct TypeSpec {
  ArgType type = ArgType::kTensor;
  bool is_list = false;
  int list_size = -1;
  bool is_optional = false;
  bool elements_optional = false;
  char alias = 0;
  bool is_written = false;
  bool alias_wildcard = false;
};

class SchemaParser {
 public:
  explicit SchemaParser(absl::string_view text) : text_(text) {}

  absl::StatusOr<OpSchema> Parse() {
    OpSchema schema;
    KILN_RETURN_IF_ERROR(ParseName(schema));
    KILN_RETURN_IF_ERROR(ParseArgs(schema));
    KILN_RETURN_IF_ERROR(Expect("->"));
    KILN_RETURN_IF_ERROR(ParseReturns(schema));
    SkipSpace();
    if (pos_ != text_.size()) return Error("unexpected text after the returns");
    schema.ordered = schema.is_mutating();
    schema.numbers_as_tensors = AllowsNumbersAsTensors(schema.name);
    return schema;
  }

 private:
  absl::Status Error(absl::string_view what) const {
    return MakeError(ErrorReason::kParseError,
                     absl::StrCat("schema, column ", pos_ + 1, ": ", what,
                                  " in \"", text_.substr(0, 200), "\""));
  }

  void SkipSpace() {
    while (pos_ < text_.size() && absl::ascii_isspace(text_[pos_])) ++pos_;
  }

  bool TryConsume(absl::string_view token) {
    SkipSpace();
    if (text_.substr(pos_, token.size()) != token) return false;
    pos_ += token.size();
    return true;
  }

  absl::Status Expect(absl::string_view token) {
    if (TryConsume(token)) return absl::OkStatus();
    return Error(absl::StrCat("expected '", token, "'"));
  }

  // Letters, digits, '_' and, in operator names, '.'.
  absl::string_view Word(bool dots = false) {
    SkipSpace();
    size_t start = pos_;
    while (pos_ < text_.size() &&
           (absl::ascii_isalnum(text_[pos_]) || text_[pos_] == '_' ||
            (dots && text_[pos_] == '.'))) {
      ++pos_;
    }
    return text_.substr(start, pos_ - start);
  }

  absl::Status ParseName(OpSchema& schema) {
    absl::string_view ns = Word();
    if (ns.empty()) return Error("expected a namespace");
    KILN_RETURN_IF_ERROR(Expect("::"));
    absl::string_view op = Word(/*dots=*/true);
    if (op.empty()) return Error("expected an operator name");
    bool has_overload = op.find('.') != absl::string_view::npos;
    schema.name = absl::StrCat(ns, ".", op, has_overload ? "" : ".default");
    return absl::OkStatus();
  }

  absl::Status ParseArgs(OpSchema& schema) {
    KILN_RETURN_IF_ERROR(Expect("("));
    if (TryConsume(")")) return absl::OkStatus();
    bool keyword_only = false;
    do {
      if (TryConsume("*")) {
        if (keyword_only) return Error("a second '*'");
        keyword_only = true;
        continue;
      }
      KILN_ASSIGN_OR_RETURN(ArgSchema arg, ParseArg());
      arg.keyword_only = keyword_only;
      if (schema.FindArg(arg.name) >= 0)
        return Error(absl::StrCat("argument '", arg.name, "' twice"));
      schema.args.push_back(std::move(arg));
    } while (TryConsume(","));
    return Expect(")");
  }

  absl::StatusOr<ArgSchema> ParseArg() {
    KILN_ASSIGN_OR_RETURN(TypeSpec spec, ParseType());
    ArgSchema arg;
    arg.type = spec.type;
    arg.is_list = spec.is_list;
    arg.list_size = spec.list_size;
    arg.is_optional = spec.is_optional;
    arg.elements_optional = spec.elements_optional;
    arg.alias = spec.alias;
    arg.is_written = spec.is_written;
    arg.alias_wildcard = spec.alias_wildcard;
    arg.name = std::string(Word());
    if (arg.name.empty()) return Error("expected an argument name");
    if (TryConsume("=")) {
      arg.has_default = true;
      KILN_ASSIGN_OR_RETURN(arg.default_value, ParseDefault(arg));
    }
    return arg;
  }

  absl::Status ParseReturns(OpSchema& schema) {
    if (!TryConsume("(")) return ParseReturn(schema);
    if (TryConsume(")")) return absl::OkStatus();
    do {
      KILN_RETURN_IF_ERROR(ParseReturn(schema));
    } while (TryConsume(","));
    return Expect(")");
  }

  absl::Status ParseReturn(OpSchema& schema) {
    KILN_ASSIGN_OR_RETURN(TypeSpec spec, ParseType());
    ReturnSchema ret;
    ret.type = spec.type;
    ret.is_list = spec.is_list;
    ret.is_optional = spec.is_optional;
    ret.alias = spec.alias;
    ret.is_written = spec.is_written;
    ret.name = std::string(Word());
    schema.returns.push_back(std::move(ret));
    return absl::OkStatus();
  }

  absl::StatusOr<TypeSpec> ParseType() {
    absl::string_view word = Word();
    auto row = std::find_if(std::begin(kTypeNames), std::end(kTypeNames),
                            [&](const TypeName& t) { return t.name == word; });
    if (row == std::end(kTypeNames)) {
      return Error(
          absl::StrCat("no graph can hold a value of type '", word, "'"));
    }
    TypeSpec spec;
    spec.type = row->type;
    KILN_RETURN_IF_ERROR(ParseAlias(spec));
    bool optional = TryConsume("?");
    if (!TryConsume("[")) {
      spec.is_optional = optional;
      return spec;
    }
    spec.is_list = true;
    spec.elements_optional = optional;
    absl::string_view size = Word();
    if (!size.empty() && !absl::SimpleAtoi(size, &spec.list_size))
      return Error("bad list size");
    KILN_RETURN_IF_ERROR(Expect("]"));
    spec.is_optional = TryConsume("?");
    return spec;
  }

  absl::Status ParseAlias(TypeSpec& spec) {
    if (!TryConsume("(")) return absl::OkStatus();
    absl::string_view set = Word();
    if (set.size() != 1) return Error("expected an alias set of one letter");
    spec.alias = set[0];
    spec.is_written = TryConsume("!");
    if (TryConsume("->")) {
      KILN_RETURN_IF_ERROR(Expect("*"));
      spec.alias_wildcard = true;
    }
    return Expect(")");
  }

  // A single default for `T[n]` stands for n of it.
  absl::StatusOr<Argument> ParseDefault(const ArgSchema& arg) {
    if (TryConsume("[")) return ParseListDefault(arg);
    KILN_ASSIGN_OR_RETURN(Argument value, ParseItemDefault(arg.type));
    if (!arg.is_list || value.is_none()) return value;
    if (arg.list_size < 0)
      return Error("a single default for a list without a size");
    return Argument(ArgumentList(arg.list_size, value));
  }

  absl::StatusOr<Argument> ParseListDefault(const ArgSchema& arg) {
    if (!arg.is_list)
      return Error("a list default for an argument that is not a list");
    ArgumentList items;
    if (TryConsume("]")) return Argument(std::move(items));
    do {
      KILN_ASSIGN_OR_RETURN(Argument item, ParseItemDefault(arg.type));
      items.push_back(std::move(item));
    } while (TryConsume(","));
    KILN_RETURN_IF_ERROR(Expect("]"));
    return Argument(std::move(items));
  }

  absl::StatusOr<Argument> ParseItemDefault(ArgType type) {
    SkipSpace();
    if (pos_ < text_.size() && (text_[pos_] == '"' || text_[pos_] == '\''))
      return ParseString();
    size_t start = pos_;
    size_t end = text_.find_first_of(",)] ", pos_);
    absl::string_view token =
        text_.substr(start, end == absl::string_view::npos ? end : end - start);
    std::optional<Argument> value = InterpretDefault(type, token);
    if (!value.has_value()) {
      return Error(
          absl::StrCat("'", token, "' is no default for ", ArgTypeName(type)));
    }
    pos_ = start + token.size();
    return *std::move(value);
  }

  absl::StatusOr<Argument> ParseString() {
    char quote = text_[pos_];
    size_t end = pos_ + 1;
    while (end < text_.size() && text_[end] != quote)
      end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) return Error("a string without an end");
    std::string value;
    if (!absl::CUnescape(text_.substr(pos_ + 1, end - pos_ - 1), &value))
      return Error("a bad escape");
    pos_ = end + 1;
    return Argument(std::move(value));
  }

  static std::optional<Argument> InterpretDefault(ArgType type,
                                                  absl::string_view token) {
    if (token == "None") return Argument(None{});
    if (token == "True") return Argument(true);
    if (token == "False") return Argument(false);
    int64_t integer = 0;
    bool is_integer = absl::SimpleAtoi(token, &integer);
    switch (type) {
      case ArgType::kDType:
        return Wrap(is_integer ? DTypeFromC10Id(integer)
                               : DTypeFromYamlName(token));
      case ArgType::kMemoryFormat:
        return Wrap(is_integer ? MemoryFormatFromC10Id(integer)
                               : MemoryFormatFromYamlName(token));
      case ArgType::kInt:
        return is_integer ? Argument(integer) : Wrap(IntFromYamlName(token));
      case ArgType::kSymInt:
        return is_integer ? std::optional(Argument(integer)) : std::nullopt;
      case ArgType::kFloat:
        return InterpretFloat(token);
      case ArgType::kScalar:
        return is_integer ? Argument(integer) : InterpretFloat(token);
      case ArgType::kLayout:
        return token == "strided" ? std::optional(Argument(Layout::kStrided))
                                  : std::nullopt;
      case ArgType::kTensor:
      case ArgType::kBool:
      case ArgType::kString:
      case ArgType::kDevice:
      case ArgType::kGenerator:
      case ArgType::kSymBool:
      case ArgType::kSymFloat:
        return std::nullopt;
    }
    return std::nullopt;
  }

  static std::optional<Argument> InterpretFloat(absl::string_view token) {
    double value = 0;
    if (!absl::SimpleAtod(token, &value)) return std::nullopt;
    return Argument(value);
  }

  template <typename T>
  static std::optional<Argument> Wrap(std::optional<T> value) {
    if (!value.has_value()) return std::nullopt;
    return Argument(*value);
  }

  absl::string_view text_;
  size_t pos_ = 0;
};

}  // namespace

absl::StatusOr<OpSchema> ParseOpSchema(absl::string_view text) {
  return SchemaParser(text).Parse();
}

}  // namespace kiln
