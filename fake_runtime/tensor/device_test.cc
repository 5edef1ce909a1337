#include "fake_runtime/tensor/device.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace kiln {
namespace {

TEST(DeviceTest, ParsesWhatItPrints) {
  for (const char* text : {"cpu", "cuda", "cuda:1", "meta", "cpu:0", "privateuseone:12"}) {
    absl::StatusOr<Device> device = Device::Parse(text);
    ASSERT_TRUE(device.ok()) << device.status();
    EXPECT_EQ(device->ToString(), text);
  }
  EXPECT_EQ(*Device::Parse("cuda:1"), (Device{"cuda", 1}));
  EXPECT_TRUE(Device::Parse("cpu")->is_cpu());
}

TEST(DeviceTest, RefusesWhatIsNoDevice) {
  for (const char* text : {"", "CPU", "cuda:", "cuda:-1", "cuda: 1", "cuda:1x", "1", "a b", "cuda:99999"}) {
    EXPECT_EQ(GetErrorReason(Device::Parse(text).status()), ErrorReason::kBadArgumentValue) << text;
  }
}

}  // namespace
}  // namespace kiln
