#include "fake_runtime/graph/normalize_arguments.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

using ClassOf = absl::FunctionRef<ValueClass(ValueId)>;

bool IsNumber(const Argument& arg) {
  return arg.get_if<int64_t>() || arg.get_if<double>() || arg.get_if<bool>();
}

// What an argument is, for messages.
std::string DescribeArgument(const Argument& arg, ClassOf class_of) {
  if (const ValueId* id = arg.get_if<ValueId>()) {
    return absl::StrCat("a ", ValueClassName(class_of(*id)), " value");
  }
  static constexpr const char* kNames[] = {
      "None",     "",        "an int",   "a float",  "a bool",
      "a string", "a dtype", "a device", "a layout", "a memory format",
      "a list"};
  static_assert(std::variant_size_v<decltype(arg.v)> == std::size(kNames));
  return kNames[arg.v.index()];
}

bool AcceptsValue(const OpSchema& schema, const ArgSchema& slot,
                  ValueClass value_class) {
  switch (slot.type) {
    case ArgType::kTensor:
      if (value_class == ValueClass::kTensor) return true;
      return schema.numbers_as_tensors && !slot.is_list && !slot.is_written;
    case ArgType::kScalar:
      return value_class != ValueClass::kTensor;
    case ArgType::kSymInt:
      return value_class == ValueClass::kSymInt ||
             value_class == ValueClass::kSymNumber;
    case ArgType::kSymFloat:
      return value_class == ValueClass::kSymFloat ||
             value_class == ValueClass::kSymNumber;
    case ArgType::kSymBool:
      return value_class == ValueClass::kSymBool ||
             value_class == ValueClass::kSymNumber;
    case ArgType::kInt:
    case ArgType::kFloat:
    case ArgType::kBool:
    case ArgType::kString:
    case ArgType::kDType:
    case ArgType::kDevice:
    case ArgType::kLayout:
    case ArgType::kMemoryFormat:
    case ArgType::kGenerator:
      return false;
  }
  return false;
}

// Whether the literal `arg` fits one element of `slot`; a float slot turns an
// int into a double.
bool AcceptsLiteral(const OpSchema& schema, const ArgSchema& slot,
                    Argument& arg) {
  switch (slot.type) {
    case ArgType::kTensor:
      return schema.numbers_as_tensors && !slot.is_list && !slot.is_written &&
             IsNumber(arg);
    case ArgType::kScalar:
      return IsNumber(arg);
    case ArgType::kInt:
    case ArgType::kSymInt:
      return arg.get_if<int64_t>() != nullptr;
    case ArgType::kFloat:
    case ArgType::kSymFloat:
      if (const int64_t* i = arg.get_if<int64_t>())
        arg = Argument(static_cast<double>(*i));
      return arg.get_if<double>() != nullptr;
    case ArgType::kBool:
    case ArgType::kSymBool:
      return arg.get_if<bool>() != nullptr;
    case ArgType::kString:
      return arg.get_if<std::string>() != nullptr;
    case ArgType::kDType:
      return arg.get_if<DType>() != nullptr;
    case ArgType::kDevice:
      return arg.get_if<Device>() != nullptr;
    case ArgType::kLayout:
      return arg.get_if<Layout>() != nullptr;
    case ArgType::kMemoryFormat:
      return arg.get_if<MemoryFormat>() != nullptr;
    case ArgType::kGenerator:
      return false;
  }
  return false;
}

bool AcceptsItem(const OpSchema& schema, const ArgSchema& slot, Argument& arg,
                 ClassOf class_of) {
  if (const ValueId* id = arg.get_if<ValueId>())
    return AcceptsValue(schema, slot, class_of(*id));
  return AcceptsLiteral(schema, slot, arg);
}

absl::Status TypeError(const OpSchema& schema, const ArgSchema& slot,
                       absl::string_view got) {
  return MakeError(
      ErrorReason::kBadArgumentType,
      absl::StrCat("argument '", slot.name, "' must be ",
                   ArgTypeName(slot.type), slot.elements_optional ? "?" : "",
                   slot.is_list ? "[]" : "", slot.is_optional ? "?" : "",
                   " but is ", got, "; schema: ", schema.ToString()));
}

absl::Status NormalizeList(const OpSchema& schema, const ArgSchema& slot,
                           ArgumentList& items, ClassOf class_of) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].is_none() && slot.elements_optional) continue;
    if (AcceptsItem(schema, slot, items[i], class_of)) continue;
    return TypeError(schema, slot,
                     absl::StrCat("a list whose item ", i, " is ",
                                  DescribeArgument(items[i], class_of)));
  }
  return absl::OkStatus();
}

absl::Status NormalizeOne(const OpSchema& schema, const ArgSchema& slot,
                          Argument& arg, ClassOf class_of) {
  if (arg.is_none() && slot.is_optional) return absl::OkStatus();
  if (!slot.is_list) {
    if (AcceptsItem(schema, slot, arg, class_of)) return absl::OkStatus();
    return TypeError(schema, slot, DescribeArgument(arg, class_of));
  }
  if (ArgumentList* items = std::get_if<ArgumentList>(&arg.v)) {
    return NormalizeList(schema, slot, *items, class_of);
  }
  if (slot.list_size > 0 && AcceptsItem(schema, slot, arg, class_of)) {
    arg = Argument(ArgumentList(slot.list_size, arg));
    return absl::OkStatus();
  }
  return TypeError(schema, slot, DescribeArgument(arg, class_of));
}

absl::Status CountError(const OpSchema& schema, absl::string_view what) {
  return MakeError(ErrorReason::kBadArgumentCount,
                   absl::StrCat(what, "; schema: ", schema.ToString()));
}

// The slot that the next argument fills.
absl::StatusOr<int> FindSlot(const OpSchema& schema, const NamedArgument& arg,
                             size_t positional) {
  if (!arg.name.empty()) {
    int slot = schema.FindArg(arg.name);
    if (slot < 0)
      return CountError(schema,
                        absl::StrCat("no argument is named '", arg.name, "'"));
    return slot;
  }
  size_t allowed = 0;
  while (allowed < schema.args.size() && !schema.args[allowed].keyword_only)
    ++allowed;
  if (positional < allowed) return static_cast<int>(positional);
  return CountError(schema, absl::StrCat("at least ", positional + 1,
                                         " positional arguments, but at most ",
                                         allowed, " are allowed"));
}

}  // namespace

absl::string_view ValueClassName(ValueClass value_class) {
  switch (value_class) {
    case ValueClass::kTensor:
      return "tensor";
    case ValueClass::kSymInt:
      return "SymInt";
    case ValueClass::kSymFloat:
      return "SymFloat";
    case ValueClass::kSymBool:
      return "SymBool";
    case ValueClass::kSymNumber:
      return "symbolic number";
  }
  return "?";
}

absl::StatusOr<std::vector<Argument>> NormalizeArguments(
    const OpSchema& schema, std::vector<NamedArgument> args, ClassOf class_of) {
  // Counts before types: with an argument too many, the others stand in the
  // wrong slots and their types say nothing.
  std::vector<std::optional<Argument>> slots(schema.args.size());
  size_t positional = 0;
  for (NamedArgument& arg : args) {
    KILN_ASSIGN_OR_RETURN(int slot, FindSlot(schema, arg, positional));
    if (arg.name.empty()) ++positional;
    if (slots[slot].has_value()) {
      return CountError(schema,
                        absl::StrCat("argument '", schema.args[slot].name,
                                     "' is given twice"));
    }
    slots[slot] = std::move(arg.value);
  }
  std::vector<Argument> out;
  out.reserve(slots.size());
  for (size_t i = 0; i < slots.size(); ++i) {
    const ArgSchema& slot = schema.args[i];
    if (!slots[i].has_value() && !slot.has_default) {
      return CountError(schema,
                        absl::StrCat("argument '", slot.name, "' is missing"));
    }
    if (slots[i].has_value())
      KILN_RETURN_IF_ERROR(NormalizeOne(schema, slot, *slots[i], class_of));
    out.push_back(slots[i].has_value() ? *std::move(slots[i])
                                       : slot.default_value);
  }
  return out;
}

}  // namespace kiln
