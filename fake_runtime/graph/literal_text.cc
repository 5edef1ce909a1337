#include "fake_runtime/graph/literal_text.h"

#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace kiln {
namespace {

struct WordRow {
  absl::string_view text;
  Argument value;
};

// Words that stand for one literal. Dtypes and devices are looked up in their
// own tables.
const WordRow* Words(size_t* count) {
  static const WordRow* const kWords = new WordRow[]{
      {"none", Argument(None{})},
      {"true", Argument(true)},
      {"false", Argument(false)},
      {"inf", Argument(std::numeric_limits<double>::infinity())},
      {"nan", Argument(std::numeric_limits<double>::quiet_NaN())},
      {"strided", Argument(Layout::kStrided)},
      {"sparse_coo", Argument(Layout::kSparseCoo)},
      {"contiguous", Argument(MemoryFormat::kContiguous)},
      {"channels_last", Argument(MemoryFormat::kChannelsLast)},
      {"channels_last_3d", Argument(MemoryFormat::kChannelsLast3d)},
      {"preserve", Argument(MemoryFormat::kPreserve)},
  };
  *count = 11;
  return kWords;
}

template <typename T>
absl::string_view WordOf(T value) {
  size_t count = 0;
  const WordRow* rows = Words(&count);
  for (size_t i = 0; i < count; ++i) {
    const T* candidate = rows[i].value.get_if<T>();
    if (candidate != nullptr && *candidate == value) return rows[i].text;
  }
  return "?";
}

}  // namespace

absl::string_view MemoryFormatText(MemoryFormat format) {
  return WordOf(format);
}
absl::string_view LayoutText(Layout layout) { return WordOf(layout); }

// In the order of the enum.
constexpr absl::string_view kPolicies[] = {"automatic", "dynamic", "unbacked", "static"};

absl::string_view PolicyText(DimPolicy policy) { return kPolicies[static_cast<int>(policy)]; }

std::optional<DimPolicy> ParsePolicy(absl::string_view word) {
  for (size_t i = 0; i < std::size(kPolicies); ++i) {
    if (kPolicies[i] == word) return static_cast<DimPolicy>(i);
  }
  return std::nullopt;
}

std::string PrintDouble(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[40];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value);
  std::string text(buffer, end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string PrintLiteral(const Argument& arg) {
  if (const int64_t* i = arg.get_if<int64_t>()) return absl::StrCat(*i);
  if (const double* d = arg.get_if<double>()) return PrintDouble(*d);
  if (const bool* b = arg.get_if<bool>()) return *b ? "true" : "false";
  if (const std::string* s = arg.get_if<std::string>())
    return absl::StrCat("\"", absl::CHexEscape(*s), "\"");
  if (const DType* d = arg.get_if<DType>()) return std::string(DTypeText(*d));
  if (const Device* d = arg.get_if<Device>()) return d->ToString();
  if (const Layout* l = arg.get_if<Layout>())
    return std::string(LayoutText(*l));
  if (const MemoryFormat* m = arg.get_if<MemoryFormat>())
    return std::string(MemoryFormatText(*m));
  return "none";
}

std::optional<Argument> ParseWord(absl::string_view word) {
  size_t count = 0;
  const WordRow* rows = Words(&count);
  for (size_t i = 0; i < count; ++i) {
    if (rows[i].text == word) return rows[i].value;
  }
  if (std::optional<DType> dtype = ParseDType(word)) return Argument(*dtype);
  absl::StatusOr<Device> device = Device::Parse(word);
  if (device.ok()) return Argument(*std::move(device));
  return std::nullopt;
}

}  // namespace kiln
