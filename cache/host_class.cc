#include "cache/host_class.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace kiln {
namespace {

std::vector<std::string> Sorted(const absl::flat_hash_set<std::string>& set) {
  std::vector<std::string> items(set.begin(), set.end());
  std::sort(items.begin(), items.end());
  return items;
}

void AddStrings(DigestBuilder& builder, const std::vector<std::string>& items) {
  builder.AddInt(static_cast<int64_t>(items.size()));
  for (const std::string& item : items) builder.AddBytes(item);
}

}  // namespace

HostClass::HostClass(const v1::HostCapabilities& host)
    : abi_min_(host.abi_min()),
      abi_max_(host.abi_max()),
      features_(host.target().features().begin(), host.target().features().end()) {
  for (absl::string_view pattern : host.extern_ops()) {
    if (absl::ConsumeSuffix(&pattern, "*")) {
      extern_prefixes_.emplace_back(pattern);
    } else {
      extern_ops_.emplace(pattern);
    }
  }
  std::sort(extern_prefixes_.begin(), extern_prefixes_.end());
  extern_prefixes_.erase(std::unique(extern_prefixes_.begin(), extern_prefixes_.end()), extern_prefixes_.end());
  DigestBuilder builder("kiln.host_class.v1");
  builder.AddInt(abi_min_).AddInt(abi_max_);
  AddStrings(builder, Sorted(features_));
  AddStrings(builder, Sorted(extern_ops_));
  AddStrings(builder, extern_prefixes_);
  digest_ = builder.Finish();
}

v1::HostCapabilities HostClass::ToProto() const {
  v1::HostCapabilities host;
  host.set_abi_min(abi_min_);
  host.set_abi_max(abi_max_);
  for (const std::string& feature : Sorted(features_)) host.mutable_target()->add_features(feature);
  for (const std::string& op : Sorted(extern_ops_)) host.add_extern_ops(op);
  for (const std::string& prefix : extern_prefixes_) host.add_extern_ops(prefix + "*");
  return host;
}

bool HostClass::ServesOp(absl::string_view name) const {
  if (extern_ops_.contains(name)) return true;
  return std::any_of(extern_prefixes_.begin(), extern_prefixes_.end(),
                     [&](const std::string& prefix) { return absl::StartsWith(name, prefix); });
}

bool HostClass::HasFeatures(const google::protobuf::RepeatedPtrField<std::string>& features) const {
  return std::all_of(features.begin(), features.end(),
                     [&](const std::string& feature) { return features_.contains(feature); });
}

std::vector<std::string> HostClass::LackedFeatures(const v1::VariantRecord& record) const {
  std::vector<std::string> lacked;
  for (const std::string& feature : record.isa_features()) {
    if (!features_.contains(feature)) lacked.push_back(feature);
  }
  return lacked;
}

std::vector<std::string> HostClass::LackedOps(const v1::VariantRecord& record) const {
  std::vector<std::string> lacked;
  for (const std::string& op : record.extern_ops()) {
    if (!ServesOp(op)) lacked.push_back(op);
  }
  return lacked;
}

std::vector<v1::MissReason> HostClass::WhyNot(const v1::VariantRecord& record) const {
  std::vector<v1::MissReason> reasons;
  if (record.abi_version() < abi_min_ || record.abi_version() > abi_max_) reasons.push_back(v1::MISS_REASON_ABI);
  if (!HasFeatures(record.isa_features())) reasons.push_back(v1::MISS_REASON_ISA);
  if (!LackedOps(record).empty()) reasons.push_back(v1::MISS_REASON_EXTERN_OP);
  return reasons;
}

bool HostClass::Covers(const HostClass& other) const {
  if (digest_ == other.digest_) return true;
  if (abi_min_ > other.abi_min_ || abi_max_ < other.abi_max_) return false;
  for (const std::string& feature : other.features_) {
    if (!features_.contains(feature)) return false;
  }
  for (const std::string& op : other.extern_ops_) {
    if (!ServesOp(op)) return false;
  }
  // A prefix is served if some prefix here is a prefix of it.
  for (const std::string& prefix : other.extern_prefixes_) {
    const bool served = std::any_of(extern_prefixes_.begin(), extern_prefixes_.end(),
                                    [&](const std::string& mine) { return absl::StartsWith(prefix, mine); });
    if (!served) return false;
  }
  return true;
}

}  // namespace kiln
