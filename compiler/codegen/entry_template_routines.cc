#include "compiler/codegen/entry_routine_texts.h"

namespace kiln {

const char kTemplateRoutines[] = R"ll(
define internal ptr @kiln.slot.ptr(ptr %f, i64 %slot) alwaysinline nounwind {
  %at = getelementptr i64, ptr %f, i64 %slot
  %v = load ptr, ptr %at
  ret ptr %v
}

; Copies a step's template into the scratch area and patches it. Gives the area.
define internal ptr @kiln.fill(ptr %f, ptr %step) nounwind {
entry:
  %exprs = call ptr @kiln.slot.ptr(ptr %f, i64 7)
  %records = call ptr @kiln.slot.ptr(ptr %f, i64 8)
  %scratch = call ptr @kiln.slot.ptr(ptr %f, i64 9)
  %strings = call ptr @kiln.slot.ptr(ptr %f, i64 10)
  %num_slots = load i64, ptr %step
  %num_fixups.at = getelementptr i64, ptr %step, i64 1
  %num_fixups = load i64, ptr %num_fixups.at
  %slots = getelementptr i64, ptr %step, i64 2
  %fixups = getelementptr i64, ptr %slots, i64 %num_slots
  br label %copy
copy:
  %i = phi i64 [ 0, %entry ], [ %i.next, %copy.one ]
  %copy.more = icmp ult i64 %i, %num_slots
  br i1 %copy.more, label %copy.one, label %patch
copy.one:
  %from = getelementptr i64, ptr %slots, i64 %i
  %to = getelementptr i64, ptr %scratch, i64 %i
  %word = load i64, ptr %from
  store i64 %word, ptr %to
  %i.next = add i64 %i, 1
  br label %copy
patch:
  %j = phi i64 [ 0, %copy ], [ %j.next, %patched ]
  %patch.more = icmp ult i64 %j, %num_fixups
  br i1 %patch.more, label %patch.one, label %done
patch.one:
  %j2 = shl i64 %j, 1
  %w0.at = getelementptr i64, ptr %fixups, i64 %j2
  %w0 = load i64, ptr %w0.at
  %w1.at = getelementptr i64, ptr %w0.at, i64 1
  %w1 = load i64, ptr %w1.at
  %kind = trunc i64 %w0 to i8
  %scale.shifted = lshr i64 %w0, 8
  %scale = and i64 %scale.shifted, 255
  %slot = lshr i64 %w0, 32
  %a = and i64 %w1, 4294967295
  %b = lshr i64 %w1, 32
  %at = getelementptr i64, ptr %scratch, i64 %slot
  switch i8 %kind, label %header [
    i8 0, label %expr
    i8 1, label %inside
    i8 2, label %buffer
    i8 3, label %window
    i8 4, label %string
  ]
expr:
  %expr.at = getelementptr i64, ptr %exprs, i64 %a
  %expr.value = load i64, ptr %expr.at
  store i64 %expr.value, ptr %at
  br label %patched
inside:
  %inside.at = getelementptr i64, ptr %scratch, i64 %a
  store ptr %inside.at, ptr %at
  br label %patched
buffer:
  %buffer.at = getelementptr %Record, ptr %records, i64 %a, i32 0
  %buffer.data = load ptr, ptr %buffer.at
  store ptr %buffer.data, ptr %at
  br label %patched
window:
  %offset.at = getelementptr i64, ptr %exprs, i64 %b
  %offset = load i64, ptr %offset.at
  %bytes = mul i64 %offset, %scale
  %data.at = getelementptr %Record, ptr %records, i64 %a, i32 0
  %data = load ptr, ptr %data.at
  %window.data = getelementptr i8, ptr %data, i64 %bytes
  store ptr %window.data, ptr %at
  %storage.at = getelementptr %Record, ptr %records, i64 %a, i32 1
  %storage = load ptr, ptr %storage.at
  %window.storage.at = getelementptr %Tensor, ptr %at, i64 0, i32 5
  store ptr %storage, ptr %window.storage.at
  %base.at = getelementptr %Record, ptr %records, i64 %a, i32 2
  %base = load i64, ptr %base.at
  %window.offset = add i64 %base, %offset
  %window.offset.at = getelementptr %Tensor, ptr %at, i64 0, i32 6
  store i64 %window.offset, ptr %window.offset.at
  %handle.at = getelementptr %Record, ptr %records, i64 %a, i32 3
  %handle = load ptr, ptr %handle.at
  %window.handle.at = getelementptr %Tensor, ptr %at, i64 0, i32 7
  store ptr %handle, ptr %window.handle.at
  br label %patched
string:
  %string.at = getelementptr i8, ptr %strings, i64 %a
  store ptr %string.at, ptr %at
  br label %patched
header:
  %header.at = getelementptr i64, ptr %f, i64 %a
  %header.value = load i64, ptr %header.at
  store i64 %header.value, ptr %at
  br label %patched
patched:
  %j.next = add i64 %j, 1
  br label %patch
done:
  ret ptr %scratch
}
)ll";

}  // namespace kiln
