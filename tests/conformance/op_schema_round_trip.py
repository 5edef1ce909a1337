"""Checks the schema parser against every ATen operator of the installed PyTorch.

    python tests/conformance/op_schema_round_trip.py BUILD/tests/conformance/print_op_schemas

Each schema goes through the parser and its printer and must come back as
PyTorch prints it. Operators with a type that no tensor graph can hold must be
refused, and no others.
"""

import subprocess
import sys

import torch

UNHOLDABLE_TYPES = ("Dict(", "QScheme", "Storage", "Stream", "__torch__")


def aten_schemas() -> list[str]:
    schemas = []
    for full_name in torch._C._dispatch_get_all_op_names():
        name, _, overload = full_name.partition(".")
        if name.startswith("aten::"):
            schemas.append(str(torch._C._get_schema(name, overload)))
    return sorted(schemas)


def main() -> int:
    schemas = aten_schemas()
    printed = subprocess.run(
        [sys.argv[1]], input="\n".join(schemas) + "\n", capture_output=True, text=True, check=True
    ).stdout.splitlines()
    if len(printed) != len(schemas):
        print(f"{len(schemas)} schemas in, {len(printed)} lines out")
        return 1
    refused = failures = 0
    for schema, line in zip(schemas, printed, strict=True):
        unholdable = any(name in schema for name in UNHOLDABLE_TYPES)
        refused += unholdable
        if line.startswith("refused: ") if unholdable else line == schema:
            continue
        failures += 1
        print(f"want {schema}\ngot  {line}")
    print(f"PyTorch {torch.__version__}: {len(schemas)} schemas, {refused} refused as they should be, {failures} wrong")
    return 1 if failures or not schemas else 0


if __name__ == "__main__":
    sys.exit(main())
