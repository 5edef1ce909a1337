#include "clients/runtime/own_devices.h"

namespace kiln {
namespace {

void GiveOwn(const std::vector<v1::Device>& own, v1::Device& device) {
  if (!device.has_index()) return;
  int left = device.index();
  for (const v1::Device& candidate : own) {
    if (candidate.type() != device.type() || left-- != 0) continue;
    device = candidate;
    return;
  }
}

}  // namespace

void GiveOwnDevices(const std::vector<v1::Device>& own, v1::Manifest& manifest) {
  for (v1::ManifestInput& input : *manifest.mutable_inputs()) {
    if (input.has_tensor()) GiveOwn(own, *input.mutable_tensor()->mutable_device());
  }
  for (v1::ManifestOutput& output : *manifest.mutable_outputs()) {
    if (output.has_tensor()) GiveOwn(own, *output.mutable_tensor()->mutable_device());
  }
}

}  // namespace kiln
