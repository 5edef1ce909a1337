// A device by name and index, without any such device on this machine.
#ifndef KILN_FAKE_RUNTIME_TENSOR_DEVICE_H_
#define KILN_FAKE_RUNTIME_TENSOR_DEVICE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace kiln {

// `type` is PyTorch's name ("cpu", "cuda", "meta"). `index` is -1 where the
// device has none. In a canonical graph indices are renumbered by first use.
struct Device {
  std::string type = "cpu";
  int index = -1;

  bool is_cpu() const { return type == "cpu"; }
  std::string ToString() const;  // "cpu", "cuda:1"
  // BAD_ARGUMENT_VALUE unless `text` is like "cpu" or "cuda:1".
  static absl::StatusOr<Device> Parse(absl::string_view text);
  friend bool operator==(const Device&, const Device&) = default;
};

// The export schema's ids: values of its Layout and MemoryFormat enums.
enum class Layout : uint8_t { kUnknown = 0, kSparseCoo = 1, kStrided = 7 };
enum class MemoryFormat : uint8_t {
  kUnknown = 0, kContiguous = 1, kChannelsLast = 2, kChannelsLast3d = 3, kPreserve = 4,
};

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_TENSOR_DEVICE_H_
