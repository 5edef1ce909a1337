// Variants for tests: small words instead of protos.
#ifndef KILN_CACHE_TESTING_MAKE_VARIANT_H_
#define KILN_CACHE_TESTING_MAKE_VARIANT_H_

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "cache/artifact_store.h"
#include "cache/host_class.h"
#include "cache/indexed_variant.h"
#include "compiler/artifact/trust.h"

namespace kiln {

struct VariantSpec {
  std::string graph = "g";  // names the key
  int num_symbols = 3;      // s0, s1, ...
  std::vector<std::string> guards;
  std::vector<std::string> performance_guards;
  std::vector<std::string> features;
  std::vector<std::string> extern_ops;
  uint32_t abi = 1;
  int64_t created = 0;
  double seconds = 0;  // that the compile took
  std::string elf = "elf";
  std::string domain = "";
};

v1::KeyComponents MakeComponents(const std::string& graph, const std::string& domain = "");
VariantKey MakeKey(const std::string& graph, const std::string& domain = "");
std::vector<v1::Guard> MakeGuards(const std::vector<std::string>& conditions);
v1::VariantRecord MakeRecord(const VariantSpec& spec);
// Signed by nobody.
IndexedVariantPtr MakeVariant(const VariantSpec& spec);
v1::SignedVariant SignVariant(const SigningKey& key, const VariantSpec& spec);
VariantRow SignedRow(const SigningKey& key, const VariantSpec& spec);
ArtifactBytes Elf(const std::string& bytes);
// ABI 1 to 1, no extern ops unless given.
HostClass MakeHost(std::vector<std::string> features = {}, std::vector<std::string> extern_ops = {},
                   uint32_t abi_min = 1, uint32_t abi_max = 1);
std::vector<std::string> SymbolNames(int count);
// The policy of whoever trusts this key alone.
TrustPolicy PolicyTrusting(const SigningKey& key);
std::shared_ptr<Trust> Trusting(const SigningKey& key);

}  // namespace kiln

#endif  // KILN_CACHE_TESTING_MAKE_VARIANT_H_
