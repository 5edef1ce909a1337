// What a host can run: its ABI range, its processor's features and the extern
// ops that it serves. A variant says what it needs; a host class says whether it
// has it. Tuning (vector width, caches, threads) does not count.
//
// Thread-compatible; immutable after construction.
#ifndef KILN_CACHE_HOST_CLASS_H_
#define KILN_CACHE_HOST_CLASS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "base/digest.h"
#include "kiln/v1/artifact.pb.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {

class HostClass {
 public:
  explicit HostClass(const v1::HostCapabilities& host);

  // Equal for hosts that can run the same things, whatever order they told them in.
  const Digest& digest() const { return digest_; }

  // A host of this class, for whoever makes one of it elsewhere.
  v1::HostCapabilities ToProto() const;

  // Why this host cannot run the variant: any of MISS_REASON_ABI, _ISA and
  // _EXTERN_OP, in that order. Empty: it can.
  std::vector<v1::MissReason> WhyNot(const v1::VariantRecord& record) const;

  bool HasFeatures(const google::protobuf::RepeatedPtrField<std::string>& features) const;
  const absl::flat_hash_set<std::string>& features() const { return features_; }
  // What of a variant's needs it has not.
  std::vector<std::string> LackedFeatures(const v1::VariantRecord& record) const;
  std::vector<std::string> LackedOps(const v1::VariantRecord& record) const;
  uint32_t abi_min() const { return abi_min_; }
  uint32_t abi_max() const { return abi_max_; }

  // True if this host can run whatever a compile for `other` may give.
  bool Covers(const HostClass& other) const;

 private:
  bool ServesOp(absl::string_view name) const;

  // Constant after construction.
  uint32_t abi_min_;
  uint32_t abi_max_;
  absl::flat_hash_set<std::string> features_;
  absl::flat_hash_set<std::string> extern_ops_;  // exact names
  std::vector<std::string> extern_prefixes_;     // patterns less their '*', sorted
  Digest digest_;
};

}  // namespace kiln

#endif  // KILN_CACHE_HOST_CLASS_H_
