#include "compiler/codegen/entry_routine_texts.h"

namespace kiln {

const char kCallRoutines[] = R"ll(
; What a call starts with: the frame's header, and no record that owns anything.
define internal void @kiln.start(ptr %f, ptr %host, ptr %context, i32 %exprs_slot, i32 %records_slot,
                                 i32 %num_records, i32 %scratch_slot, ptr %strings) nounwind {
entry:
  store ptr %host, ptr %f
  %f1 = getelementptr i64, ptr %f, i64 1
  store ptr %context, ptr %f1
  %f2 = getelementptr i64, ptr %f, i64 2
  store i64 0, ptr %f2
  %f5 = getelementptr i64, ptr %f, i64 5
  store i64 0, ptr %f5
  %f6 = getelementptr i64, ptr %f, i64 6
  store ptr null, ptr %f6
  %f7 = getelementptr i64, ptr %f, i64 7
  %exprs = getelementptr i64, ptr %f, i32 %exprs_slot
  store ptr %exprs, ptr %f7
  %f8 = getelementptr i64, ptr %f, i64 8
  %records = getelementptr i64, ptr %f, i32 %records_slot
  store ptr %records, ptr %f8
  %f9 = getelementptr i64, ptr %f, i64 9
  %scratch = getelementptr i64, ptr %f, i32 %scratch_slot
  store ptr %scratch, ptr %f9
  %f10 = getelementptr i64, ptr %f, i64 10
  store ptr %strings, ptr %f10
  %f11 = getelementptr i64, ptr %f, i64 11
  store ptr %f2, ptr %f11
  br label %next
next:
  %i = phi i32 [ 0, %entry ], [ %i.next, %one ]
  %more = icmp ult i32 %i, %num_records
  br i1 %more, label %one, label %done
one:
  %record = getelementptr %Record, ptr %records, i32 %i
  store %Record zeroinitializer, ptr %record
  %i.next = add i32 %i, 1
  br label %next
done:
  ret void
}

define internal void @kiln.seed(ptr %f) nounwind {
  %host = call ptr @kiln.slot.ptr(ptr %f, i64 0)
  %context = call ptr @kiln.slot.ptr(ptr %f, i64 1)
  %fn.at = getelementptr %Host, ptr %host, i64 0, i32 12
  %fn = load ptr, ptr %fn.at
  %seed = call i64 %fn(ptr %context)
  %f5 = getelementptr i64, ptr %f, i64 5
  store i64 %seed, ptr %f5
  ret void
}

; An arena, into the frame's slot for it.
define internal i32 @kiln.allocate(ptr %f, i32 %bytes_expr, i32 %slot) nounwind {
entry:
  %exprs = call ptr @kiln.slot.ptr(ptr %f, i64 7)
  %bytes.at = getelementptr i64, ptr %exprs, i32 %bytes_expr
  %bytes = load i64, ptr %bytes.at
  %is_needed = icmp sgt i64 %bytes, 0
  br i1 %is_needed, label %ask, label %good
ask:
  %host = call ptr @kiln.slot.ptr(ptr %f, i64 0)
  %context = call ptr @kiln.slot.ptr(ptr %f, i64 1)
  %fn.at = getelementptr %Host, ptr %host, i64 0, i32 4
  %fn = load ptr, ptr %fn.at
  %arena = call ptr %fn(ptr %context, i32 0, i64 %bytes)
  %arena.at = getelementptr i64, ptr %f, i32 %slot
  store ptr %arena, ptr %arena.at
  %is_null = icmp eq ptr %arena, null
  br i1 %is_null, label %bad, label %good
bad:
  call void @kiln.fail(ptr %f, i32 -1, ptr @kiln.text.memory)
  ret i32 2
good:
  ret i32 0
}

; What a call ends with, however it went: the first `num_owned` records are
; those of extern results.
define internal void @kiln.release_results(ptr %f, i32 %num_owned) nounwind {
entry:
  br label %next
next:
  %i = phi i32 [ 0, %entry ], [ %i.next, %one ]
  %more = icmp ult i32 %i, %num_owned
  br i1 %more, label %one, label %done
one:
  call void @kiln.release_result(ptr %f, i32 %i)
  %i.next = add i32 %i, 1
  br label %next
done:
  ret void
}

define internal void @kiln.free_arena(ptr %f, i32 %slot) nounwind {
entry:
  %arena.at = getelementptr i64, ptr %f, i32 %slot
  %arena = load ptr, ptr %arena.at
  %has_arena = icmp ne ptr %arena, null
  br i1 %has_arena, label %free, label %done
free:
  %host = call ptr @kiln.slot.ptr(ptr %f, i64 0)
  %context = call ptr @kiln.slot.ptr(ptr %f, i64 1)
  %fn.at = getelementptr %Host, ptr %host, i64 0, i32 5
  %fn = load ptr, ptr %fn.at
  call void %fn(ptr %context, i32 0, ptr %arena)
  br label %done
done:
  ret void
}

; A size of the result at `slot` of the scratch area becomes a symbol's value.
define internal void @kiln.bind_size(ptr %f, i32 %slot, i32 %dim, i32 %frame_slot) nounwind {
  %scratch = call ptr @kiln.slot.ptr(ptr %f, i64 9)
  %tensor = getelementptr i64, ptr %scratch, i32 %slot
  %sizes.at = getelementptr %Tensor, ptr %tensor, i64 0, i32 1
  %sizes = load ptr, ptr %sizes.at
  %size.at = getelementptr i64, ptr %sizes, i32 %dim
  %size = load i64, ptr %size.at
  %to = getelementptr i64, ptr %f, i32 %frame_slot
  store i64 %size, ptr %to
  ret void
}

; The first eight bytes of a buffer become a symbol's value.
define internal void @kiln.read_number(ptr %f, i32 %record, i32 %frame_slot) nounwind {
  %records = call ptr @kiln.slot.ptr(ptr %f, i64 8)
  %data.at = getelementptr %Record, ptr %records, i32 %record, i32 0
  %data = load ptr, ptr %data.at
  %number = load i64, ptr %data
  %to = getelementptr i64, ptr %f, i32 %frame_slot
  store i64 %number, ptr %to
  ret void
}

; Computes what hangs on symbols just bound, and makes the arena that they are for.
define internal i32 @kiln.late_sizes(ptr %f, ptr %call, ptr %compute, i32 %arena_expr, i32 %arena_slot) nounwind {
entry:
  %symbols.at = getelementptr %Call, ptr %call, i64 0, i32 4
  %symbols = load ptr, ptr %symbols.at
  %overflowed = call i1 %compute(ptr %f, ptr %symbols)
  %rc = call i32 @kiln.check_overflow(ptr %f, i1 %overflowed)
  %ok = icmp eq i32 %rc, 0
  br i1 %ok, label %allocate, label %failed
allocate:
  %arena.rc = call i32 @kiln.allocate(ptr %f, i32 %arena_expr, i32 %arena_slot)
  ret i32 %arena.rc
failed:
  ret i32 %rc
}
)ll";

}  // namespace kiln
