#include "cache/testing/make_variant.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kiln {

v1::KeyComponents MakeComponents(const std::string& graph, const std::string& domain) {
  v1::Target target;
  target.set_arch("x86_64");
  return ComposeKey({Sha256(graph), Sha256("signature"), Sha256("options"), "build", target, domain});
}

VariantKey MakeKey(const std::string& graph, const std::string& domain) {
  return *KeyOf(MakeComponents(graph, domain));
}

std::vector<std::string> SymbolNames(int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(absl::StrCat("s", i));
  return names;
}

std::vector<v1::Guard> MakeGuards(const std::vector<std::string>& conditions) {
  std::vector<v1::Guard> guards;
  for (const std::string& condition : conditions) guards.emplace_back().set_condition(condition);
  return guards;
}

v1::VariantRecord MakeRecord(const VariantSpec& spec) {
  v1::VariantRecord record;
  record.set_format_version(1);
  *record.mutable_key() = MakeComponents(spec.graph, spec.domain);
  for (const std::string& guard : spec.guards) record.add_guards()->set_condition(guard);
  for (const std::string& guard : spec.performance_guards) {
    v1::Guard& added = *record.add_guards();
    added.set_condition(guard);
    added.set_kind(v1::Guard::KIND_PERFORMANCE);
  }
  for (const std::string& name : SymbolNames(spec.num_symbols)) record.add_symbols(name);
  for (const std::string& feature : spec.features) record.add_isa_features(feature);
  for (const std::string& op : spec.extern_ops) record.add_extern_ops(op);
  record.set_abi_version(spec.abi);
  record.set_created_unix_seconds(spec.created);
  record.set_compile_seconds(spec.seconds);
  record.set_artifact_sha256(std::string(Sha256(spec.elf).bytes()));
  record.set_artifact_bytes(static_cast<int64_t>(spec.elf.size()));
  return record;
}

IndexedVariantPtr MakeVariant(const VariantSpec& spec) {
  v1::SignedVariant signed_variant;
  signed_variant.set_record(MakeRecord(spec).SerializeAsString());
  return *MakeIndexedVariant(std::move(signed_variant));
}

v1::SignedVariant SignVariant(const SigningKey& key, const VariantSpec& spec) {
  return key.Sign(MakeRecord(spec).SerializeAsString());
}

VariantRow SignedRow(const SigningKey& key, const VariantSpec& spec) {
  return {MakeKey(spec.graph, spec.domain), Sha256(spec.elf), SignVariant(key, spec)};
}

ArtifactBytes Elf(const std::string& bytes) { return std::make_shared<const std::string>(bytes); }

HostClass MakeHost(std::vector<std::string> features, std::vector<std::string> extern_ops, uint32_t abi_min,
                   uint32_t abi_max) {
  v1::HostCapabilities host;
  host.set_abi_min(abi_min);
  host.set_abi_max(abi_max);
  for (std::string& feature : features) host.mutable_target()->add_features(std::move(feature));
  for (std::string& op : extern_ops) host.add_extern_ops(std::move(op));
  return HostClass(host);
}

TrustPolicy PolicyTrusting(const SigningKey& key) {
  TrustPolicy policy;
  if (!policy.keys.Add(key.public_key()).ok()) std::abort();
  return policy;
}

std::shared_ptr<Trust> Trusting(const SigningKey& key) { return Trust::Fixed(PolicyTrusting(key)); }

}  // namespace kiln
