#include "compiler/codegen/entry_routines.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "compiler/artifact/kiln_abi.h"
#include "compiler/codegen/entry_routine_texts.h"

namespace kiln {
namespace {

// The routines name fields, codes and slots of the frame by number.
static_assert(offsetof(KilnHost, extern_ops) == 16 && offsetof(KilnHost, allocate) == 24);
static_assert(offsetof(KilnHost, free) == 32 && offsetof(KilnHost, new_output) == 40);
static_assert(offsetof(KilnHost, view_output) == 48 && offsetof(KilnHost, scalar_output) == 56);
static_assert(offsetof(KilnHost, release_input) == 64 && offsetof(KilnHost, release_result) == 72);
static_assert(offsetof(KilnHost, parallel_for) == 80 && offsetof(KilnHost, random_seed) == 88);
static_assert(offsetof(KilnHost, set_error) == 96 && offsetof(KilnHost, kernel_begin) == 104);
static_assert(offsetof(KilnHost, kernel_end) == 112);
static_assert(offsetof(KilnCall, inputs) == 8 && offsetof(KilnCall, symbols) == 24);
static_assert(KILN_ERROR_MEMORY == 2 && KILN_ERROR_ASSERT == 3 && KILN_ERROR_INDEX == 4 && KILN_ERROR_OVERFLOW == 5);
static_assert(kFrameHost == 0 && kFrameContext == 1 && kFrameErrorFlag == 2 && kFrameSeed == 5 && kFrameArena == 6);
static_assert(kFrameExprs == 7 && kFrameRecords == 8 && kFrameScratch == 9 && kFrameStrings == 10);
static_assert(kFrameErrorAddress == 11);

constexpr char kTypes[] = R"ll(
; struct_bytes, abi_version, num_extern_ops, extern_ops, allocate, free,
; new_output, view_output, scalar_output, release_input, release_result,
; parallel_for, random_seed, set_error, kernel_begin, kernel_end
%Host = type { i64, i32, i32, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr }
; struct_bytes, inputs, num_inputs, num_outputs, symbols
%Call = type { i64, ptr, i32, i32, ptr }
; data, sizes, strides, rank, dtype, storage, storage_offset, handle
%Tensor = type { ptr, ptr, ptr, i32, i32, ptr, i64, ptr }
; kind, count, payload
%Value = type { i32, i32, i64 }
%Record = type { ptr, ptr, i64, ptr }
)ll";

}  // namespace

std::string EntryRoutines() {
  return absl::StrCat(kTypes, kTemplateRoutines, kErrorRoutines, kLaunchRoutines, kBufferRoutines, kOutputRoutines,
                      kCallRoutines, kRunRoutine);
}

}  // namespace kiln
