"""`python -m kiln.warm model.py`: has a server compile what a program will need, before the program runs.

A module says what that is in a function:

    def kiln_warm():
        model = Transformer()
        yield model, (torch.randn(8, 128),)                         # sizes as they are
        yield model, (torch.randn(8, 128),), {0: [0]}               # dimension 0 of argument 0 is dynamic
        yield model, (torch.randn(8, 128),), {}, {"dynamic": True}  # arguments of torch.compile
        with torch.no_grad():
            yield model, (torch.randn(1, 128),)                     # inference

Each model is compiled for its inputs as `torch.compile(model, backend="kiln")` would, and called once, so that what
comes behind a graph break is compiled as well. The function runs in a FakeTensorMode: tensors that it makes have no
data, take no memory, and nothing is computed with them. It needs no accelerator, and not the processor that it
compiles for. Tensors from elsewhere are taken as they are.

Graphs are compiled for each --target: `native` (this machine) or ARCH[:FEATURE,...], with LLVM's names of features.
Those that Kiln does not compile are named, and run eagerly in the program too. `kiln warm` starts this, and writes what
came of it into a bundle.
"""

from __future__ import annotations

import argparse
import pathlib
import runpy
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from kiln._wire.errors import KilnError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kiln.warm", description="Compile what a module's kiln_warm() yields."
    )
    parser.add_argument("modules", nargs="+", metavar="MODULE.py")
    parser.add_argument("--target", action="append", default=[], help="native, or ARCH[:FEATURE,...]; may be repeated")
    parser.add_argument("--list", metavar="FILE", help="write the artifacts' digests there, 64 hex digits a line")
    return parser


def cases_of(path: str) -> Iterable[Any]:
    """What the file's kiln_warm() yields. KilnError OPTION_INVALID if it has none."""
    entry = runpy.run_path(path, run_name="kiln_warm").get("kiln_warm")
    if not callable(entry):
        raise KilnError("OPTION_INVALID", f"{path} defines no kiln_warm()")
    cases: Iterable[Any] = entry()
    return cases


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    # PyTorch is imported here, so that --help need not wait for it.
    from kiln._host.warming import Warming

    try:
        warming = Warming(given.target or ["native"])
        for path in given.modules:
            folder = str(pathlib.Path(path).resolve().parent)
            if folder not in sys.path:
                # As if it were run.
                sys.path.insert(0, folder)
            warming.warm(lambda path=path: cases_of(path), path)  # type: ignore[misc]
    except (KilnError, FileNotFoundError) as error:
        print(f"kiln.warm: {error}", file=sys.stderr)
        return 1
    if not warming.graphs:
        print("kiln.warm: no kiln_warm() yielded anything to compile", file=sys.stderr)
        return 1
    for reason in warming.refused:
        print(f"kiln.warm: runs eagerly: {reason}", file=sys.stderr)
    if given.list:
        pathlib.Path(given.list).write_text("".join(f"{digest.hex()}\n" for digest in warming.artifacts))
    print(f"{warming.graphs} graphs, {len(warming.artifacts)} artifacts, {len(warming.refused)} refused")
    return 0 if warming.artifacts or not warming.refused else 1


if __name__ == "__main__":
    sys.exit(main())
