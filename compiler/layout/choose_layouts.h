// Lays values out as the operators around them like best.
//
// A library convolves images as they lie where their channels lie together (NHWC);
// others it reorders before and after every convolution. So what convolutions make
// and read lies so, and what pointwise operators and windows make between them too.
// Native code reads and writes any layout at the same price, but for the two
// kernels where a chain begins and ends, which transpose.
//
// Only layouts that nobody promised change: not those of inputs and outputs, of
// what views look at, and of what other extern operators read. So the graphs of
// training, whose activations are outputs, stay as they are. No hint is read and no
// guard is made.
//
// CPU only, and only floating-point convolutions over two dimensions.
#ifndef KILN_COMPILER_LAYOUT_CHOOSE_LAYOUTS_H_
#define KILN_COMPILER_LAYOUT_CHOOSE_LAYOUTS_H_

#include "absl/status/statusor.h"
#include "compiler/decompose/decompose.h"

namespace kiln {

struct LayoutOptions {
  // Random operators are the host's.
  bool eager_random = false;
  // Weights of windows get their channels together by a kernel in each call, since
  // the library's own loop is slower. Not where the host packs weights: it knows
  // them by their place among the inputs.
  bool move_weights = true;
};

// The same graph with other strides, and with clones where a layout begins or ends.
absl::StatusOr<Decomposed> ChooseLayouts(Decomposed given, const LayoutOptions& options = {});

}  // namespace kiln

#endif  // KILN_COMPILER_LAYOUT_CHOOSE_LAYOUTS_H_
