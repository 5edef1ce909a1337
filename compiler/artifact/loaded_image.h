// The segments of a shared object as the dynamic loader maps them, checked against
// what an artifact may have: read-only, executable or writable memory that is
// read-only again when the object has been relocated; nothing thread-local, no
// executable stack, no page with two segments in it.
//
//   KILN_ASSIGN_OR_RETURN(LoadedImage image, LoadedImage::Read(elf, machine));
//   std::optional<absl::string_view> table = image.ReadOnlyBytes(address, size);
#ifndef KILN_COMPILER_ARTIFACT_LOADED_IMAGE_H_
#define KILN_COMPILER_ARTIFACT_LOADED_IMAGE_H_

#include <elf.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/artifact/elf_machine.h"

namespace kiln {

// ARTIFACT_REFUSED with "artifact: " and `what`: well formed, but not allowed.
absl::Status RefusedArtifact(absl::string_view what);

// Addresses are the object's own, which the loader adds a base to. Immutable. The
// object's bytes are not owned.
class LoadedImage {
 public:
  // ARTIFACT_CORRUPT: not a shared object, or its numbers lead outside it.
  // ARTIFACT_REFUSED: one, but with segments that no artifact may have.
  static absl::StatusOr<LoadedImage> Read(absl::string_view elf, const ElfMachine& machine);

  // The bytes that the file gives to [address, address + size), if they lie in one
  // segment that is neither writable nor executable / that is executable. Nothing
  // changes them after loading.
  std::optional<absl::string_view> ReadOnlyBytes(uint64_t address, uint64_t size) const;
  std::optional<absl::string_view> ExecutableBytes(uint64_t address, uint64_t size) const;

  // Whether [address, address + size) lies in one writable segment.
  bool IsWritable(uint64_t address, uint64_t size) const;

  // Where the dynamic section is. Its bytes are in a writable segment: the loader
  // relocates the addresses in it.
  uint64_t dynamic_address() const { return dynamic_.p_vaddr; }
  absl::string_view dynamic_bytes() const { return dynamic_bytes_; }

  // The first address behind all segments.
  uint64_t end() const { return loads_.back().p_vaddr + loads_.back().p_memsz; }

 private:
  LoadedImage(absl::string_view elf, const ElfMachine& machine) : elf_(elf), machine_(&machine) {}

  absl::Status ReadHeaders();
  absl::Status CheckLoads() const;
  absl::Status CheckRelocatedReadOnly() const;
  absl::Status FindDynamic();
  // The loadable segment that has all of [address, address + size), in the file or
  // in memory; null if none.
  const Elf64_Phdr* LoadOf(uint64_t address, uint64_t size, uint64_t Elf64_Phdr::*extent) const;
  std::optional<absl::string_view> FileBytes(uint64_t address, uint64_t size, uint32_t flags) const;

  absl::string_view elf_;
  const ElfMachine* machine_;
  Elf64_Ehdr header_ = {};
  std::vector<Elf64_Phdr> loads_;
  Elf64_Phdr dynamic_ = {};
  std::optional<Elf64_Phdr> relro_, phdr_;
  absl::string_view dynamic_bytes_;
};

}  // namespace kiln

#endif  // KILN_COMPILER_ARTIFACT_LOADED_IMAGE_H_
