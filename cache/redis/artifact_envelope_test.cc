#include "cache/redis/artifact_envelope.h"

#include <random>
#include <string>

#include "base/error.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

std::string Noise(size_t size) {
  std::mt19937 random(1);
  std::string noise;
  for (size_t i = 0; i < size; ++i) noise.push_back(static_cast<char>(random()));
  return noise;
}

TEST(ArtifactEnvelopeTest, GivesBackWhatItGot) {
  for (const std::string& elf : {std::string(), std::string("e"), std::string(100000, 'x'), Noise(100000),
                                 Noise(50000) + std::string(50000, 'y')}) {
    absl::StatusOr<std::string> back = UnwrapArtifact(WrapArtifact(elf));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, elf);
  }
}

TEST(ArtifactEnvelopeTest, PacksWhereThatPays) {
  EXPECT_LT(WrapArtifact(std::string(100000, 'x')).size(), 1000u);
  EXPECT_EQ(WrapArtifact(Noise(1000)).size(), 1000 + kEnvelopeHeaderBytes);
  // The layout that docs/cache.md promises.
  EXPECT_EQ(WrapArtifact("abc"), std::string("KAE1\0\3\0\0\0abc", 12));
}

TEST(CorruptArtifactEnvelopeTest, EveryPrefixAndEveryByteIsRefusedOrAnotherArtifact) {
  const std::string elf = Noise(200) + std::string(800, 'z');
  const std::string envelope = WrapArtifact(elf);
  ASSERT_EQ(envelope[4], 1);
  for (size_t size = 0; size < envelope.size(); ++size) {
    EXPECT_EQ(GetErrorReason(UnwrapArtifact(envelope.substr(0, size)).status()), ErrorReason::kArtifactCorrupt) << size;
  }
  for (size_t at = 0; at < envelope.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = envelope;
      changed[at] ^= static_cast<char>(1 << bit);
      absl::StatusOr<std::string> back = UnwrapArtifact(changed);
      // Its digest is for the reader to check; its size is what the header says.
      if (back.ok()) {
        EXPECT_EQ(back->size(), elf.size());
      } else {
        EXPECT_EQ(GetErrorReason(back.status()), ErrorReason::kArtifactCorrupt);
      }
    }
  }
}

TEST(CorruptArtifactEnvelopeTest, NoMemoryIsTakenForWhatIsSaidAlone) {
  // 4 GB, 64 MiB and one byte, a frame that says another size than the header.
  EXPECT_FALSE(UnwrapArtifact(std::string("KAE1\1\xff\xff\xff\xff", 9)).ok());
  EXPECT_FALSE(UnwrapArtifact(std::string("KAE1\0\1\0\0\4", 9)).ok());
  std::string envelope = WrapArtifact(std::string(100000, 'x'));
  envelope[7] = 3;
  EXPECT_FALSE(UnwrapArtifact(envelope).ok());
  EXPECT_FALSE(UnwrapArtifact(absl::string_view("KAE2\0\0\0\0\0", 9)).ok());
  EXPECT_FALSE(UnwrapArtifact(absl::string_view("KAE1\2\0\0\0\0", 9)).ok());
}

}  // namespace
}  // namespace kiln
