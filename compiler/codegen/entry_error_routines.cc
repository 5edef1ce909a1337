#include "compiler/codegen/entry_routine_texts.h"

namespace kiln {

const char kErrorRoutines[] = R"ll(
@kiln.text.index = private constant [7 x i8] c"index \00"
@kiln.text.range = private constant [23 x i8] c" is out of range [-B, \00"
@kiln.text.close = private constant [8 x i8] c"), B = \00"
@kiln.text.memory = private constant [35 x i8] c"the host gave no memory for arrays\00"
@kiln.text.overflow = private constant [41 x i8] c"a size of the graph does not fit 64 bits\00"

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

define internal i32 @kiln.check_overflow(ptr %f, i1 %overflowed) nounwind {
entry:
  br i1 %overflowed, label %bad, label %good
bad:
  call void @kiln.fail(ptr %f, i32 -1, ptr @kiln.text.overflow)
  ret i32 5
good:
  ret i32 0
}
)ll";

}  // namespace kiln
