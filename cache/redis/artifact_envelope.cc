#include "cache/redis/artifact_envelope.h"

#include <zstd.h>

#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"

namespace kiln {
namespace {

constexpr absl::string_view kMagic = "KAE1";
constexpr char kStored = 0;
constexpr char kZstd = 1;
// Fast enough to be hidden behind the wire: about 200 MB a second.
constexpr int kLevel = 3;

std::string Header(char how, size_t size) {
  std::string header(kMagic);
  header.push_back(how);
  for (int shift = 0; shift < 32; shift += 8) header.push_back(static_cast<char>((size >> shift) & 0xff));
  return header;
}

absl::Status Corrupt(absl::string_view why) {
  return MakeError(ErrorReason::kArtifactCorrupt, absl::StrCat("an artifact's envelope ", why));
}

}  // namespace

std::string WrapArtifact(absl::string_view elf) {
  std::string out = Header(kZstd, elf.size());
  out.resize(kEnvelopeHeaderBytes + ZSTD_compressBound(elf.size()));
  const size_t packed = ZSTD_compress(out.data() + kEnvelopeHeaderBytes, out.size() - kEnvelopeHeaderBytes, elf.data(),
                                      elf.size(), kLevel);
  if (ZSTD_isError(packed) == 0 && packed <= elf.size() - elf.size() / 8) {
    out.resize(kEnvelopeHeaderBytes + packed);
    return out;
  }
  return absl::StrCat(Header(kStored, elf.size()), elf);
}

absl::StatusOr<std::string> UnwrapArtifact(absl::string_view envelope) {
  if (envelope.size() < kEnvelopeHeaderBytes || envelope.substr(0, kMagic.size()) != kMagic) {
    return Corrupt("has not its first bytes");
  }
  const char how = envelope[kMagic.size()];
  size_t size = 0;
  for (size_t i = 0; i < 4; ++i) size |= size_t{static_cast<uint8_t>(envelope[kMagic.size() + 1 + i])} << (8 * i);
  const absl::string_view body = envelope.substr(kEnvelopeHeaderBytes);
  if (static_cast<int64_t>(size) > GetLimit(Limit::kArtifactBytes)) {
    return Corrupt("says more than an artifact may have");
  }
  if (how == kStored) {
    if (body.size() != size) return Corrupt("has another size than it says");
    return std::string(body);
  }
  if (how != kZstd) return Corrupt("says a way of packing that is none");
  // Before memory is taken for what a stranger says.
  if (ZSTD_getFrameContentSize(body.data(), body.size()) != size) return Corrupt("has a frame of another size");
  std::string elf(size, '\0');
  const size_t made = ZSTD_decompress(elf.data(), elf.size(), body.data(), body.size());
  if (ZSTD_isError(made) != 0 || made != size) return Corrupt("does not unpack");
  return elf;
}

}  // namespace kiln
