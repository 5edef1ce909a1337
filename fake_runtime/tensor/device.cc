#include "fake_runtime/tensor/device.h"

#include <cctype>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {
namespace {

bool IsDeviceType(absl::string_view type) {
  if (type.empty() || !std::islower(static_cast<unsigned char>(type[0]))) return false;
  for (char c : type) {
    if (!std::islower(static_cast<unsigned char>(c)) && !std::isdigit(static_cast<unsigned char>(c)) && c != '_') {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string Device::ToString() const { return index < 0 ? type : absl::StrCat(type, ":", index); }

absl::StatusOr<Device> Device::Parse(absl::string_view text) {
  auto refuse = [&] {
    return MakeError(ErrorReason::kBadArgumentValue,
                     absl::StrCat("'", text.substr(0, 64), "' is not a device like 'cpu' or 'cuda:1'"));
  };
  Device device;
  size_t colon = text.find(':');
  absl::string_view type = text.substr(0, colon);
  if (!IsDeviceType(type)) return refuse();
  device.type = std::string(type);
  if (colon == absl::string_view::npos) return device;
  absl::string_view digits = text.substr(colon + 1);
  // SimpleAtoi takes signs and spaces, a device does not.
  if (digits.empty() || digits.size() > 4) return refuse();
  for (char c : digits) {
    if (!std::isdigit(static_cast<unsigned char>(c))) return refuse();
  }
  if (!absl::SimpleAtoi(digits, &device.index)) return refuse();
  return device;
}

}  // namespace kiln
