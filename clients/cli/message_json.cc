#include "clients/cli/message_json.h"

#include <cmath>
#include <functional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/protobuf/descriptor.h"

namespace kiln {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(&out, "\\", std::string(1, c));
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string Number(double value) { return std::isfinite(value) ? absl::StrFormat("%.17g", value) : "null"; }

// One value of `field`: element `index` if it is repeated.
std::string Value(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& r = *message.GetReflection();
  const bool repeated = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(repeated ? r.GetRepeatedInt32(message, &field, index) : r.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(repeated ? r.GetRepeatedInt64(message, &field, index) : r.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(repeated ? r.GetRepeatedUInt32(message, &field, index) : r.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(repeated ? r.GetRepeatedUInt64(message, &field, index) : r.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Number(repeated ? r.GetRepeatedDouble(message, &field, index) : r.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return Number(repeated ? r.GetRepeatedFloat(message, &field, index) : r.GetFloat(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (repeated ? r.GetRepeatedBool(message, &field, index) : r.GetBool(message, &field)) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return Quoted((repeated ? r.GetRepeatedEnum(message, &field, index) : r.GetEnum(message, &field))->name());
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = repeated ? r.GetRepeatedString(message, &field, index) : r.GetString(message, &field);
      return Quoted(field.type() == FieldDescriptor::TYPE_BYTES ? absl::BytesToHexString(text) : text);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return MessageJson(repeated ? r.GetRepeatedMessage(message, &field, index) : r.GetMessage(message, &field));
  }
  return "null";
}

std::string List(const Message& message, const FieldDescriptor& field) {
  std::string out = "[";
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
    absl::StrAppend(&out, i == 0 ? "" : ", ", Value(message, field, i));
  }
  return out + "]";
}

std::string Map(const Message& message, const FieldDescriptor& field) {
  std::string out = "{";
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
    const Message& entry = message.GetReflection()->GetRepeatedMessage(message, &field, i);
    const std::string key = Value(entry, *field.message_type()->map_key(), 0);
    absl::StrAppend(&out, i == 0 ? "" : ", ", key.front() == '"' ? key : Quoted(key), ": ",
                    Value(entry, *field.message_type()->map_value(), 0));
  }
  return out + "}";
}

}  // namespace

std::string MessageJson(const Message& message) {
  std::string out = "{";
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    // What is unset and has no default value to print is left out: a recursive
    // message would not end otherwise.
    if (field.has_presence() && !message.GetReflection()->HasField(message, &field)) continue;
    absl::StrAppend(&out, out.size() > 1 ? ", " : "", Quoted(field.name()), ": ");
    if (field.is_map()) {
      out += Map(message, field);
    } else {
      out += field.is_repeated() ? List(message, field) : Value(message, field, 0);
    }
  }
  return out + "}";
}

}  // namespace kiln
