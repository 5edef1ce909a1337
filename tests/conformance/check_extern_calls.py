"""Lists the extern calls that are left in recorded model graphs, and what Inductor does with the same operators.

    python tests/conformance/check_extern_calls.py LIST_EXTERN_CALLS DIR [--verbose]

DIR comes from record_model_graphs.py. An operator for which Inductor generates code, by a lowering or a decomposition
of its own, must be none of Kiln's extern calls, but for those that have a reason here.
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import subprocess
import sys
from typing import Any

import torch
from torch._inductor.decomposition import select_decomp_table
from torch._inductor.lowering import fallbacks, lowerings

# Packets that Inductor has a lowering of, which calls a library on a CPU, or for which aten's kernel is the
# better code.
LIBRARY = {
    "aten.addmm": "matrix product",
    "aten.baddbmm": "matrix product",
    "aten.bmm": "matrix product",
    "aten.convolution": "convolution",
    "aten.convolution_backward": "convolution",
    "aten.max_pool2d_with_indices_backward": "aten's kernel, vectorised over channels, is faster than loops",
    "aten.mm": "matrix product",
    "aten.sort": "sorting; Inductor's CPU code calls aten's",
    "aten.topk": "sorting; Inductor's CPU code calls aten's",
}
# Inductor's CPU code calls aten for most operators on these.
COMPLEX = {"c32", "c64", "c128"}
FILES_A_CALL = 20


def overload(name: str) -> Any:
    """`aten.mm.out` is what Kiln calls for `aten.mm.default`."""
    namespace, packet, which = name.split(".")
    found = getattr(getattr(torch.ops, namespace), packet)
    return getattr(found, "default" if which == "out" and "default" in found.overloads() else which)


def inductor_generates(name: str) -> bool:
    op = overload(name)
    return op in select_decomp_table() or (op in lowerings and op not in fallbacks)


def reason(name: str, dtypes: list[str]) -> str:
    """Why it may be extern; "" if there is no reason."""
    packet = name.rsplit(".", 1)[0]
    if COMPLEX & set(dtypes):
        return "complex numbers"
    if packet in LIBRARY:
        return LIBRARY[packet]
    return "" if inductor_generates(name) else "Inductor calls aten's too"


def calls(binary: str, directory: pathlib.Path) -> list[dict[str, Any]]:
    files = sorted(str(path) for path in directory.glob("*.pb"))
    found: list[dict[str, Any]] = []
    for start in range(0, len(files), FILES_A_CALL):
        command = [binary, *files[start : start + FILES_A_CALL]]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found += [json.loads(line) for line in output.splitlines()]
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--verbose", action="store_true", help="name every model")
    options = parser.parse_args()
    rows: dict[tuple[str, str], collections.Counter[str]] = collections.defaultdict(collections.Counter)
    whys: dict[str, str] = {}
    errors: list[str] = []
    files = {path.name for path in options.directory.glob("*.pb")}
    for call in calls(options.binary, options.directory):
        name = pathlib.Path(call["file"]).name
        if "error" in call:
            errors.append(f"{name}: {call['error']}")
            continue
        rows[call["op"], reason(call["op"], call["dtypes"])][name.split(".")[0]] += 1
        whys[call["op"]] = call["why"]
    missing = 0
    for (op, why), models in sorted(rows.items(), key=lambda row: (row[0][1] != "", -row[1].total())):
        missing += why == ""
        names = ", ".join(sorted(models)) if options.verbose or not why else f"{len(models)} models"
        kiln = f" (Kiln: {whys[op]})" if whys[op] else ""
        print(f"{models.total():6d} {op:56s} {why or 'INDUCTOR GENERATES CODE'}{kiln}; {names}")
    for error in errors:
        print(f"not lowered: {error}")
    print(f"{len(files)} graphs, {len(errors)} not lowered, {missing} operators extern where Inductor generates code")
    return 1 if missing or not files else 0


if __name__ == "__main__":
    sys.exit(main())
