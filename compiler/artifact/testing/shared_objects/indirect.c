#include "compiler/artifact/kiln_abi.h"

static int32_t Chosen(const KilnHost* host, KilnContext* context, const KilnCall* call) { return KILN_OK; }

// The loader calls it when someone asks for the symbol.
static KilnEntry Choose(void) { return Chosen; }

int32_t kiln_entry(const KilnHost* host, KilnContext* context, const KilnCall* call)
    __attribute__((ifunc("Choose")));
