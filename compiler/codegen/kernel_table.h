// The kernels of a program without repetition. Layers of a network repeat, and
// so do their kernels but for the buffers and sizes that they work on: each
// kernel is rewritten over numbered parameters, and those that print alike are
// one. The slots of random instructions are parameters too: layers that drop out
// differ in nothing else. So are float constants where nothing else keeps kernels
// apart, as in layers that drop out at rates of their own.
//
// No LLVM here: the manifest is built from it too.
#ifndef KILN_COMPILER_CODEGEN_KERNEL_TABLE_H_
#define KILN_COMPILER_CODEGEN_KERNEL_TABLE_H_

#include <string>
#include <vector>

#include "compiler/loops/loop_ir.h"
#include "fake_runtime/symbolic/value_range.h"

namespace kiln {

// A buffer as a kernel's code knows it.
struct BufferParameter {
  DType dtype = DType::kFloat32;
  // Parameters of one group may share memory; those of different groups do not.
  int alias_group = 0;
  bool is_written = false;
  // Over the kernel's parameters. 0: not known.
  Expr num_elements;
};

// An integer that the entry passes to a kernel, or for a float symbol a double's bits.
struct SizeParameter {
  Expr symbol;
  ValueRange range;
};

struct UniqueKernel {
  std::string symbol;  // of its function
  // Buffer i is parameter i; symbols are those of `sizes`. A random instruction's
  // slot is its `bound`, one of them; so are the bits of a float, for a constant
  // whose `bound` is a symbol.
  Kernel kernel;
  std::vector<BufferParameter> buffers;
  std::vector<SizeParameter> sizes;
  // The program's steps that run it, and the nodes fused into them, sorted.
  std::vector<int> steps;
  std::vector<int> nodes;
  // Its body is one parallel loop; else it runs as a whole, on one thread.
  bool is_parallel = false;
  // It needs the call's own seed.
  bool is_random = false;
};

// One run of a kernel, with the program's own buffers and expressions.
struct KernelLaunch {
  int kernel = -1;  // index of the unique kernel
  std::vector<BufferId> buffers;
  std::vector<Expr> sizes;
  Expr extent;  // of the parallel loop; 1 if there is none
  Expr grain;
  Expr when;    // whether it runs in this call
  int node = -1;  // the last of its nodes, for messages
};

struct KernelTable {
  std::vector<UniqueKernel> kernels;
  // By step; kernel -1 where the step is no kernel.
  std::vector<KernelLaunch> launches;
};

KernelTable BuildKernelTable(const LoopProgram& program);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_KERNEL_TABLE_H_
