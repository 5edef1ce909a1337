#include "fake_runtime/graph/op_schema.h"

#include <array>
#include <charconv>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "fake_runtime/graph/schema_defaults.h"

namespace kiln {
namespace {

// Doubles as C++ streams print them at 17 digits, which is what PyTorch does;
// whole numbers keep a trailing point.
std::string PrintDefaultDouble(double value) {
  char buffer[64];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value,
                                    std::chars_format::general, 17);
  std::string text(buffer, end);
  if (text.find_first_of(".ein") == std::string::npos) text += ".";
  return text;
}

std::string PrintScalarDefault(const Argument& value) {
  if (value.is_none()) return "None";
  if (const int64_t* i = value.get_if<int64_t>()) return absl::StrCat(*i);
  if (const double* d = value.get_if<double>()) return PrintDefaultDouble(*d);
  if (const bool* b = value.get_if<bool>()) return *b ? "True" : "False";
  if (const std::string* s = value.get_if<std::string>()) {
    return absl::StrCat("\"",
                        absl::StrReplaceAll(*s, {{"\\", "\\\\"},
                                                 {"\"", "\\\""},
                                                 {"'", "\\'"},
                                                 {"\n", "\\n"},
                                                 {"\t", "\\t"},
                                                 {"\f", "\\f"},
                                                 {"\v", "\\v"}}),
                        "\"");
  }
  if (const DType* d = value.get_if<DType>()) {
    return absl::StrCat(C10ScalarTypeId(*d));
  }
  if (const MemoryFormat* m = value.get_if<MemoryFormat>()) {
    return absl::StrCat(C10MemoryFormatId(*m));
  }
  if (const Device* d = value.get_if<Device>()) return d->ToString();
  return "None";
}

// PyTorch prints an `int[n]` default whose items are all equal as one integer,
// and every other list, `SymInt[n]` too, in brackets.
std::string PrintDefault(const ArgSchema& arg) {
  const ArgumentList* list = arg.default_value.get_if<ArgumentList>();
  if (list == nullptr) return PrintScalarDefault(arg.default_value);
  bool all_equal = true;
  for (const Argument& item : *list) all_equal &= item == list->front();
  if (arg.type == ArgType::kInt && list->size() > 1 && all_equal) {
    return PrintScalarDefault(list->front());
  }
  return absl::StrCat("[",
                      absl::StrJoin(*list, ", ",
                                    [](std::string* out, const Argument& item) {
                                      out->append(PrintScalarDefault(item));
                                    }),
                      "]");
}

std::string PrintAlias(char alias, bool is_written, bool wildcard) {
  if (alias == 0) return "";
  return absl::StrCat("(", std::string(1, alias), is_written ? "!" : "",
                      wildcard ? " -> *" : "", ")");
}

std::string PrintArg(const ArgSchema& arg) {
  std::string text =
      absl::StrCat(ArgTypeName(arg.type),
                   PrintAlias(arg.alias, arg.is_written, arg.alias_wildcard));
  if (arg.is_list) {
    if (arg.elements_optional) text += "?";
    absl::StrAppend(&text, "[",
                    arg.list_size >= 0 ? absl::StrCat(arg.list_size) : "", "]");
  }
  if (arg.is_optional) text += "?";
  absl::StrAppend(&text, " ", arg.name);
  if (arg.has_default) absl::StrAppend(&text, "=", PrintDefault(arg));
  return text;
}

std::string PrintReturn(const ReturnSchema& ret) {
  return absl::StrCat(ArgTypeName(ret.type),
                      PrintAlias(ret.alias, ret.is_written, false),
                      ret.is_list ? "[]" : "", ret.is_optional ? "?" : "",
                      ret.name.empty() ? "" : " ", ret.name);
}

// "aten.add.Tensor" as "aten::add.Tensor"; "default" is not printed.
std::string PrintName(absl::string_view name) {
  size_t dot = name.find('.');
  if (dot == absl::string_view::npos) return std::string(name);
  absl::string_view rest = name.substr(dot + 1);
  constexpr absl::string_view kDefault = ".default";
  if (rest.size() > kDefault.size() &&
      rest.substr(rest.size() - kDefault.size()) == kDefault) {
    rest.remove_suffix(kDefault.size());
  }
  return absl::StrCat(name.substr(0, dot), "::", rest);
}

}  // namespace

absl::string_view ArgTypeName(ArgType type) {
  switch (type) {
    case ArgType::kTensor:
      return "Tensor";
    case ArgType::kScalar:
      return "Scalar";
    case ArgType::kInt:
      return "int";
    case ArgType::kSymInt:
      return "SymInt";
    case ArgType::kFloat:
      return "float";
    case ArgType::kBool:
      return "bool";
    case ArgType::kString:
      return "str";
    case ArgType::kDType:
      return "ScalarType";
    case ArgType::kDevice:
      return "Device";
    case ArgType::kLayout:
      return "Layout";
    case ArgType::kMemoryFormat:
      return "MemoryFormat";
    case ArgType::kGenerator:
      return "Generator";
    case ArgType::kSymBool:
      return "SymBool";
    case ArgType::kSymFloat:
      return "SymFloat";
  }
  return "?";
}

int OpSchema::FindArg(absl::string_view arg_name) const {
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i].name == arg_name) return static_cast<int>(i);
  }
  return -1;
}

bool OpSchema::is_mutating() const {
  for (const ArgSchema& arg : args) {
    if (arg.is_written) return true;
  }
  return false;
}

std::string OpSchema::ToString() const {
  std::vector<std::string> parts;
  bool keyword_only = false;
  for (const ArgSchema& arg : args) {
    if (arg.keyword_only && !keyword_only) {
      keyword_only = true;
      parts.push_back("*");
    }
    parts.push_back(PrintArg(arg));
  }
  std::string text =
      absl::StrCat(PrintName(name), "(", absl::StrJoin(parts, ", "), ") -> ");
  if (returns.size() == 1) return text + PrintReturn(returns[0]);
  return absl::StrCat(
      text, "(",
      absl::StrJoin(returns, ", ",
                    [](std::string* out, const ReturnSchema& ret) {
                      out->append(PrintReturn(ret));
                    }),
      ")");
}

}  // namespace kiln
