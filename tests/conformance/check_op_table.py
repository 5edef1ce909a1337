"""Compares every row of the op table to the installed PyTorch: schema, tags, and that all core operators are there.

python tests/conformance/check_op_table.py REPLAY_GRAPHS
"""

from __future__ import annotations

import re
import sys

import torch
from replay_program import read_rows
from symbolic_call import overload


def expected_tags(op: torch._ops.OpOverload) -> set[str]:
    schema = str(op._schema)
    tags = {str(tag).removeprefix("torch.").removeprefix("Tag.") for tag in op.tags}
    shared = "core pointwise nondeterministic_seeded dynamic_output_shape data_dependent_output inplace_view"
    out = tags & set(shared.split())
    if re.search(r"\([a-z]\)", schema.rsplit("->", 1)[1]):
        out.add("view")
    # An assertion has no written argument, but must not be dropped either.
    checks = ("aten._assert", "aten.sym_constrain", "aten._linalg_check_errors")
    if re.search(r"\([a-z]!\)", schema) or str(op).startswith(checks):
        out.add("effect")
    if str(op).startswith("aten.sym_"):
        out.add("symbolic")
    return out


def main() -> int:
    rows = read_rows(sys.argv[1])
    wrong = core = compared = 0
    for name, row in rows.items():
        if name.startswith(("kiln.", "sym.")):
            continue
        compared += 1
        op = overload(name)
        core += torch.Tag.core in op.tags
        if row.schema != str(op._schema):
            wrong += 1
            print(f"want {op._schema}\ngot  {row.schema}")
        if row.tags != expected_tags(op):
            wrong += 1
            print(f"{name}: want tags {sorted(expected_tags(op))}, got {sorted(row.tags)}")
    all_core = 0
    for full in torch._C._dispatch_get_all_op_names():
        name, _, which = full.partition(".")
        if not name.startswith("aten::"):
            continue
        try:
            op = getattr(getattr(torch.ops.aten, name[6:]), which or "default")
        except AttributeError:
            continue
        all_core += torch.Tag.core in op.tags
    print(
        f"{len(rows)} rows, {compared} compared to PyTorch {torch.__version__}: {wrong} wrong; "
        f"{core} of {all_core} core"
    )
    return 1 if wrong or core != all_core else 0


if __name__ == "__main__":
    sys.exit(main())
