#include "compiler/artifact/loaded_image.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "compiler/artifact/elf_bytes.h"

namespace kiln {
namespace {

// Our linker makes seven.
constexpr int kMaxSegments = 16;

constexpr uint32_t kR = PF_R, kRW = PF_R | PF_W, kRX = PF_R | PF_X;

// The program headers that an artifact has.
struct SegmentRow {
  uint32_t type;
  absl::string_view name;
  int least, most;
  std::vector<uint32_t> flags;
};

const std::vector<SegmentRow>& SegmentRows() {
  static const auto* rows = new std::vector<SegmentRow>{
      {PT_LOAD, "PT_LOAD", 1, kMaxSegments, {kR, kRX, kRW}},
      {PT_DYNAMIC, "PT_DYNAMIC", 1, 1, {kRW}},
      {PT_GNU_STACK, "PT_GNU_STACK", 1, 1, {kRW}},
      {PT_GNU_RELRO, "PT_GNU_RELRO", 0, 1, {kR}},
      {PT_PHDR, "PT_PHDR", 0, 1, {kR}},
  };
  return *rows;
}

// Those that it has not, for messages.
constexpr struct {
  uint32_t type;
  absl::string_view name;
} kOtherTypes[] = {{PT_INTERP, "PT_INTERP"},
                   {PT_NOTE, "PT_NOTE"},
                   {PT_TLS, "PT_TLS"},
                   {PT_GNU_EH_FRAME, "PT_GNU_EH_FRAME"},
                   {PT_GNU_PROPERTY, "PT_GNU_PROPERTY"}};

std::string TypeName(uint32_t type) {
  for (const auto& row : kOtherTypes) {
    if (row.type == type) return std::string(row.name);
  }
  return absl::StrCat("type ", type);
}

std::string FlagsName(uint32_t flags) {
  if ((flags & ~(PF_R | PF_W | PF_X)) != 0) return absl::StrCat("flags ", flags);
  std::string name;
  if (flags & PF_R) name += "R";
  if (flags & PF_W) name += "W";
  if (flags & PF_X) name += "X";
  return name.empty() ? "no access" : name;
}

// The row of program header `index`, if it may be there as it is.
absl::StatusOr<const SegmentRow*> RowOf(int index, const Elf64_Phdr& segment) {
  for (const SegmentRow& row : SegmentRows()) {
    if (row.type != segment.p_type) continue;
    if (std::count(row.flags.begin(), row.flags.end(), segment.p_flags) == 1) return &row;
    const std::string allowed = absl::StrJoin(
        row.flags, ", ", [](std::string* out, uint32_t flags) { absl::StrAppend(out, FlagsName(flags)); });
    return RefusedArtifact(absl::StrCat("program header ", index, " (", row.name, ") is ", FlagsName(segment.p_flags),
                                        ", and allowed are ", allowed));
  }
  const std::string allowed = absl::StrJoin(
      SegmentRows(), ", ", [](std::string* out, const SegmentRow& row) { absl::StrAppend(out, row.name); });
  return RefusedArtifact(
      absl::StrCat("program header ", index, " is a ", TypeName(segment.p_type), ", and allowed are ", allowed));
}

// One loadable segment by itself.
absl::Status CheckLoad(const Elf64_Phdr& load, absl::string_view elf, const ElfMachine& machine,
                       absl::string_view name) {
  // Each byte of a file is in one segment, and what a segment adds to fill its last
  // page is small.
  const uint64_t max_end = 2 * static_cast<uint64_t>(GetLimit(Limit::kArtifactBytes));
  if (!Slice(elf, load.p_offset, load.p_filesz).has_value()) {
    return CorruptArtifact(absl::StrCat(name, " has bytes outside the file"));
  }
  if (load.p_vaddr > max_end || load.p_memsz > max_end - load.p_vaddr) {
    return RefusedArtifact(absl::StrCat(name, " at ", load.p_vaddr, " has ", load.p_memsz,
                                        " bytes, and an image may have ", max_end));
  }
  if (load.p_filesz > load.p_memsz) {
    return CorruptArtifact(
        absl::StrCat(name, " has ", load.p_memsz, " bytes in memory and ", load.p_filesz, " in the file"));
  }
  if (load.p_filesz != load.p_memsz && (load.p_flags & PF_W) == 0) {
    return RefusedArtifact(
        absl::StrCat(name, " is not writable, but has bytes (", load.p_memsz - load.p_filesz, ") beyond the file's"));
  }
  if (load.p_align != machine.page_bytes) {
    return RefusedArtifact(
        absl::StrCat(name, " is aligned to ", load.p_align, ", and pages have ", machine.page_bytes, " bytes"));
  }
  if (load.p_vaddr % machine.page_bytes != load.p_offset % machine.page_bytes) {
    return CorruptArtifact(absl::StrCat(name, " is at ", load.p_vaddr, " from offset ", load.p_offset,
                                        ", which is another place on a page of ", machine.page_bytes, " bytes"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RefusedArtifact(absl::string_view what) {
  return MakeError(ErrorReason::kArtifactRefused, absl::StrCat("artifact: ", what));
}

absl::StatusOr<LoadedImage> LoadedImage::Read(absl::string_view elf, const ElfMachine& machine) {
  LoadedImage image(elf, machine);
  KILN_RETURN_IF_ERROR(image.ReadHeaders());
  KILN_RETURN_IF_ERROR(image.CheckLoads());
  KILN_RETURN_IF_ERROR(image.CheckRelocatedReadOnly());
  KILN_RETURN_IF_ERROR(image.FindDynamic());
  return image;
}

absl::Status LoadedImage::ReadHeaders() {
  KILN_ASSIGN_OR_RETURN(header_, ReadElfHeader(elf_));
  if (header_.e_machine != machine_->machine) {
    return RefusedArtifact(absl::StrCat("it is for ELF machine ", header_.e_machine, ", and ", machine_->arch, " is ",
                                        machine_->machine));
  }
  if (header_.e_phentsize != sizeof(Elf64_Phdr)) {
    return CorruptArtifact(
        absl::StrCat("its program headers have ", header_.e_phentsize, " bytes, not ", sizeof(Elf64_Phdr)));
  }
  if (header_.e_phnum > kMaxSegments) {
    return RefusedArtifact(absl::StrCat("it has ", header_.e_phnum, " program headers, and may have ", kMaxSegments));
  }
  const std::optional<absl::string_view> table =
      Slice(elf_, header_.e_phoff, header_.e_phnum * sizeof(Elf64_Phdr));
  if (!table.has_value()) return CorruptArtifact("its program headers are outside the file");
  std::vector<int> counts(SegmentRows().size());
  for (int i = 0; i < header_.e_phnum; ++i) {
    const Elf64_Phdr segment = *ReadAt<Elf64_Phdr>(*table, i * sizeof(Elf64_Phdr));
    KILN_ASSIGN_OR_RETURN(const SegmentRow* row, RowOf(i, segment));
    ++counts[row - SegmentRows().data()];
    if (row->type == PT_LOAD) loads_.push_back(segment);
    if (row->type == PT_DYNAMIC) dynamic_ = segment;
    if (row->type == PT_GNU_RELRO) relro_ = segment;
    if (row->type == PT_PHDR) phdr_ = segment;
  }
  for (size_t i = 0; i < counts.size(); ++i) {
    const SegmentRow& row = SegmentRows()[i];
    if (counts[i] >= row.least && counts[i] <= row.most) continue;
    return RefusedArtifact(absl::StrCat("it has ", counts[i], " program headers ", row.name, ", and needs ",
                                        row.least, " and may have ", row.most));
  }
  return absl::OkStatus();
}

absl::Status LoadedImage::CheckLoads() const {
  uint64_t free_page = 0;
  for (size_t i = 0; i < loads_.size(); ++i) {
    const Elf64_Phdr& load = loads_[i];
    KILN_RETURN_IF_ERROR(CheckLoad(load, elf_, *machine_, absl::StrCat("PT_LOAD ", i)));
    if (load.p_vaddr / machine_->page_bytes < free_page) {
      return RefusedArtifact(absl::StrCat("PT_LOAD ", i, " at ", load.p_vaddr, " is not on a page behind PT_LOAD ",
                                          i - 1, ", which ends at ", loads_[i - 1].p_vaddr + loads_[i - 1].p_memsz));
    }
    free_page = (load.p_vaddr + load.p_memsz + machine_->page_bytes - 1) / machine_->page_bytes;
  }
  // The loader keeps a pointer to the program headers in memory: to where PT_PHDR
  // says, or else to the first segment with their bytes.
  const Elf64_Phdr& first = loads_.front();
  const uint64_t table_bytes = header_.e_phnum * sizeof(Elf64_Phdr);
  if (first.p_flags != kR || first.p_offset != 0 || first.p_filesz < table_bytes ||
      header_.e_phoff > first.p_filesz - table_bytes) {
    return RefusedArtifact("its first PT_LOAD is not read-only memory with the file's first bytes and program headers");
  }
  if (phdr_.has_value() && phdr_->p_vaddr != first.p_vaddr + header_.e_phoff) {
    return RefusedArtifact(absl::StrCat("its PT_PHDR is at ", phdr_->p_vaddr, ", and its program headers are at ",
                                        first.p_vaddr + header_.e_phoff));
  }
  return absl::OkStatus();
}

// Once it has relocated the object, the loader makes the pages of PT_GNU_RELRO read-only.
// There is only one, so there is only one writable segment, and none is left: an
// entry that keeps no state needs no memory to keep it in.
absl::Status LoadedImage::CheckRelocatedReadOnly() const {
  for (size_t i = 0; i < loads_.size(); ++i) {
    const Elf64_Phdr& load = loads_[i];
    if ((load.p_flags & PF_W) == 0) continue;
    const uint64_t end = load.p_vaddr + load.p_memsz;
    const bool covered = relro_.has_value() && relro_->p_vaddr == load.p_vaddr && relro_->p_memsz == load.p_memsz;
    if (covered && end % machine_->page_bytes == 0) continue;
    return RefusedArtifact(absl::StrCat("PT_LOAD ", i, " stays writable: it is not exactly the pages of PT_GNU_RELRO"));
  }
  return absl::OkStatus();
}

absl::Status LoadedImage::FindDynamic() {
  const Elf64_Phdr* load = LoadOf(dynamic_.p_vaddr, dynamic_.p_memsz, &Elf64_Phdr::p_filesz);
  if (load == nullptr || (load->p_flags & PF_W) == 0) {
    return RefusedArtifact("its PT_DYNAMIC is not in the file's bytes of a writable PT_LOAD");
  }
  dynamic_bytes_ = elf_.substr(load->p_offset + (dynamic_.p_vaddr - load->p_vaddr), dynamic_.p_memsz);
  return absl::OkStatus();
}

const Elf64_Phdr* LoadedImage::LoadOf(uint64_t address, uint64_t size, uint64_t Elf64_Phdr::*extent) const {
  for (const Elf64_Phdr& load : loads_) {
    if (address < load.p_vaddr) continue;
    const uint64_t begin = address - load.p_vaddr;
    if (begin <= load.*extent && size <= load.*extent - begin) return &load;
  }
  return nullptr;
}

std::optional<absl::string_view> LoadedImage::FileBytes(uint64_t address, uint64_t size, uint32_t flags) const {
  const Elf64_Phdr* load = LoadOf(address, size, &Elf64_Phdr::p_filesz);
  if (load == nullptr || load->p_flags != flags) return std::nullopt;
  return Slice(elf_, load->p_offset + (address - load->p_vaddr), size);
}

std::optional<absl::string_view> LoadedImage::ReadOnlyBytes(uint64_t address, uint64_t size) const {
  return FileBytes(address, size, kR);
}

std::optional<absl::string_view> LoadedImage::ExecutableBytes(uint64_t address, uint64_t size) const {
  return FileBytes(address, size, kRX);
}

bool LoadedImage::IsWritable(uint64_t address, uint64_t size) const {
  const Elf64_Phdr* load = LoadOf(address, size, &Elf64_Phdr::p_memsz);
  return load != nullptr && (load->p_flags & PF_W) != 0;
}

}  // namespace kiln
