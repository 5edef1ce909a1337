// Bundles: what is written is what is read, and of what was not written so nothing is imported.
#include <zstd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "cache/bundle_format.h"
#include "cache/bundle_reader.h"
#include "cache/bundle_writer.h"
#include "cache/export_bundle.h"
#include "cache/import_bundle.h"
#include "cache/open_cache.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/temp_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ByteSource SourceOf(const std::string& bytes) {
  auto at = std::make_shared<size_t>(0);
  return [bytes, at](char* buffer, size_t size) -> absl::StatusOr<size_t> {
    const size_t got = std::min(size, bytes.size() - *at);
    std::copy_n(bytes.data() + *at, got, buffer);
    *at += got;
    return got;
  };
}

ByteSink SinkTo(std::string& bytes) {
  return [&bytes](absl::string_view more) {
    absl::StrAppend(&bytes, more);
    return absl::OkStatus();
  };
}

class BundleTest : public testing::Test {
 protected:
  BundleTest() { from_ = Open({}), to_ = Open({}); }

  OpenedCache Open(CacheOptions options) {
    absl::StatusOr<OpenedCache> cache = OpenCache(options);
    EXPECT_TRUE(cache.ok()) << cache.status();
    return *std::move(cache);
  }
  void Publish(const VariantSpec& spec, const std::string& requester = "") {
    v1::VariantRecord record = MakeRecord(spec);
    record.set_requester(requester);
    ASSERT_TRUE(from_.variants->Publish(key_.Sign(record.SerializeAsString()), Elf(spec.elf)).ok());
    const Digest name = GraphName("", Sha256(spec.graph), Sha256("signature"));
    ASSERT_TRUE(from_.graphs->PutGraph(name, absl::StrCat("graph ", spec.graph)).ok());
  }
  absl::Status Export(const v1::VariantFilter& filter, std::string& bytes) {
    absl::StatusOr<VariantMatcher> matcher = VariantMatcher::Create(filter, nullptr);
    EXPECT_TRUE(matcher.ok()) << matcher.status();
    bytes.clear();
    return ExportBundle(*matcher, {absl::FromUnixSeconds(7), "test"}, *from_.variants, *from_.graphs, key_,
                        SinkTo(bytes));
  }
  std::string Exported(const v1::VariantFilter& filter = {}) {
    std::string bytes;
    const absl::Status status = Export(filter, bytes);
    EXPECT_TRUE(status.ok()) << status;
    return bytes;
  }
  absl::StatusOr<v1::ImportBundleResponse> Import(const std::string& bytes) {
    return ImportBundle([&] { return SourceOf(bytes); }, policy_, "build", *to_.variants, *to_.graphs);
  }
  // Why it was refused; checks that nothing of it was kept.
  absl::Status Refusal(const std::string& bytes) {
    const absl::Status status = Import(bytes).status();
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(status.message().find('\n'), absl::string_view::npos);
    EXPECT_EQ(to_.variants->Counters().variants, 0);
    EXPECT_EQ(to_.variants->Counters().artifacts, 0);
    EXPECT_FALSE(to_.graphs->HasGraph(GraphName("", Sha256("g"), Sha256("signature"))));
    return status;
  }

  const SigningKey key_ = SigningKey::Generate();
  std::shared_ptr<const TrustPolicy> policy_ = std::make_shared<TrustPolicy>(PolicyTrusting(key_));
  OpenedCache from_, to_;
};

TEST_F(BundleTest, AnImportServesWhatWasExported) {
  Publish({.graph = "g", .guards = {"s0 == 8"}, .features = {"avx2"}, .elf = "e8"});
  Publish({.graph = "g", .guards = {"s0 == 9"}, .elf = std::string(100000, 'x')});
  Publish({.graph = "h", .elf = "eh"});
  const std::string bundle = Exported();
  EXPECT_LT(bundle.size(), 10000u);
  absl::StatusOr<v1::ImportBundleResponse> done = Import(bundle);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->variants(), 3);
  EXPECT_EQ(done->artifacts(), 3);
  EXPECT_EQ(done->graphs(), 2);
  EXPECT_EQ(done->key_id(), KeyIdOf(key_.public_key()));
  EXPECT_EQ(*to_.variants->Lookup(MakeKey("g"), {8, 1, 1}, MakeHost({"avx2"}))->hit->elf, "e8");
  EXPECT_EQ(to_.variants->Lookup(MakeKey("g"), {9, 1, 1}, MakeHost())->hit->elf->size(), 100000u);
  EXPECT_EQ(*to_.variants->Lookup(MakeKey("h"), {9, 1, 1}, MakeHost())->hit->elf, "eh");
  EXPECT_EQ(*to_.graphs->GetGraph(GraphName("", Sha256("h"), Sha256("signature"))), "graph h");
  // Again, it changes nothing; and what was imported makes the same bundle.
  ASSERT_TRUE(Import(bundle).ok());
  EXPECT_EQ(to_.variants->Counters().variants, 3);
  std::swap(from_, to_);
  EXPECT_EQ(Exported(), bundle);
}

TEST_F(BundleTest, TheManifestIsTheCoverage) {
  Publish({.graph = "g", .guards = {"s0 == 8", "s1 < 3"}, .features = {"avx2", "fma"}, .elf = "e"});
  absl::StatusOr<BundleReader> reader = BundleReader::Open(SourceOf(Exported()), policy_);
  ASSERT_TRUE(reader.ok()) << reader.status();
  ASSERT_EQ(reader->manifest().artifacts_size(), 1);
  const v1::BundleVariant& variant = reader->manifest().artifacts(0).variants(0);
  EXPECT_EQ(variant.key().graph(), Sha256("g").bytes());
  EXPECT_THAT(variant.guards(), ElementsAre("s0 == 8", "s1 < 3"));
  EXPECT_THAT(variant.isa_features(), ElementsAre("avx2", "fma"));
  EXPECT_EQ(reader->manifest().created_unix_seconds(), 7);
  EXPECT_EQ(reader->manifest().selection(), "everything");
}

TEST_F(BundleTest, AnArtifactOfTwoKeysIsThereOnce) {
  Publish({.graph = "g", .elf = "same"});
  Publish({.graph = "h", .elf = "same"});
  absl::StatusOr<v1::ImportBundleResponse> done = Import(Exported());
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->artifacts(), 1);
  EXPECT_EQ(done->variants(), 2);
  EXPECT_TRUE(to_.variants->Lookup(MakeKey("g"), {1, 1, 1}, MakeHost())->hit.has_value());
  EXPECT_TRUE(to_.variants->Lookup(MakeKey("h"), {1, 1, 1}, MakeHost())->hit.has_value());
}

TEST_F(BundleTest, AFilterChooses) {
  Publish({.graph = "g", .elf = "eg"}, "job-1/rank-0");
  Publish({.graph = "h", .elf = "eh"}, "job-10/rank-0");
  Publish({.graph = "i", .created = 50, .elf = "ei"}, "job-1");
  auto variants = [&](const v1::VariantFilter& filter) {
    return BundleReader::Open(SourceOf(Exported(filter)), policy_)->manifest().artifacts_size();
  };
  v1::VariantFilter filter;
  filter.set_job("job-1");
  EXPECT_EQ(variants(filter), 2);
  filter.set_created_before_unix_seconds(50);
  EXPECT_EQ(variants(filter), 1);
  filter.Clear();
  filter.add_artifacts(std::string(Sha256("eh").bytes()));
  filter.add_artifacts(std::string(Sha256("ei").bytes()));
  EXPECT_EQ(variants(filter), 2);
  filter.Clear();
  filter.add_keys(std::string(MakeKey("h").digest.bytes()));
  EXPECT_EQ(variants(filter), 1);
  filter.Clear();
  filter.add_graphs(std::string(Sha256("g").bytes()));
  EXPECT_EQ(variants(filter), 1);
  filter.set_domain("red");
  std::string bytes;
  EXPECT_EQ(GetErrorReason(Export(filter, bytes)), ErrorReason::kArtifactNotFound);
  EXPECT_TRUE(bytes.empty());
  filter.Clear();
  filter.add_artifacts(std::string(Sha256("nobody's").bytes()));
  EXPECT_EQ(GetErrorReason(Export(filter, bytes)), ErrorReason::kArtifactNotFound);
}

TEST_F(BundleTest, EveryBeginningOfABundleIsRefused) {
  Publish({.elf = "e"});
  const std::string bundle = Exported();
  for (size_t size = 0; size < bundle.size(); ++size) {
    EXPECT_EQ(GetErrorReason(Refusal(bundle.substr(0, size))), ErrorReason::kBundleRefused) << size;
  }
  EXPECT_THAT(std::string(Refusal(bundle + "x").message()), HasSubstr("goes on after its last item"));
}

TEST_F(BundleTest, EveryFlippedBitIsRefused) {
  Publish({.guards = {"s0 == 8"}, .elf = "an artifact"});
  const std::string bundle = Exported();
  for (size_t at = 0; at < bundle.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = bundle;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      // Bits of a zstd frame that change nothing of what it becomes harm nobody.
      if (Import(bad).ok()) {
        EXPECT_EQ(*to_.variants->Lookup(MakeKey("g"), {8, 1, 1}, MakeHost())->hit->elf, "an artifact") << at;
        to_ = Open({});
        continue;
      }
      EXPECT_FALSE(Refusal(bad).ok());
    }
  }
}

TEST_F(BundleTest, OnlyTrustedKeysCount) {
  Publish({.elf = "e"});
  const std::string bundle = Exported();
  policy_ = std::make_shared<TrustPolicy>(PolicyTrusting(SigningKey::Generate()));
  EXPECT_EQ(GetErrorReason(Refusal(bundle)), ErrorReason::kArtifactUntrusted);
  TrustPolicy revoking = PolicyTrusting(key_);
  ASSERT_TRUE(revoking.revoked.AddText("build b*\nkey " + absl::BytesToHexString(key_.public_key())).ok());
  policy_ = std::make_shared<TrustPolicy>(revoking);
  EXPECT_EQ(GetErrorReason(Refusal(bundle)), ErrorReason::kArtifactRevoked);
  TrustPolicy of_artifact = PolicyTrusting(key_);
  ASSERT_TRUE(of_artifact.revoked.AddText("artifact " + Sha256("e").ToHex()).ok());
  policy_ = std::make_shared<TrustPolicy>(of_artifact);
  EXPECT_EQ(GetErrorReason(Refusal(bundle)), ErrorReason::kArtifactRevoked);
}

// Bundles of one who has a trusted key and lies.
class LyingBundleTest : public BundleTest {
 protected:
  LyingBundleTest() {
    manifest_.set_format_version(1);
    SetItem(*manifest_.add_graphs()->mutable_item(), "a graph");
    manifest_.mutable_graphs(0)->set_graph(std::string(Sha256("g").bytes()));
    manifest_.mutable_graphs(0)->set_signature(std::string(Sha256("signature").bytes()));
    v1::BundleArtifact& artifact = *manifest_.add_artifacts();
    SetItem(*artifact.mutable_elf(), elf_);
    *artifact.add_variants() = CoverageOf(MakeRecord({.elf = elf_}));
    record_ = SignVariant(key_, {.elf = elf_}).SerializeAsString();
    SetItem(*artifact.mutable_variants(0)->mutable_record(), record_);
  }

  static void SetItem(v1::BundleItem& item, absl::string_view bytes) {
    item.set_sha256(std::string(Sha256(bytes).bytes()));
    item.set_size_bytes(static_cast<int64_t>(bytes.size()));
  }
  static std::string LittleEndian(uint64_t value, size_t size) {
    std::string bytes;
    for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
    return bytes;
  }
  std::string Head(absl::string_view manifest) {
    const std::string head =
        absl::StrCat(kBundleMagic, LittleEndian(1, 4), LittleEndian(0, 4), LittleEndian(manifest.size(), 8), manifest);
    return absl::StrCat(head, KeyIdOf(key_.public_key()), key_.SignBytes(kBundleDomain, head));
  }
  std::string Head() { return Head(manifest_.SerializeAsString()); }
  static std::string Frame(absl::string_view bytes) {
    std::string frame(ZSTD_compressBound(bytes.size()), '\0');
    frame.resize(ZSTD_compress(frame.data(), frame.size(), bytes.data(), bytes.size(), 3));
    return absl::StrCat(LittleEndian(frame.size(), 8), frame);
  }
  std::string Items() { return absl::StrCat(Frame("a graph"), Frame(record_), Frame(elf_)); }
  std::string Whole() { return absl::StrCat(Head(), Items()); }
  std::string Why(const std::string& bytes) {
    const absl::Status status = Refusal(bytes);
    EXPECT_EQ(GetErrorReason(status), ErrorReason::kBundleRefused) << status;
    return std::string(status.message());
  }

  const std::string elf_ = "an artifact";
  std::string record_;
  v1::BundleManifest manifest_;
};

TEST_F(LyingBundleTest, TheTruthIsTaken) { EXPECT_TRUE(Import(Whole()).ok()) << Import(Whole()).status(); }

TEST_F(LyingBundleTest, AManifestThatContradictsItselfIsRefused) {
  struct Case {
    const char* message;
    std::function<void(v1::BundleManifest&)> lie;
  };
  const Case cases[] = {
      {"format 2", [](v1::BundleManifest& m) { m.set_format_version(2); }},
      {"graph 0 has a digest of 3 bytes", [](v1::BundleManifest& m) { m.mutable_graphs(0)->set_graph("abc"); }},
      {"graph 0 has a digest of 0", [](v1::BundleManifest& m) { m.mutable_graphs(0)->clear_signature(); }},
      {"graph 0 has -1 bytes", [](v1::BundleManifest& m) { m.mutable_graphs(0)->mutable_item()->set_size_bytes(-1); }},
      {"graph 1 is there twice", [](v1::BundleManifest& m) { *m.add_graphs() = m.graphs(0); }},
      {"artifact 0 has a digest of 0", [](v1::BundleManifest& m) { m.mutable_artifacts(0)->clear_elf(); }},
      {"artifact 0 has 9223372036854775807 bytes",
       [](v1::BundleManifest& m) { m.mutable_artifacts(0)->mutable_elf()->set_size_bytes(INT64_MAX); }},
      {"artifact 0 has 0 bytes", [](v1::BundleManifest& m) { m.mutable_artifacts(0)->mutable_elf()->set_size_bytes(0); }},
      {"artifact 1 is there twice", [](v1::BundleManifest& m) { *m.add_artifacts() = m.artifacts(0); }},
      {"artifact 0 has no variant", [](v1::BundleManifest& m) { m.mutable_artifacts(0)->clear_variants(); }},
      {"artifact 0, variant 1 has the key of another",
       [](v1::BundleManifest& m) { *m.mutable_artifacts(0)->add_variants() = m.artifacts(0).variants(0); }},
      {"artifact 0, variant 0: ",
       [](v1::BundleManifest& m) { m.mutable_artifacts(0)->mutable_variants(0)->mutable_key()->set_graph("x"); }},
      {"variant 0 has 1073741824 bytes",
       [](v1::BundleManifest& m) {
         m.mutable_artifacts(0)->mutable_variants(0)->mutable_record()->set_size_bytes(1 << 30);
       }},
  };
  const v1::BundleManifest truth = manifest_;
  for (const Case& c : cases) {
    manifest_ = truth;
    c.lie(manifest_);
    EXPECT_THAT(Why(Whole()), HasSubstr(c.message));
  }
}

TEST_F(LyingBundleTest, SizesOfLiarsCostNoMemory) {
  // A manifest of an exabyte, and one within its limit that does not come.
  const std::string huge = absl::StrCat(kBundleMagic, LittleEndian(1, 4), LittleEndian(0, 4), LittleEndian(1ull << 60, 8));
  EXPECT_THAT(Why(huge), HasSubstr("its manifest has 1152921504606846976 bytes"));
  const std::string cut = absl::StrCat(kBundleMagic, LittleEndian(1, 4), LittleEndian(0, 4), LittleEndian(60 << 20, 8));
  EXPECT_THAT(Why(cut), HasSubstr("ends in the middle of its manifest"));
  EXPECT_THAT(Why(absl::StrCat(Head(), LittleEndian(1ull << 62, 8))), HasSubstr("graph 0 has a frame of"));
}

TEST_F(LyingBundleTest, AllOfItTogetherIsBounded) {
  for (int i = 0; i <= GetLimit(Limit::kBundleBytes) / GetLimit(Limit::kArtifactBytes); ++i) {
    v1::BundleArtifact& artifact = *manifest_.add_artifacts();
    artifact = manifest_.artifacts(0);
    artifact.mutable_elf()->set_sha256(std::string(Sha256(absl::StrCat(i)).bytes()));
    artifact.mutable_elf()->set_size_bytes(GetLimit(Limit::kArtifactBytes));
  }
  EXPECT_EQ(GetErrorReason(Refusal(Head())), ErrorReason::kLimitExceeded);
}

TEST_F(LyingBundleTest, AFrameBecomesNoMoreThanTheManifestSays) {
  // 64 MiB of zeros in a few kilobytes, where "a graph" was promised.
  const std::string bomb = Frame(std::string(64 << 20, '\0'));
  EXPECT_LT(bomb.size(), 10000u);
  EXPECT_THAT(Why(absl::StrCat(Head(), bomb)), HasSubstr("graph 0"));
  EXPECT_THAT(Why(absl::StrCat(Head(), Frame("a grap"))), HasSubstr("graph 0 has digest"));
  EXPECT_THAT(Why(absl::StrCat(Head(), Frame("A graph"))), HasSubstr("graph 0 has digest"));
  EXPECT_THAT(Why(absl::StrCat(Head(), LittleEndian(7, 8), "no zstd")), HasSubstr("graph 0"));
  EXPECT_THAT(Why(absl::StrCat(Head(), LittleEndian(0, 8))), HasSubstr("graph 0"));
}

TEST_F(LyingBundleTest, TheLastItemMayBeTheWrongOne) {
  EXPECT_THAT(Why(absl::StrCat(Head(), Frame("a graph"), Frame(record_), Frame("an artefact"))),
              HasSubstr("artifact 0 has digest"));
}

TEST_F(LyingBundleTest, RecordsAreOfTheArtifactAndSayWhatTheManifestSays) {
  auto with_record = [&](const std::string& record) {
    record_ = record;
    SetItem(*manifest_.mutable_artifacts(0)->mutable_variants(0)->mutable_record(), record);
    return Whole();
  };
  EXPECT_THAT(Why(with_record(SignVariant(key_, {.elf = "another"}).SerializeAsString())),
              HasSubstr("is of another artifact"));
  EXPECT_THAT(Why(with_record(SignVariant(key_, {.guards = {"s0 == 1"}, .elf = elf_}).SerializeAsString())),
              HasSubstr("covers something else"));
  EXPECT_THAT(Why(with_record(SignVariant(key_, {.features = {"amx"}, .elf = elf_}).SerializeAsString())),
              HasSubstr("covers something else"));
  EXPECT_THAT(Why(with_record(SignVariant(key_, {.graph = "h", .elf = elf_}).SerializeAsString())),
              HasSubstr("covers something else"));
  EXPECT_THAT(Why(with_record("\xff\xff")), HasSubstr("does not parse"));
  EXPECT_EQ(GetErrorReason(Refusal(with_record(
                SignVariant(SigningKey::Generate(), {.elf = elf_}).SerializeAsString()))),
            ErrorReason::kArtifactUntrusted);
}

TEST_F(LyingBundleTest, BytesThatAreSignedButNoManifestAreRefused) {
  EXPECT_THAT(Why(Head("\xff\xff\xff")), HasSubstr("does not parse"));
  EXPECT_THAT(Why(Head("")), HasSubstr("format 0"));
}

}  // namespace
}  // namespace kiln
