#include "compiler/artifact/kiln_abi.h"

static __thread int32_t calls __attribute__((tls_model("local-dynamic")));

int32_t kiln_entry(const KilnHost* host, KilnContext* context, const KilnCall* call) { return ++calls; }
