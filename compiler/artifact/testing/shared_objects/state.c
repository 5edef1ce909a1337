#include "compiler/artifact/kiln_abi.h"

static int32_t calls;

int32_t kiln_entry(const KilnHost* host, KilnContext* context, const KilnCall* call) { return ++calls; }
