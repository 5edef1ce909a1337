#include "compiler/codegen/entry_routine_texts.h"

namespace kiln {

const char kBufferRoutines[] = R"ll(
; Makes a buffer's record from a tensor that the host filled in.
define internal void @kiln.take(ptr %f, ptr %tensor, i32 %record) nounwind {
  %records = call ptr @kiln.slot.ptr(ptr %f, i64 8)
  %data = load ptr, ptr %tensor
  %storage.at = getelementptr %Tensor, ptr %tensor, i64 0, i32 5
  %storage = load ptr, ptr %storage.at
  %offset.at = getelementptr %Tensor, ptr %tensor, i64 0, i32 6
  %offset = load i64, ptr %offset.at
  %handle.at = getelementptr %Tensor, ptr %tensor, i64 0, i32 7
  %handle = load ptr, ptr %handle.at
  %r0 = getelementptr %Record, ptr %records, i32 %record, i32 0
  store ptr %data, ptr %r0
  %r1 = getelementptr %Record, ptr %records, i32 %record, i32 1
  store ptr %storage, ptr %r1
  %r2 = getelementptr %Record, ptr %records, i32 %record, i32 2
  store i64 %offset, ptr %r2
  %r3 = getelementptr %Record, ptr %records, i32 %record, i32 3
  store ptr %handle, ptr %r3
  ret void
}

; As above, from the scratch area.
define internal void @kiln.take.result(ptr %f, i32 %slot, i32 %record) nounwind {
  %scratch = call ptr @kiln.slot.ptr(ptr %f, i64 9)
  %tensor = getelementptr i64, ptr %scratch, i32 %slot
  call void @kiln.take(ptr %f, ptr %tensor, i32 %record)
  ret void
}

; Keeps the tensor at `slot` of the scratch area in a slot of the frame.
define internal void @kiln.keep(ptr %f, i32 %slot, i32 %frame_slot) nounwind {
  %scratch = call ptr @kiln.slot.ptr(ptr %f, i64 9)
  %from = getelementptr i64, ptr %scratch, i32 %slot
  %to = getelementptr i64, ptr %f, i32 %frame_slot
  %tensor = load %Tensor, ptr %from
  store %Tensor %tensor, ptr %to
  ret void
}

define internal void @kiln.input(ptr %f, ptr %call, i32 %index, i32 %record) nounwind {
  %inputs.at = getelementptr %Call, ptr %call, i64 0, i32 1
  %inputs = load ptr, ptr %inputs.at
  %tensor.at = getelementptr %Value, ptr %inputs, i32 %index, i32 2
  %tensor = load ptr, ptr %tensor.at
  call void @kiln.take(ptr %f, ptr %tensor, i32 %record)
  ; Element 0 of an input's buffer is its storage's first.
  %records = call ptr @kiln.slot.ptr(ptr %f, i64 8)
  %storage.at = getelementptr %Record, ptr %records, i32 %record, i32 1
  %storage = load ptr, ptr %storage.at
  %data.at = getelementptr %Record, ptr %records, i32 %record, i32 0
  store ptr %storage, ptr %data.at
  %offset.at = getelementptr %Record, ptr %records, i32 %record, i32 2
  store i64 0, ptr %offset.at
  ret void
}

; A buffer in an arena.
define internal void @kiln.place(ptr %f, i32 %offset_expr, i32 %record, i32 %arena_slot) nounwind {
  %exprs = call ptr @kiln.slot.ptr(ptr %f, i64 7)
  %offset.at = getelementptr i64, ptr %exprs, i32 %offset_expr
  %offset = load i64, ptr %offset.at
  %arena.at = getelementptr i64, ptr %f, i32 %arena_slot
  %arena = load ptr, ptr %arena.at
  %data = getelementptr i8, ptr %arena, i64 %offset
  %records = call ptr @kiln.slot.ptr(ptr %f, i64 8)
  %r0 = getelementptr %Record, ptr %records, i32 %record, i32 0
  store ptr %data, ptr %r0
  %r1 = getelementptr %Record, ptr %records, i32 %record, i32 1
  store ptr %data, ptr %r1
  ret void
}

; A buffer that lives in another's memory.
define internal void @kiln.share(ptr %f, i32 %from, i32 %to) nounwind {
  %records = call ptr @kiln.slot.ptr(ptr %f, i64 8)
  %from.at = getelementptr %Record, ptr %records, i32 %from
  %to.at = getelementptr %Record, ptr %records, i32 %to
  %record = load %Record, ptr %from.at
  store %Record %record, ptr %to.at
  ret void
}

define internal void @kiln.release_input(ptr %f, i32 %index) nounwind {
  %host = call ptr @kiln.slot.ptr(ptr %f, i64 0)
  %context = call ptr @kiln.slot.ptr(ptr %f, i64 1)
  %fn.at = getelementptr %Host, ptr %host, i64 0, i32 9
  %fn = load ptr, ptr %fn.at
  call void %fn(ptr %context, i32 %index)
  ret void
}

define internal void @kiln.release_result(ptr %f, i32 %record) nounwind {
entry:
  %records = call ptr @kiln.slot.ptr(ptr %f, i64 8)
  %handle.at = getelementptr %Record, ptr %records, i32 %record, i32 3
  %handle = load ptr, ptr %handle.at
  %is_owned = icmp ne ptr %handle, null
  br i1 %is_owned, label %release, label %done
release:
  store ptr null, ptr %handle.at
  %host = call ptr @kiln.slot.ptr(ptr %f, i64 0)
  %context = call ptr @kiln.slot.ptr(ptr %f, i64 1)
  %fn.at = getelementptr %Host, ptr %host, i64 0, i32 10
  %fn = load ptr, ptr %fn.at
  call void %fn(ptr %context, ptr %handle)
  br label %done
done:
  ret void
}
)ll";

}  // namespace kiln
