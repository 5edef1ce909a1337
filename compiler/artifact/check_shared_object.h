// What an artifact may do to the process that loads it, before anyone calls it:
// nothing. A shared object can run constructors, ask for libraries, interpose
// symbols, change memory through relocations and make the stack executable; this
// reads what the dynamic loader reads and refuses everything that is not on a list
// of what our linker makes. The front asks before it signs, a host before it maps.
//
//   KILN_RETURN_IF_ERROR(CheckSharedObject(elf, "x86_64"));
//
// It says nothing of the code behind the entry: that is trusted by its signature.
#ifndef KILN_COMPILER_ARTIFACT_CHECK_SHARED_OBJECT_H_
#define KILN_COMPILER_ARTIFACT_CHECK_SHARED_OBJECT_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace kiln {

// OK if `elf` is a shared object for `arch` (as Target.arch) with
//   - read-only, executable and writable segments, each on pages of its own, and
//     the writable one read-only again after relocation; no executable stack;
//   - a dynamic section of the tags that DT_HASH, symbols, names and relocations
//     need, bound at once;
//   - one dynamic symbol, the function KILN_ENTRY_SYMBOL, in executable memory;
//   - relocations that add the base address to a word of the writable segment.
// ARTIFACT_CORRUPT: not a shared object, or its numbers lead outside it.
// ARTIFACT_REFUSED: one that has something else, with what was found and what is
// allowed. LIMIT_EXCEEDED: too large. UNSUPPORTED_TARGET: another `arch`.
// Linear in relocations.
absl::Status CheckSharedObject(absl::string_view elf, absl::string_view arch);

}  // namespace kiln

#endif  // KILN_COMPILER_ARTIFACT_CHECK_SHARED_OBJECT_H_
