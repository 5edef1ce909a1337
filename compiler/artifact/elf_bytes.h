// Reading 64-bit little-endian ELF objects whose numbers nobody vouches for: every
// place is compared with the file's size before it is read, without overflow.
#ifndef KILN_COMPILER_ARTIFACT_ELF_BYTES_H_
#define KILN_COMPILER_ARTIFACT_ELF_BYTES_H_

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace kiln {

// ARTIFACT_CORRUPT with "artifact: " and `what`.
absl::Status CorruptArtifact(absl::string_view what);

// The bytes [offset, offset + size) of `bytes`, if they are there.
std::optional<absl::string_view> Slice(absl::string_view bytes, uint64_t offset, uint64_t size);

// Copied, since nothing in a file need be aligned.
template <typename T>
std::optional<T> ReadAt(absl::string_view bytes, uint64_t offset) {
  const std::optional<absl::string_view> slice = Slice(bytes, offset, sizeof(T));
  if (!slice.has_value()) return std::nullopt;
  T value;
  std::memcpy(&value, slice->data(), sizeof(T));
  return value;
}

// The text at `offset` of a string table, empty when it runs out.
absl::string_view NameAt(absl::string_view names, uint32_t offset);

// The header of a 64-bit little-endian shared object. ARTIFACT_CORRUPT otherwise.
absl::StatusOr<Elf64_Ehdr> ReadElfHeader(absl::string_view elf);

}  // namespace kiln

#endif  // KILN_COMPILER_ARTIFACT_ELF_BYTES_H_
