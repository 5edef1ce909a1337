#include "compiler/codegen/entry_routine_texts.h"

namespace kiln {

const char kRunRoutine[] = R"ll(
; Interprets an entry program. `ops` are six i32 each: a code and its arguments,
; in the order of EntryOpcode.
define internal i32 @kiln.run(ptr %f, ptr %call, i1 %overflowed, i32 %arena_expr, ptr %ops, ptr %steps,
                              ptr %kernels, ptr %late) nounwind {
entry:
  %sizes.rc = call i32 @kiln.check_overflow(ptr %f, i1 %overflowed)
  %sizes.ok = icmp eq i32 %sizes.rc, 0
  br i1 %sizes.ok, label %allocate, label %failed.sizes
failed.sizes:
  ret i32 %sizes.rc
allocate:
  %arena.rc = call i32 @kiln.allocate(ptr %f, i32 %arena_expr, i32 6)
  br label %next
next:
  %op = phi ptr [ %ops, %allocate ], [ %op.then, %loop ]
  %rc = phi i32 [ %arena.rc, %allocate ], [ %rc.next, %loop ]
  %ok = icmp eq i32 %rc, 0
  br i1 %ok, label %one, label %end
one:
  %op.next = getelementptr [6 x i32], ptr %op, i64 1
  %code = load i32, ptr %op
  %a.at = getelementptr i32, ptr %op, i64 1
  %a = load i32, ptr %a.at
  %b.at = getelementptr i32, ptr %op, i64 2
  %b = load i32, ptr %b.at
  %c.at = getelementptr i32, ptr %op, i64 3
  %c = load i32, ptr %c.at
  %d.at = getelementptr i32, ptr %op, i64 4
  %d = load i32, ptr %d.at
  %e.at = getelementptr i32, ptr %op, i64 5
  %e = load i32, ptr %e.at
  %step = getelementptr i64, ptr %steps, i32 %a
  switch i32 %code, label %end [
    i32 1, label %input
    i32 2, label %place
    i32 3, label %share
    i32 4, label %scalar_output
    i32 5, label %view_of_input
    i32 6, label %view_of_kept
    i32 7, label %new_output
    i32 8, label %keep
    i32 9, label %launch
    i32 10, label %extern
    i32 11, label %take_result
    i32 12, label %release_result
    i32 13, label %release_input
    i32 14, label %assert
    i32 15, label %skip_unless
    i32 16, label %bind_size
    i32 17, label %late_sizes
    i32 18, label %read_number
  ]
input:
  call void @kiln.input(ptr %f, ptr %call, i32 %a, i32 %b)
  br label %loop
place:
  call void @kiln.place(ptr %f, i32 %a, i32 %b, i32 %c)
  br label %loop
share:
  call void @kiln.share(ptr %f, i32 %a, i32 %b)
  br label %loop
scalar_output:
  %scalar.rc = call i32 @kiln.scalar_output(ptr %f, ptr %step, i32 %b)
  br label %loop
view_of_input:
  %view.rc = call i32 @kiln.view_of_input(ptr %f, ptr %step, i32 %b, ptr %call, i32 %c)
  br label %loop
view_of_kept:
  %kept.rc = call i32 @kiln.view_of_kept(ptr %f, ptr %step, i32 %b, i32 %c)
  br label %loop
new_output:
  %new.rc = call i32 @kiln.new_output(ptr %f, ptr %step, i32 %b, i32 %c)
  br label %loop
keep:
  call void @kiln.keep(ptr %f, i32 %a, i32 %b)
  br label %loop
launch:
  %kernel.at = getelementptr ptr, ptr %kernels, i32 %b
  %kernel = load ptr, ptr %kernel.at
  %launch.rc = call i32 @kiln.launch(ptr %f, ptr %step, ptr %kernel, i32 %b, i32 %c, i32 %d, i32 %e)
  br label %loop
extern:
  %extern.rc = call i32 @kiln.extern(ptr %f, ptr %step, i32 %b, i32 %c, i32 %d, i32 %e)
  br label %loop
take_result:
  call void @kiln.take.result(ptr %f, i32 %a, i32 %b)
  br label %loop
release_result:
  call void @kiln.release_result(ptr %f, i32 %a)
  br label %loop
release_input:
  call void @kiln.release_input(ptr %f, i32 %a)
  br label %loop
assert:
  %assert.rc = call i32 @kiln.assert(ptr %f, i32 %a, i32 %b, i32 %c)
  br label %loop
skip_unless:
  %skipped = call i32 @kiln.skipped(ptr %f, i32 %a, i32 %b)
  br label %loop
bind_size:
  call void @kiln.bind_size(ptr %f, i32 %a, i32 %b, i32 %c)
  br label %loop
late_sizes:
  %compute.at = getelementptr ptr, ptr %late, i32 %a
  %compute = load ptr, ptr %compute.at
  %late.rc = call i32 @kiln.late_sizes(ptr %f, ptr %call, ptr %compute, i32 %b, i32 %c)
  br label %loop
read_number:
  call void @kiln.read_number(ptr %f, i32 %a, i32 %b)
  br label %loop
loop:
  %rc.next = phi i32 [ 0, %input ], [ 0, %place ], [ 0, %share ], [ %scalar.rc, %scalar_output ],
                     [ %view.rc, %view_of_input ], [ %kept.rc, %view_of_kept ], [ %new.rc, %new_output ],
                     [ 0, %keep ], [ %launch.rc, %launch ], [ %extern.rc, %extern ], [ 0, %take_result ],
                     [ 0, %release_result ], [ 0, %release_input ], [ %assert.rc, %assert ], [ 0, %skip_unless ],
                     [ 0, %bind_size ], [ %late.rc, %late_sizes ], [ 0, %read_number ]
  %skip = phi i32 [ 0, %input ], [ 0, %place ], [ 0, %share ], [ 0, %scalar_output ], [ 0, %view_of_input ],
                  [ 0, %view_of_kept ], [ 0, %new_output ], [ 0, %keep ], [ 0, %launch ], [ 0, %extern ],
                  [ 0, %take_result ], [ 0, %release_result ], [ 0, %release_input ], [ 0, %assert ],
                  [ %skipped, %skip_unless ], [ 0, %bind_size ], [ 0, %late_sizes ],
                  [ 0, %read_number ]
  %op.then = getelementptr [6 x i32], ptr %op.next, i32 %skip
  br label %next
end:
  ret i32 %rc
}
)ll";

}  // namespace kiln
