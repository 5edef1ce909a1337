// Bundles. The first byte says which: bytes as a file; or bytes as a manifest that is
// signed by a trusted key, and the rest as its items, since no mutation signs.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/bundle_format.h"
#include "cache/bundle_reader.h"
#include "tests/fuzz/require.h"

namespace kiln {
namespace {

const SigningKey& Key() {
  static const SigningKey key = *SigningKey::FromSeed(std::string(32, 'k'));
  return key;
}

std::shared_ptr<const TrustPolicy> Policy() {
  auto policy = std::make_shared<TrustPolicy>();
  Require(policy->keys.Add(Key().public_key()).ok(), "a good key is taken");
  return policy;
}

void Read(const std::string& bytes) {
  size_t at = 0;
  const ByteSource source = [&](char* buffer, size_t size) -> absl::StatusOr<size_t> {
    const size_t got = std::min(size, bytes.size() - at);
    std::copy_n(bytes.data() + at, got, buffer);
    at += got;
    return got;
  };
  absl::StatusOr<BundleReader> reader = BundleReader::Open(source, Policy());
  if (!reader.ok()) return RequireReason(reader.status());
  const BundleVisitor visitor = {
      [](const v1::BundleGraph& entry, std::string graph) {
        Require(Sha256(graph).bytes() == entry.item().sha256(), "a graph is what the manifest says");
        return absl::OkStatus();
      },
      [](const v1::BundleArtifact& entry, std::vector<v1::SignedVariant> records, std::string elf) {
        Require(Sha256(elf).bytes() == entry.elf().sha256(), "an artifact is what the manifest says");
        Require(records.size() == static_cast<size_t>(entry.variants_size()), "every variant has a record");
        return absl::OkStatus();
      }};
  const absl::Status status = reader->ReadAll(visitor);
  if (!status.ok()) return RequireReason(status);
  Require(at == bytes.size(), "a bundle ends with its last item");
}

std::string LittleEndian(uint64_t value, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}

// Two bytes say how long the manifest is.
std::string Signed(const std::string& data) {
  const size_t size = std::min<size_t>(data.size() - 2, static_cast<uint8_t>(data[0]) * 256 + static_cast<uint8_t>(data[1]));
  const std::string manifest = data.substr(2, size);
  const std::string head = absl::StrCat(kBundleMagic, LittleEndian(1, 4), LittleEndian(0, 4),
                                        LittleEndian(manifest.size(), 8), manifest);
  return absl::StrCat(head, KeyIdOf(Key().public_key()), Key().SignBytes(kBundleDomain, head), data.substr(2 + size));
}

}  // namespace
}  // namespace kiln

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string rest(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] == 's' && rest.size() >= 2) {
    kiln::Read(kiln::Signed(rest));
  } else {
    kiln::Read(rest);
  }
  return 0;
}
