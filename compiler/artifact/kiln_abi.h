/* The kernel ABI: what compiled code and the host that runs it say to each
 * other. Plain C; the only thing they share. docs/abi.md tells it in prose.
 *
 * An artifact exports one function, KILN_ENTRY_SYMBOL of type KilnEntry, and
 * imports nothing. The host gives it a KilnHost table, a
 * KilnCall with the inputs, and reads the outputs from it.
 *
 * Rules: structs only grow at the end and start with their size where a host
 * makes them; no exception crosses; functions return 0 or a KILN_ERROR_*; the
 * entry is reentrant and keeps no state.
 */
#ifndef KILN_COMPILER_ARTIFACT_KILN_ABI_H_
#define KILN_COMPILER_ARTIFACT_KILN_ABI_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KILN_ABI_VERSION 1
#define KILN_ENTRY_SYMBOL "kiln_entry"
#define KILN_MANIFEST_SECTION ".kiln.manifest"
#define KILN_MAX_RANK 64

/* Status of an entry or a callback. */
#define KILN_OK 0
#define KILN_ERROR_HOST 1       /* a host callback failed; the host knows why */
#define KILN_ERROR_MEMORY 2     /* allocate returned NULL */
#define KILN_ERROR_ASSERT 3     /* a runtime assert of the graph does not hold */
#define KILN_ERROR_INDEX 4      /* an index is out of range */
#define KILN_ERROR_OVERFLOW 5   /* a size does not fit */

/* A tensor as compiled code sees it. dtype: ScalarType ids of the export schema
 * (see graph.proto). Sizes and strides in elements. data points at the element
 * with index 0 in every dimension: the storage offset is added already. */
typedef struct KilnTensor {
  void* data;
  const int64_t* sizes;
  const int64_t* strides;
  int32_t rank;
  int32_t dtype;
  /* The storage's first byte, and the offset of `data` from it in elements. */
  void* storage;
  int64_t storage_offset;
  /* The host's own handle for this tensor, or NULL for memory of the code's. */
  void* handle;
} KilnTensor;

typedef enum KilnValueKind {
  KILN_VALUE_NONE = 0,
  KILN_VALUE_TENSOR = 1,
  KILN_VALUE_INT = 2,
  KILN_VALUE_FLOAT = 3,
  KILN_VALUE_BOOL = 4,
  KILN_VALUE_DTYPE = 5,         /* i: as KilnTensor.dtype */
  KILN_VALUE_STRING = 6,
  KILN_VALUE_LIST = 7,
  KILN_VALUE_DEVICE = 8,        /* s: "cpu"; the index is in i, -1 for none */
  KILN_VALUE_LAYOUT = 9,        /* i: export schema's id */
  KILN_VALUE_MEMORY_FORMAT = 10 /* i: export schema's id */
} KilnValueKind;

/* An argument of an extern op, in the order of the op's schema. */
typedef struct KilnValue {
  int32_t kind;   /* KilnValueKind */
  int32_t count;  /* of a list, or bytes of a string */
  union {
    int64_t i;
    double f;
    const KilnTensor* tensor;
    const char* s;
    const struct KilnValue* list;
  } u;
} KilnValue;

/* Device, stream and process groups of a call, and where the host keeps its own
 * things. Opaque to the code. */
typedef struct KilnContext KilnContext;

/* An extern op as the host serves it. `index` is the op's place in the
 * manifest's extern_ops.
 *
 * Into ops (`into` in the manifest): outs[k].data is memory of the code's, and
 * the op writes there.
 * Owning ops: outs[k].data is NULL on entry, and dtype, rank, sizes and strides
 * say what the code was compiled for; dtype 0 means that the code does not want
 * this result. The host fills outs[k] (all of it, handle included; sizes and
 * strides live as long as the handle) and owns the result until
 * release_result(handle). A result of another dtype or size fails the call; one
 * of other strides is copied by the host into the strides asked for. A size of -1 is
 * not known to the code: any is taken, and strides[d] of such a result, which is
 * dense, says how many dimensions lie within dimension d.
 *
 * A tensor argument is a window: `data`, sizes and strides say what the op sees,
 * whatever `handle` says. */
typedef int32_t (*KilnExternFn)(KilnContext* context, int32_t index,
                                const KilnValue* args, int32_t num_args,
                                KilnTensor* outs, int32_t num_outs);

/* One range [begin, end) of a parallel loop. */
typedef void (*KilnRangeFn)(void* closure, int64_t begin, int64_t end);

typedef struct KilnHost {
  uint64_t struct_bytes; /* sizeof(KilnHost) of the host */
  uint32_t abi_version;
  uint32_t num_extern_ops;
  /* num_extern_ops functions, in the manifest's order. */
  const KilnExternFn* extern_ops;

  /* Memory for temporaries, 64-byte aligned. NULL on failure. `device` is
   * renumbered by first use; 0 is the graph's first. */
  void* (*allocate)(KilnContext*, int32_t device, uint64_t bytes);
  void (*free)(KilnContext*, int32_t device, void* memory);

  /* Makes output `index`: a tensor of the host's with these sizes and strides
   * (elements), uninitialised. Fills `out`. */
  int32_t (*new_output)(KilnContext*, int32_t index, int32_t dtype,
                        int32_t rank, const int64_t* sizes,
                        const int64_t* strides, KilnTensor* out);
  /* Makes output `index` a view of `base` (an input or an owned result) with
   * these sizes, strides and storage offset (elements, from the storage). */
  int32_t (*view_output)(KilnContext*, int32_t index, const KilnTensor* base,
                         int32_t rank, const int64_t* sizes,
                         const int64_t* strides, int64_t storage_offset);
  /* Symbolic scalars, and None. */
  int32_t (*scalar_output)(KilnContext*, int32_t index, const KilnValue* value);

  /* Input `index` is not read any more. The host may free it. */
  void (*release_input)(KilnContext*, int32_t index);
  /* A result of an owning extern op is not needed any more. */
  void (*release_result)(KilnContext*, void* handle);

  /* Calls fn on ranges that partition [begin, end), each at least `grain` long
   * but for the last, on several threads. Returns when all are done. */
  void (*parallel_for)(KilnContext*, int64_t begin, int64_t end, int64_t grain,
                       KilnRangeFn fn, void* closure);

  /* A seed for random operators, new on every call of the entry. */
  uint64_t (*random_seed)(KilnContext*);

  /* Says what failed: a canonical node id (-1: none) and a message. */
  void (*set_error)(KilnContext*, int32_t node, const char* message);

  /* NULL, or called around each kernel; `kernel` is its place in the manifest. */
  void (*kernel_begin)(KilnContext*, int32_t kernel);
  void (*kernel_end)(KilnContext*, int32_t kernel);
} KilnHost;

/* Outputs of the manifest's KIND_INPUT and KIND_NONE are the host's business: the
 * code makes every other one by exactly one call of new_output, view_output or
 * scalar_output. A view of another output has that output's tensor as base.
 *
 * inputs: num_inputs values in graph order: tensors, or KILN_VALUE_INT.
 * symbols: values of the manifest's symbols, in its order. The caller has
 * evaluated the guards and compared the tensors' metadata with the manifest. */
typedef struct KilnCall {
  uint64_t struct_bytes;
  const KilnValue* inputs;
  int32_t num_inputs;
  int32_t num_outputs;
  const int64_t* symbols;
} KilnCall;

typedef int32_t (*KilnEntry)(const KilnHost* host, KilnContext* context,
                             const KilnCall* call);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* KILN_COMPILER_ARTIFACT_KILN_ABI_H_ */
