// Writes seeds for the fuzzers that read binary forms, and for those that read the
// texts of golden files: make_fuzz_seeds OUT_FOLDER OP_SAMPLES GOLDEN_FILE...
//
// OP_SAMPLES holds the text of a graph in each line. A golden file has cases between lines `===`: the text of a graph, a line `---`,
// the text of its loop program.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cache/bundle_format.h"
#include "cache/bundle_writer.h"
#include "cache/fleet_leases.h"
#include "cache/testing/make_variant.h"
#include "compiler/artifact/signed_variant.h"
#include "compiler/artifact/testing/tiny_elf.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/import/export_graph.h"
#include "fake_runtime/ops/op_table.h"
#include "kiln/v1/artifact.pb.h"
#include "kiln/v1/compile_service.pb.h"
#include "kiln/v1/worker.pb.h"

namespace kiln {
namespace {

class SeedFolder {
 public:
  SeedFolder(const std::string& out, const std::string& name) : folder_(std::filesystem::path(out) / name) {
    std::filesystem::create_directories(folder_);
  }
  void Add(absl::string_view bytes) {
    std::ofstream(folder_ / absl::StrCat("seed", count_++), std::ios::binary).write(bytes.data(), bytes.size());
  }

 private:
  std::filesystem::path folder_;
  int count_ = 0;
};

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string SmallElf(absl::string_view arch) {
  v1::Manifest manifest;
  manifest.set_format_version(1);
  manifest.set_arch(std::string(arch));
  manifest.add_symbols("s0");
  manifest.add_guards()->set_condition("s0 < 8");
  return TinyElf(manifest);
}

std::string Framed(const v1::WorkerToFront& frame) {
  const std::string payload = frame.SerializeAsString();
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(payload.size() >> shift);
  return bytes + payload;
}

void WriteFrames(const std::string& out) {
  SeedFolder frames(out, "worker_frames");
  v1::WorkerToFront propagated;
  propagated.mutable_propagated()->add_guards()->set_condition("s0 != 1");
  v1::WorkerToFront compiled;
  compiled.mutable_compiled()->set_elf(SmallElf("x86_64"));
  v1::WorkerToFront failed;
  failed.mutable_failed()->set_reason("SHAPE_MISMATCH");
  failed.mutable_failed()->set_message("node 1");
  frames.Add(Framed(propagated) + Framed(compiled));
  frames.Add(Framed(failed));
}

void WriteRows(const std::string& out) {
  SeedFolder rows(out, "signed_variant");
  const VariantSpec spec = {.guards = {"s0 == 8"}, .features = {"avx2"}, .extern_ops = {"aten.mm.out"}};
  rows.Add("r" + MakeRecord(spec).SerializeAsString());
  rows.Add("r" + SignVariant(SigningKey::Generate(), spec).SerializeAsString());
  rows.Add("t# a key\n" + std::string(64, 'a') + "\n");
  rows.Add("l# revoked\nartifact " + std::string(64, 'a') + "\nkey 0123456789abcdef\nbuild kiln-0.1*\n" +
           "before 2026-11-30T12:00:00Z\n");
}

// A file of a key that the fuzzer does not know, and a manifest that it signs itself.
void WriteBundles(const std::string& out) {
  SeedFolder bundles(out, "bundle");
  const VariantSpec spec = {.guards = {"s0 == 8"}, .features = {"avx2"}, .elf = "e"};
  const std::string record = SignVariant(*SigningKey::FromSeed(std::string(32, 'k')), spec).SerializeAsString();
  v1::BundleManifest manifest;
  manifest.set_format_version(1);
  v1::BundleArtifact& artifact = *manifest.add_artifacts();
  artifact.mutable_elf()->set_sha256(std::string(Sha256(spec.elf).bytes()));
  artifact.mutable_elf()->set_size_bytes(1);
  *artifact.add_variants() = CoverageOf(MakeRecord(spec));
  v1::BundleItem& item = *artifact.mutable_variants(0)->mutable_record();
  item.set_sha256(std::string(Sha256(record).bytes()));
  item.set_size_bytes(static_cast<int64_t>(record.size()));
  std::string whole;
  BundleWriter writer([&](absl::string_view bytes) {
    absl::StrAppend(&whole, bytes);
    return absl::OkStatus();
  });
  const bool is_written = writer.Begin(manifest, SigningKey::Generate()).ok() && writer.Add(item, record).ok() &&
                          writer.Add(artifact.elf(), spec.elf).ok();
  if (!is_written) std::abort();
  bundles.Add("f" + whole);
  const std::string serialized = manifest.SerializeAsString();
  const size_t size = serialized.size();
  const std::string size_bytes = {static_cast<char>(size >> 8), static_cast<char>(size)};
  bundles.Add(absl::StrCat("s", size_bytes, serialized,
                           whole.substr(kBundleHeaderBytes + size + kKeyIdBytes + kBundleSignatureBytes)));
}

void WriteFleetWords(const std::string& out) {
  SeedFolder words(out, "fleet_words");
  v1::CompileLease lease;
  lease.set_holder("replica");
  *lease.mutable_host() = MakeHost().ToProto();
  for (const std::string& symbol : SymbolNames(2)) lease.add_symbols(symbol);
  lease.set_held_seconds(0.5);
  words.Add("l" + EncodeLease(NewLeaseToken(), lease));
  lease.set_propagated_after_seconds(0.2);
  lease.set_estimated_seconds(1);
  lease.set_has_guards(true);
  lease.add_guards()->set_condition("s0 == 8");
  words.Add("l" + EncodeLease(NewLeaseToken(), lease));
  v1::ProfileShapesResponse::Subject shapes;
  shapes.set_name("forward");
  v1::ProfileShapesResponse::Dim& dim = *shapes.add_dims();
  dim.set_source("x");
  for (int64_t size : {8, 12}) dim.add_sizes(size);
  dim.add_divisions(10);
  const std::string entry = shapes.SerializeAsString();
  const std::string size_bytes = {static_cast<char>(entry.size() >> 8), static_cast<char>(entry.size())};
  words.Add(absl::StrCat("s", size_bytes, entry, size_bytes, entry));
  words.Add("p" + entry);
}

void WriteGuards(const std::string& out) {
  SeedFolder guards(out, "guard_index");
  guards.Add("s0 == 8\ns1 == 8\n\ns0 == 8\n\ns1 % 8 == 0\ns2 < 5");
  guards.Add("s0 != 1\n\ns0 <= 64\n\nAnd(s0 == 3, s1 == 8)\n\nOr(s0 < s1, s2 == 16)");
  guards.Add("8 == s0\n\n2*s0 == 16\n\ns0 == s1\n\ns0//s1 == 1\n\nMax(1, s0) == 8");
}

// An operator that left the table takes its samples along.
void WriteOpSamples(const std::string& path, SeedFolder& texts, SeedFolder& modules) {
  for (absl::string_view line : absl::StrSplit(ReadWhole(path), '\n', absl::SkipWhitespace())) {
    ExprPool pool;
    const absl::StatusOr<Graph> graph = ParseGraph(line, &pool, FindOpSchema);
    if (!graph.ok()) continue;
    texts.Add(line);
    modules.Add(ExportModule(*graph, "2.13").SerializeAsString());
  }
}

int Write(const std::string& out, const std::string& op_samples, const std::vector<std::string>& goldens) {
  SeedFolder texts(out, "graph_text");
  SeedFolder modules(out, "graph_module");
  SeedFolder programs(out, "loop_program");
  WriteOpSamples(op_samples, texts, modules);
  for (const std::string& golden : goldens) {
    for (absl::string_view part : absl::StrSplit(ReadWhole(golden), "===\n", absl::SkipWhitespace())) {
      const std::pair<absl::string_view, absl::string_view> sides = absl::StrSplit(part, absl::MaxSplits("---\n", 1));
      ExprPool pool;
      const absl::StatusOr<Graph> graph = ParseGraph(sides.first, &pool, FindOpSchema);
      if (!graph.ok()) {
        std::fprintf(stderr, "%s: %s\n", golden.c_str(), graph.status().ToString().c_str());
        return 1;
      }
      texts.Add(sides.first);
      modules.Add(ExportModule(*graph, "2.13").SerializeAsString());
      if (!sides.second.empty()) programs.Add(sides.second);
    }
  }
  SeedFolder schemas(out, "op_schema");
  for (const OpRow& row : OpTable()) schemas.Add(row.schema.ToString());
  SeedFolder(out, "manifest").Add(SmallElf("x86_64"));
  SeedFolder objects(out, "shared_object");
  for (const char* arch : {"x86_64", "aarch64"}) objects.Add(SmallElf(arch));
  WriteFrames(out);
  WriteRows(out);
  WriteBundles(out);
  WriteFleetWords(out);
  WriteGuards(out);
  return 0;
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  return kiln::Write(argv[1], argv[2], std::vector<std::string>(argv + 3, argv + argc));
}
