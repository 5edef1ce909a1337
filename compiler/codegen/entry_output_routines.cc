#include "compiler/codegen/entry_routine_texts.h"

namespace kiln {

const char kOutputRoutines[] = R"ll(
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
)ll";

}  // namespace kiln
