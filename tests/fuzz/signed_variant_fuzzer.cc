// Signed rows, files of trusted keys and lists of revocations. The first byte says which; a
// signature cannot be guessed, so one over the mutated record is tried as well.
#include <cstdint>

#include "cache/indexed_variant.h"
#include "compiler/artifact/revocation_list.h"
#include "compiler/artifact/signed_variant.h"
#include "tests/fuzz/require.h"

namespace kiln {
namespace {

const SigningKey& Key() {
  static const SigningKey key = *SigningKey::FromSeed(std::string(32, 'k'));
  return key;
}

void OpenRow(const std::string& bytes) {
  TrustedKeys trusted;
  Require(trusted.Add(Key().public_key()).ok(), "a good key is taken");
  v1::SignedVariant row;
  if (row.ParseFromString(bytes)) {
    const absl::StatusOr<v1::VariantRecord> opened = trusted.Open(row);
    Require(!opened.ok() || row.signature().size() == 64, "only 64 bytes sign");
    if (!opened.ok()) RequireReason(opened.status());
  }
  const v1::SignedVariant signed_row = Key().Sign(bytes);
  const absl::StatusOr<v1::VariantRecord> opened = trusted.Open(signed_row);
  if (!opened.ok()) Require(GetErrorReason(opened.status()) == ErrorReason::kArtifactCorrupt, opened.status().ToString());
  const absl::StatusOr<IndexedVariantPtr> indexed = MakeIndexedVariant(signed_row);
  if (!indexed.ok()) Require(GetErrorReason(indexed.status()) == ErrorReason::kArtifactCorrupt, indexed.status().ToString());
  v1::SignedVariant flipped = signed_row;
  (*flipped.mutable_signature())[bytes.size() % flipped.signature().size()] ^= 1;
  Require(GetErrorReason(trusted.Open(flipped).status()) == ErrorReason::kArtifactUntrusted, "a flipped signature");
}

void ReadKeys(const std::string& text) {
  TrustedKeys trusted;
  const absl::Status status = trusted.AddText(text);
  if (!status.ok()) RequireReason(status);
}

void ReadRevocations(const std::string& text) {
  RevocationList list;
  const absl::Status status = list.AddText(text);
  if (!status.ok()) {
    RequireReason(status);
    Require(list.size() == 0, "all lines or none");
  }
  list.Check(v1::VariantRecord(), "key id").IgnoreError();
}

}  // namespace
}  // namespace kiln

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string rest(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] == 't') {
    kiln::ReadKeys(rest);
  } else if (data[0] == 'l') {
    kiln::ReadRevocations(rest);
  } else {
    kiln::OpenRow(rest);
  }
  return 0;
}
