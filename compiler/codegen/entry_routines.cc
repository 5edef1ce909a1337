#include "compiler/codegen/entry_routines.h"

#include <cstddef>

#include "compiler/artifact/kiln_abi.h"

namespace kiln {

// The text below names fields by number.
static_assert(offsetof(KilnHost, extern_ops) == 16 && offsetof(KilnHost, allocate) == 24);
static_assert(offsetof(KilnHost, free) == 32 && offsetof(KilnHost, new_output) == 40);
static_assert(offsetof(KilnHost, view_output) == 48 && offsetof(KilnHost, scalar_output) == 56);
static_assert(offsetof(KilnHost, release_input) == 64 && offsetof(KilnHost, release_result) == 72);
static_assert(offsetof(KilnHost, parallel_for) == 80 && offsetof(KilnHost, random_seed) == 88);
static_assert(offsetof(KilnHost, set_error) == 96 && offsetof(KilnHost, kernel_begin) == 104);
static_assert(offsetof(KilnHost, kernel_end) == 112);
static_assert(offsetof(KilnCall, inputs) == 8 && offsetof(KilnCall, symbols) == 24);
static_assert(KILN_ERROR_MEMORY == 2 && KILN_ERROR_ASSERT == 3 && KILN_ERROR_INDEX == 4 && KILN_ERROR_OVERFLOW == 5);

const char kEntryRoutines[] = R"ll(
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

@kiln.text.index = private constant [7 x i8] c"index \00"
@kiln.text.range = private constant [23 x i8] c" is out of range [-B, \00"
@kiln.text.close = private constant [8 x i8] c"), B = \00"
@kiln.text.memory = private constant [35 x i8] c"the host gave no memory for arrays\00"
@kiln.text.overflow = private constant [41 x i8] c"a size of the graph does not fit 64 bits\00"

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

; Appends a string, and a number in decimal. Both give the new end.
define internal ptr @kiln.append(ptr %end, ptr %text) nounwind {
entry:
  br label %next
next:
  %to = phi ptr [ %end, %entry ], [ %to.next, %one ]
  %from = phi ptr [ %text, %entry ], [ %from.next, %one ]
  %c = load i8, ptr %from
  store i8 %c, ptr %to
  %is_end = icmp eq i8 %c, 0
  br i1 %is_end, label %done, label %one
one:
  %to.next = getelementptr i8, ptr %to, i64 1
  %from.next = getelementptr i8, ptr %from, i64 1
  br label %next
done:
  ret ptr %to
}

define internal ptr @kiln.append.int(ptr %end, i64 %v) nounwind {
entry:
  %digits = alloca [24 x i8]
  %last = getelementptr i8, ptr %digits, i64 23
  store i8 0, ptr %last
  %negative = icmp slt i64 %v, 0
  %minus = sub i64 0, %v
  %magnitude = select i1 %negative, i64 %minus, i64 %v
  br label %digit
digit:
  %rest = phi i64 [ %magnitude, %entry ], [ %quotient, %digit ]
  %at = phi ptr [ %last, %entry ], [ %before, %digit ]
  %quotient = udiv i64 %rest, 10
  %product = mul i64 %quotient, 10
  %value = sub i64 %rest, %product
  %char.wide = add i64 %value, 48
  %char = trunc i64 %char.wide to i8
  %before = getelementptr i8, ptr %at, i64 -1
  store i8 %char, ptr %before
  %more = icmp ne i64 %quotient, 0
  br i1 %more, label %digit, label %sign
sign:
  br i1 %negative, label %put, label %done
put:
  %sign.at = getelementptr i8, ptr %before, i64 -1
  store i8 45, ptr %sign.at
  br label %done
done:
  %start = phi ptr [ %before, %sign ], [ %sign.at, %put ]
  %result = call ptr @kiln.append(ptr %end, ptr %start)
  ret ptr %result
}

define internal void @kiln.fail(ptr %f, i32 %node, ptr %message) nounwind {
  %host = call ptr @kiln.slot.ptr(ptr %f, i64 0)
  %context = call ptr @kiln.slot.ptr(ptr %f, i64 1)
  %fn.at = getelementptr %Host, ptr %host, i64 0, i32 13
  %fn = load ptr, ptr %fn.at
  call void %fn(ptr %context, i32 %node, ptr %message)
  ret void
}

; "index 12 is out of range [-B, B), B = 7"
define internal void @kiln.fail.index(ptr %f, i32 %node) nounwind {
  %text = alloca [128 x i8]
  %index.at = getelementptr i64, ptr %f, i64 3
  %index = load i64, ptr %index.at
  %bound.at = getelementptr i64, ptr %f, i64 4
  %bound = load i64, ptr %bound.at
  %e1 = call ptr @kiln.append(ptr %text, ptr @kiln.text.index)
  %e2 = call ptr @kiln.append.int(ptr %e1, i64 %index)
  %e3 = call ptr @kiln.append(ptr %e2, ptr @kiln.text.range)
  store i8 66, ptr %e3
  %e4.start = getelementptr i8, ptr %e3, i64 1
  %e4 = call ptr @kiln.append(ptr %e4.start, ptr @kiln.text.close)
  %e5 = call ptr @kiln.append.int(ptr %e4, i64 %bound)
  call void @kiln.fail(ptr %f, i32 %node, ptr %text)
  ret void
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

; A buffer in the arena.
define internal void @kiln.place(ptr %f, i32 %offset_expr, i32 %record) nounwind {
  %exprs = call ptr @kiln.slot.ptr(ptr %f, i64 7)
  %offset.at = getelementptr i64, ptr %exprs, i32 %offset_expr
  %offset = load i64, ptr %offset.at
  %arena = call ptr @kiln.slot.ptr(ptr %f, i64 6)
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

; The template is a KilnTensor with the output's layout; the host fills it in.
define internal i32 @kiln.new_output(ptr %f, ptr %step, i32 %index, i32 %record) nounwind {
entry:
  %tensor = call ptr @kiln.fill(ptr %f, ptr %step)
  %host = call ptr @kiln.slot.ptr(ptr %f, i64 0)
  %context = call ptr @kiln.slot.ptr(ptr %f, i64 1)
  %layout = load %Tensor, ptr %tensor
  %sizes = extractvalue %Tensor %layout, 1
  %strides = extractvalue %Tensor %layout, 2
  %rank = extractvalue %Tensor %layout, 3
  %dtype = extractvalue %Tensor %layout, 4
  %fn.at = getelementptr %Host, ptr %host, i64 0, i32 6
  %fn = load ptr, ptr %fn.at
  %rc = call i32 %fn(ptr %context, i32 %index, i32 %dtype, i32 %rank, ptr %sizes, ptr %strides, ptr %tensor)
  %ok = icmp eq i32 %rc, 0
  br i1 %ok, label %made, label %failed
made:
  call void @kiln.take(ptr %f, ptr %tensor, i32 %record)
  ret i32 0
failed:
  ret i32 %rc
}

; The template is a KilnTensor with the view's layout, and the view's offset
; from the base's first element.
define internal i32 @kiln.view_output(ptr %f, ptr %step, i32 %index, ptr %base, i64 %base_offset) nounwind {
  %tensor = call ptr @kiln.fill(ptr %f, ptr %step)
  %host = call ptr @kiln.slot.ptr(ptr %f, i64 0)
  %context = call ptr @kiln.slot.ptr(ptr %f, i64 1)
  %layout = load %Tensor, ptr %tensor
  %sizes = extractvalue %Tensor %layout, 1
  %strides = extractvalue %Tensor %layout, 2
  %rank = extractvalue %Tensor %layout, 3
  %offset.at = getelementptr i64, ptr %tensor, i64 7
  %offset = load i64, ptr %offset.at
  %storage_offset = add i64 %offset, %base_offset
  %fn.at = getelementptr %Host, ptr %host, i64 0, i32 7
  %fn = load ptr, ptr %fn.at
  %rc = call i32 %fn(ptr %context, i32 %index, ptr %base, i32 %rank, ptr %sizes, ptr %strides, i64 %storage_offset)
  ret i32 %rc
}

define internal i32 @kiln.view_of_input(ptr %f, ptr %step, i32 %index, ptr %call, i32 %input) nounwind {
  %inputs.at = getelementptr %Call, ptr %call, i64 0, i32 1
  %inputs = load ptr, ptr %inputs.at
  %base.at = getelementptr %Value, ptr %inputs, i32 %input, i32 2
  %base = load ptr, ptr %base.at
  %rc = call i32 @kiln.view_output(ptr %f, ptr %step, i32 %index, ptr %base, i64 0)
  ret i32 %rc
}

define internal i32 @kiln.view_of_kept(ptr %f, ptr %step, i32 %index, i32 %frame_slot) nounwind {
  %base = getelementptr i64, ptr %f, i32 %frame_slot
  %offset.at = getelementptr %Tensor, ptr %base, i64 0, i32 6
  %offset = load i64, ptr %offset.at
  %rc = call i32 @kiln.view_output(ptr %f, ptr %step, i32 %index, ptr %base, i64 %offset)
  ret i32 %rc
}

define internal i32 @kiln.scalar_output(ptr %f, ptr %step, i32 %index) nounwind {
  %value = call ptr @kiln.fill(ptr %f, ptr %step)
  %host = call ptr @kiln.slot.ptr(ptr %f, i64 0)
  %context = call ptr @kiln.slot.ptr(ptr %f, i64 1)
  %fn.at = getelementptr %Host, ptr %host, i64 0, i32 8
  %fn = load ptr, ptr %fn.at
  %rc = call i32 %fn(ptr %context, i32 %index, ptr %value)
  ret i32 %rc
}

define internal i32 @kiln.assert(ptr %f, i32 %condition_expr, i32 %node, i32 %message) nounwind {
entry:
  %exprs = call ptr @kiln.slot.ptr(ptr %f, i64 7)
  %at = getelementptr i64, ptr %exprs, i32 %condition_expr
  %value = load i64, ptr %at
  %holds = icmp ne i64 %value, 0
  br i1 %holds, label %good, label %bad
bad:
  %strings = call ptr @kiln.slot.ptr(ptr %f, i64 10)
  %text = getelementptr i8, ptr %strings, i32 %message
  call void @kiln.fail(ptr %f, i32 %node, ptr %text)
  ret i32 3
good:
  ret i32 0
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

define internal i32 @kiln.allocate(ptr %f, i32 %bytes_expr) nounwind {
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
  %f6 = getelementptr i64, ptr %f, i64 6
  store ptr %arena, ptr %f6
  %is_null = icmp eq ptr %arena, null
  br i1 %is_null, label %bad, label %good
bad:
  call void @kiln.fail(ptr %f, i32 -1, ptr @kiln.text.memory)
  ret i32 2
good:
  ret i32 0
}

define internal i32 @kiln.check_overflow(ptr %f, i1 %overflowed) nounwind {
entry:
  br i1 %overflowed, label %bad, label %good
bad:
  call void @kiln.fail(ptr %f, i32 -1, ptr @kiln.text.overflow)
  ret i32 5
good:
  ret i32 0
}

; What a call ends with, however it went: the first `num_owned` records are
; those of extern results.
define internal void @kiln.finish(ptr %f, i32 %num_owned) nounwind {
entry:
  br label %next
next:
  %i = phi i32 [ 0, %entry ], [ %i.next, %one ]
  %more = icmp ult i32 %i, %num_owned
  br i1 %more, label %one, label %memory
one:
  call void @kiln.release_result(ptr %f, i32 %i)
  %i.next = add i32 %i, 1
  br label %next
memory:
  %arena = call ptr @kiln.slot.ptr(ptr %f, i64 6)
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
; Interprets an entry program. `ops` are six i32 each: a code and its arguments,
; in the order of EntryOpcode.
define internal i32 @kiln.run(ptr %f, ptr %call, i1 %overflowed, i32 %arena_expr, ptr %ops, ptr %steps,
                              ptr %kernels) nounwind {
entry:
  %sizes.rc = call i32 @kiln.check_overflow(ptr %f, i1 %overflowed)
  %sizes.ok = icmp eq i32 %sizes.rc, 0
  br i1 %sizes.ok, label %allocate, label %failed.sizes
failed.sizes:
  ret i32 %sizes.rc
allocate:
  %arena.rc = call i32 @kiln.allocate(ptr %f, i32 %arena_expr)
  br label %next
next:
  %op = phi ptr [ %ops, %allocate ], [ %op.next, %loop ]
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
  ]
input:
  call void @kiln.input(ptr %f, ptr %call, i32 %a, i32 %b)
  br label %loop
place:
  call void @kiln.place(ptr %f, i32 %a, i32 %b)
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
loop:
  %rc.next = phi i32 [ 0, %input ], [ 0, %place ], [ 0, %share ], [ %scalar.rc, %scalar_output ],
                     [ %view.rc, %view_of_input ], [ %kept.rc, %view_of_kept ], [ %new.rc, %new_output ],
                     [ 0, %keep ], [ %launch.rc, %launch ], [ %extern.rc, %extern ], [ 0, %take_result ],
                     [ 0, %release_result ], [ 0, %release_input ], [ %assert.rc, %assert ]
  br label %next
end:
  ret i32 %rc
}
)ll";

}  // namespace kiln
