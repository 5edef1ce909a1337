#include "compiler/codegen/entry_routine_texts.h"

namespace kiln {

const char kLaunchRoutines[] = R"ll(
; How many instructions to pass over: `count`, unless the condition holds.
define internal i32 @kiln.skipped(ptr %f, i32 %condition_expr, i32 %count) nounwind {
  %exprs = call ptr @kiln.slot.ptr(ptr %f, i64 7)
  %at = getelementptr i64, ptr %exprs, i32 %condition_expr
  %value = load i64, ptr %at
  %holds = icmp ne i64 %value, 0
  %skipped = select i1 %holds, i32 0, i32 %count
  ret i32 %skipped
}

; Runs a kernel: on several threads when it has more than `grain` iterations.
define internal i32 @kiln.launch(ptr %f, ptr %step, ptr %kernel, i32 %index, i32 %node,
                                 i32 %extent_expr, i32 %grain_expr) nounwind {
entry:
  %closure = call ptr @kiln.fill(ptr %f, ptr %step)
  %host = call ptr @kiln.slot.ptr(ptr %f, i64 0)
  %context = call ptr @kiln.slot.ptr(ptr %f, i64 1)
  %exprs = call ptr @kiln.slot.ptr(ptr %f, i64 7)
  %extent.at = getelementptr i64, ptr %exprs, i32 %extent_expr
  %extent = load i64, ptr %extent.at
  %grain.at = getelementptr i64, ptr %exprs, i32 %grain_expr
  %grain = load i64, ptr %grain.at
  %begin.at = getelementptr %Host, ptr %host, i64 0, i32 14
  %begin = load ptr, ptr %begin.at
  %has_begin = icmp ne ptr %begin, null
  br i1 %has_begin, label %tell_begin, label %choose
tell_begin:
  call void %begin(ptr %context, i32 %index)
  br label %choose
choose:
  %is_short = icmp sle i64 %extent, %grain
  %is_one = icmp sle i64 %extent, 1
  %is_serial = or i1 %is_short, %is_one
  br i1 %is_serial, label %serial, label %parallel
serial:
  call void %kernel(ptr %closure, i64 0, i64 %extent)
  br label %ran
parallel:
  %for.at = getelementptr %Host, ptr %host, i64 0, i32 11
  %for = load ptr, ptr %for.at
  call void %for(ptr %context, i64 0, i64 %extent, i64 %grain, ptr %kernel, ptr %closure)
  br label %ran
ran:
  %end.at = getelementptr %Host, ptr %host, i64 0, i32 15
  %end = load ptr, ptr %end.at
  %has_end = icmp ne ptr %end, null
  br i1 %has_end, label %tell_end, label %check
tell_end:
  call void %end(ptr %context, i32 %index)
  br label %check
check:
  %flag.at = getelementptr i64, ptr %f, i64 2
  %flag = load i64, ptr %flag.at
  %is_bad = icmp ne i64 %flag, 0
  br i1 %is_bad, label %bad, label %good
bad:
  call void @kiln.fail.index(ptr %f, i32 %node)
  ret i32 4
good:
  ret i32 0
}

define internal i32 @kiln.extern(ptr %f, ptr %step, i32 %index, i32 %num_args, i32 %outs_slot,
                                 i32 %num_outs) nounwind {
  %args = call ptr @kiln.fill(ptr %f, ptr %step)
  %host = call ptr @kiln.slot.ptr(ptr %f, i64 0)
  %context = call ptr @kiln.slot.ptr(ptr %f, i64 1)
  %ops.at = getelementptr %Host, ptr %host, i64 0, i32 3
  %ops = load ptr, ptr %ops.at
  %op.at = getelementptr ptr, ptr %ops, i32 %index
  %op = load ptr, ptr %op.at
  %outs = getelementptr i64, ptr %args, i32 %outs_slot
  %rc = call i32 %op(ptr %context, i32 %index, ptr %args, i32 %num_args, ptr %outs, i32 %num_outs)
  ret i32 %rc
}
)ll";

}  // namespace kiln
