#include "clients/runtime/loaded_artifact.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "clients/runtime/call_host.h"
#include "clients/runtime/cpu_features.h"
#include "clients/runtime/input_binder.h"
#include "clients/runtime/testing/hand_made_artifact.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

// out[i] = 2 * in[i] over s0 elements, in parallel; then out is passed to the one
// extern op, which adds in place.
constexpr absl::string_view kDoubler = R"(
#include "compiler/artifact/kiln_abi.h"
typedef struct { const float* in; float* out; } Closure;
static void Range(void* closure, int64_t begin, int64_t end) {
  Closure* c = closure;
  for (int64_t i = begin; i < end; ++i) c->out[i] = 2 * c->in[i];
}
int32_t kiln_entry(const KilnHost* host, KilnContext* context, const KilnCall* call) {
  int64_t n = call->symbols[0];
  int64_t stride = 1;
  KilnTensor out;
  if (n == 13) {
    host->set_error(context, 7, "thirteen");
    return KILN_ERROR_INDEX;
  }
  int32_t status = host->new_output(context, 0, 7, 1, &n, &stride, &out);
  if (status) return status;
  void* memory = host->allocate(context, 0, 64);
  if (!memory) return KILN_ERROR_MEMORY;
  host->free(context, 0, memory);
  Closure closure = {call->inputs[0].u.tensor->data, out.data};
  host->parallel_for(context, 0, n, 4, Range, &closure);
  host->release_input(context, 0);
  KilnValue arg = {KILN_VALUE_TENSOR, 0, {.tensor = &out}};
  KilnValue args[2] = {arg, {KILN_VALUE_FLOAT, 0, {.f = 0.5}}};
  return host->extern_ops[0](context, 0, args, 2, &out, 1);
}
)";

int32_t AddScalar(KilnContext*, int32_t, const KilnValue* args, int32_t, KilnTensor* outs, int32_t) {
  float* out = static_cast<float*>(outs[0].data);
  const float* in = static_cast<const float*>(args[0].u.tensor->data);
  for (int64_t i = 0; i < outs[0].sizes[0]; ++i) out[i] = in[i] + static_cast<float>(args[1].u.f);
  return KILN_OK;
}

class HeapCall : public CallHost {
 public:
  void* Allocate(int32_t, uint64_t bytes) override { return std::aligned_alloc(64, bytes); }
  void Free(int32_t, void* memory) override { std::free(memory); }
  int32_t NewOutput(int32_t, int32_t dtype, absl::Span<const int64_t> sizes, const int64_t* strides,
                    KilnTensor* out) override {
    output.assign(sizes[0], 0);
    this->sizes.assign(sizes.begin(), sizes.end());
    this->strides.assign(strides, strides + sizes.size());
    *out = {output.data(), this->sizes.data(), this->strides.data(), 1, dtype, output.data(), 0, nullptr};
    return KILN_OK;
  }
  int32_t ViewOutput(int32_t, const KilnTensor&, absl::Span<const int64_t>, const int64_t*, int64_t) override {
    return KILN_ERROR_HOST;
  }
  int32_t ScalarOutput(int32_t, const KilnValue&) override { return KILN_ERROR_HOST; }
  void ReleaseInput(int32_t index) override { released.push_back(index); }
  void ReleaseResult(void*) override {}
  void ParallelFor(int64_t begin, int64_t end, int64_t grain, KilnRangeFn fn, void* closure) override {
    for (int64_t b = begin; b < end; b += grain) fn(closure, b, std::min(end, b + grain));
  }
  uint64_t RandomSeed() override { return 42; }

  std::vector<float> output;
  std::vector<int64_t> sizes, strides;
  std::vector<int32_t> released;
};

class LoadedArtifactTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    manifest_ = new v1::Manifest(BareManifest("doubler"));
    manifest_->add_symbols("s0");
    v1::TensorMeta* in = manifest_->add_inputs()->mutable_tensor();
    in->set_dtype(7);
    in->add_sizes()->set_expr("s0");
    in->add_strides()->set_value(1);
    v1::ManifestOutput* out = manifest_->add_outputs();
    out->set_kind(v1::ManifestOutput::KIND_NEW);
    *out->mutable_tensor() = *in;
    manifest_->add_guards()->set_condition("s0 < 100");
    manifest_->add_isa_features("sse2");
    v1::ExternOp* op = manifest_->add_extern_ops();
    op->set_name("test.add.out");
    op->set_into(true);
    absl::StatusOr<std::string> elf = CompileHandMade(kDoubler, *manifest_);
    ASSERT_TRUE(elf.ok()) << elf.status();
    elf_ = new std::string(*elf);
  }

  LoadedArtifactTest() : key_(SigningKey::Generate()), record_(RecordOf(*elf_, *manifest_)) {
    facts_.key = manifest_->key();
    facts_.target = DetectTarget(2);
    facts_.trust = Trust::Fixed(Policy());
    facts_.serves = [](const v1::ExternOp& op) { return op.name() == "test.add.out"; };
  }

  absl::StatusOr<std::shared_ptr<const LoadedArtifact>> Load() { return LoadElf(*elf_); }
  absl::StatusOr<std::shared_ptr<const LoadedArtifact>> LoadElf(absl::string_view elf) {
    return LoadedArtifact::Load(key_.Sign(record_.SerializeAsString()), elf, facts_);
  }
  std::optional<ErrorReason> Reason() { return GetErrorReason(Load().status()); }
  TrustPolicy Policy(absl::string_view revocations = "") {
    TrustPolicy policy;
    EXPECT_TRUE(policy.keys.Add(key_.public_key()).ok());
    EXPECT_TRUE(policy.revoked.AddText(revocations).ok());
    return policy;
  }

  static v1::Manifest* manifest_;
  static std::string* elf_;
  SigningKey key_;
  v1::VariantRecord record_;
  HostFacts facts_;
};

v1::Manifest* LoadedArtifactTest::manifest_ = nullptr;
std::string* LoadedArtifactTest::elf_ = nullptr;

absl::Status CallWith(const LoadedArtifact& artifact, std::vector<float> data, HeapCall& call) {
  absl::StatusOr<InputBinder> binder = InputBinder::Create(artifact.manifest().symbols(), artifact.manifest().inputs());
  if (!binder.ok()) return binder.status();
  const int64_t size = static_cast<int64_t>(data.size());
  const int64_t stride = 1;
  KilnTensor tensor = {data.data(), &size, &stride, 1, 7, data.data(), 0, nullptr};
  KilnValue input = {KILN_VALUE_TENSOR, 0, {}};
  input.u.tensor = &tensor;
  int64_t symbol = 0;
  EXPECT_TRUE(binder->Bind({&input, 1}, &symbol)) << binder->Explain({&input, 1});
  EXPECT_TRUE(artifact.guards().Hold(&symbol));
  const KilnExternFn functions[] = {&AddScalar};
  return CallArtifact(artifact, MakeHostTable(functions), {&input, 1}, &symbol, call);
}

TEST_F(LoadedArtifactTest, RunsCodeThatOurCompilerDidNotWrite) {
  auto artifact = Load();
  ASSERT_TRUE(artifact.ok()) << artifact.status();
  HeapCall call;
  ASSERT_TRUE(CallWith(**artifact, {1, 2, 3, 4, 5}, call).ok());
  EXPECT_EQ(call.output, (std::vector<float>{2.5, 4.5, 6.5, 8.5, 10.5}));
  EXPECT_EQ(call.released, std::vector<int32_t>{0});
}

TEST_F(LoadedArtifactTest, AnErrorOfTheCodeNamesItsNode) {
  auto artifact = Load();
  ASSERT_TRUE(artifact.ok()) << artifact.status();
  HeapCall call;
  absl::Status status = CallWith(**artifact, std::vector<float>(13), call);
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(status.message(), "node 7: thirteen");
}

TEST_F(LoadedArtifactTest, GuardsDecideOnSymbols) {
  auto artifact = Load();
  ASSERT_TRUE(artifact.ok()) << artifact.status();
  int64_t symbol = 99;
  EXPECT_TRUE((*artifact)->guards().Hold(&symbol));
  symbol = 100;
  EXPECT_FALSE((*artifact)->guards().Hold(&symbol));
  EXPECT_EQ((*artifact)->guards().FirstFailing(&symbol), 0);
}

TEST_F(LoadedArtifactTest, OneDigestIsMappedOnce) {
  auto a = Load();
  auto b = Load();
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ((*a)->entry(), (*b)->entry());
}

TEST_F(LoadedArtifactTest, DifferentLibrariesStayDifferentThoughDescriptorsAreReused) {
  v1::Manifest other = *manifest_;
  other.set_arena_bytes("64");
  absl::StatusOr<std::string> elf = CompileHandMade(kDoubler, other);
  ASSERT_TRUE(elf.ok()) << elf.status();
  for (int i = 0; i < 3; ++i) {
    auto first = Load();
    ASSERT_TRUE(first.ok()) << first.status();
    auto second = LoadedArtifact::Load(key_.Sign(RecordOf(*elf, other).SerializeAsString()), *elf, facts_);
    ASSERT_TRUE(second.ok()) << second.status();
    EXPECT_NE((*first)->entry(), (*second)->entry());
  }
}

TEST_F(LoadedArtifactTest, CorruptEveryByteIsRefused) {
  for (size_t at = 0; at < elf_->size(); at += 97) {
    std::string bad = *elf_;
    bad[at] ^= 0x10;
    EXPECT_EQ(GetErrorReason(LoadElf(bad).status()), ErrorReason::kArtifactCorrupt) << at;
  }
}

TEST_F(LoadedArtifactTest, CorruptLengthIsRefused) {
  EXPECT_EQ(GetErrorReason(LoadElf(elf_->substr(1)).status()), ErrorReason::kArtifactCorrupt);
  EXPECT_EQ(GetErrorReason(LoadElf("").status()), ErrorReason::kArtifactCorrupt);
}

TEST_F(LoadedArtifactTest, AnotherKeyIsNotTrusted) {
  key_ = SigningKey::Generate();
  EXPECT_EQ(Reason(), ErrorReason::kArtifactUntrusted);
}

TEST_F(LoadedArtifactTest, ValidlySignedArtifactOfAnotherKeyIsRefused) {
  using Component = std::string* (v1::KeyComponents::*)();
  for (Component component : {static_cast<Component>(&v1::KeyComponents::mutable_graph),
                              static_cast<Component>(&v1::KeyComponents::mutable_signature),
                              static_cast<Component>(&v1::KeyComponents::mutable_options),
                              static_cast<Component>(&v1::KeyComponents::mutable_target_family),
                              static_cast<Component>(&v1::KeyComponents::mutable_domain)}) {
    facts_.key = manifest_->key();
    *(facts_.key.*component)() += "x";
    EXPECT_EQ(Reason(), ErrorReason::kArtifactRefused);
  }
}

TEST_F(LoadedArtifactTest, AnotherCompilerBuildIsAcceptedUnlessRevoked) {
  facts_.key.set_compiler_build("another");
  EXPECT_TRUE(Load().ok());
  facts_.trust = Trust::Fixed(Policy("build by hand"));
  EXPECT_EQ(Reason(), ErrorReason::kArtifactRevoked);
}

TEST_F(LoadedArtifactTest, WhatIsRevokedAfterItWasLoadedIsNotCalledAnyMore) {
  const std::string path = testing::TempDir() + "/loaded_artifact_test_revoked";
  auto write = [&](const std::string& text) { std::ofstream(path) << text; };
  write("");
  absl::StatusOr<std::shared_ptr<Trust>> trust = Trust::Load({.revoked = path}, Policy());
  ASSERT_TRUE(trust.ok()) << trust.status();
  facts_.trust = *trust;
  absl::StatusOr<std::shared_ptr<const LoadedArtifact>> artifact = Load();
  ASSERT_TRUE(artifact.ok()) << artifact.status();
  HeapCall call;
  EXPECT_TRUE(CallWith(**artifact, {1, 2, 3}, call).ok());
  write("artifact " + Sha256(*elf_).ToHex());
  ASSERT_TRUE((*trust)->Reload().ok());
  HeapCall after;
  EXPECT_EQ(GetErrorReason(CallWith(**artifact, {1, 2, 3}, after)), ErrorReason::kArtifactRevoked);
  EXPECT_TRUE(after.output.empty());
  write("");
  ASSERT_TRUE((*trust)->Reload().ok());
  EXPECT_TRUE(CallWith(**artifact, {1, 2, 3}, after).ok());
}

TEST_F(LoadedArtifactTest, AnotherAbiIsRefused) {
  record_.set_abi_version(KILN_ABI_VERSION + 1);
  EXPECT_EQ(Reason(), ErrorReason::kAbiMismatch);
}

TEST_F(LoadedArtifactTest, MissingProcessorFeatureIsNamed) {
  facts_.target.clear_features();
  absl::Status status = Load().status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kArtifactRefused);
  EXPECT_NE(status.message().find("sse2"), absl::string_view::npos);
}

TEST_F(LoadedArtifactTest, MissingExternOpIsNamed) {
  facts_.serves = [](const v1::ExternOp&) { return false; };
  absl::Status status = Load().status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kExternOpMissing);
  EXPECT_NE(status.message().find("test.add.out"), absl::string_view::npos);
}

TEST_F(LoadedArtifactTest, ValidlySignedArtifactWithAConstructorIsRefusedUnmapped) {
  const std::string source = absl::StrCat(kDoubler, "__attribute__((constructor)) static void Load(void) { __builtin_trap(); }");
  absl::StatusOr<std::string> elf = CompileHandMade(source, *manifest_);
  ASSERT_TRUE(elf.ok()) << elf.status();
  record_ = RecordOf(*elf, *manifest_);
  absl::Status status = LoadElf(*elf).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kArtifactRefused) << status;
  EXPECT_NE(status.message().find("DT_INIT_ARRAY"), absl::string_view::npos) << status;
}

TEST_F(LoadedArtifactTest, ARecordThatDisagreesWithItsManifestIsCorrupt) {
  record_.mutable_guards(0)->set_condition("s0 < 200");
  EXPECT_EQ(Reason(), ErrorReason::kArtifactCorrupt);
}

}  // namespace
}  // namespace kiln
