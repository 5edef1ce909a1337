#include "clients/runtime/own_devices.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

v1::Device Dev(const std::string& type, int index = -1) {
  v1::Device device;
  device.set_type(type);
  if (index >= 0) device.set_index(index);
  return device;
}

std::vector<std::string> Devices(const v1::Manifest& manifest) {
  std::vector<std::string> texts;
  auto add = [&](const v1::Device& d) {
    texts.push_back(d.has_index() ? absl::StrCat(d.type(), ":", d.index()) : d.type());
  };
  for (const v1::ManifestInput& input : manifest.inputs()) add(input.tensor().device());
  for (const v1::ManifestOutput& output : manifest.outputs()) add(output.tensor().device());
  return texts;
}

// What a server says of a graph over two cuda devices, an xpu and the processor.
v1::Manifest Served() {
  v1::Manifest manifest;
  for (const v1::Device& device : {Dev("cuda", 0), Dev("cuda", 1), Dev("cpu")}) {
    *manifest.add_inputs()->mutable_tensor()->mutable_device() = device;
  }
  for (const v1::Device& device : {Dev("cuda", 1), Dev("xpu", 0), Dev("cuda", 2)}) {
    *manifest.add_outputs()->mutable_tensor()->mutable_device() = device;
  }
  return manifest;
}

TEST(OwnDevicesTest, EachHostGetsItsOwnBack) {
  for (int rank = 0; rank < 16; ++rank) {
    v1::Manifest manifest = Served();
    GiveOwnDevices({Dev("cuda", rank), Dev("xpu", 15 - rank), Dev("cuda", rank + 16)}, manifest);
    const std::string first = absl::StrCat("cuda:", rank), second = absl::StrCat("cuda:", rank + 16);
    // The third cuda device is none of the graph's.
    EXPECT_THAT(Devices(manifest),
                ElementsAre(first, second, "cpu", second, absl::StrCat("xpu:", 15 - rank), "cuda:2"));
  }
}

TEST(OwnDevicesTest, WithoutDevicesOfItsOwnNothingChanges) {
  v1::Manifest manifest = Served();
  GiveOwnDevices({}, manifest);
  EXPECT_EQ(Devices(manifest), Devices(Served()));
}

}  // namespace
}  // namespace kiln
