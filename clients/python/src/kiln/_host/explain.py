"""kiln.graphs() as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


def _variant_lines(variant: dict[str, Any]) -> Iterator[str]:
    kernels = sum(kernel["launches"] for kernel in variant["kernels"])
    yield (
        f"  variant {variant['artifact'][:12]}: {variant['hits']} calls, {variant['artifact_bytes']} bytes, "
        f"{kernels} kernel launches, compiled in {variant['compile_seconds']:.2f} s for {variant['compiled_for']}"
    )
    for guard in variant["guards"]:
        yield f"    guard {guard}"
    for name, op in sorted(variant["extern_ops"].items()):
        yield f"    PyTorch serves {name} ({op['way']}) at {op['call_sites']} places"


def _graph_lines(graph: dict[str, Any]) -> Iterator[str]:
    symbols = ", ".join(f"{name} is {original}" for name, original in graph["symbols"].items())
    yield f"graph {graph['number']} ({graph['role']}): {graph['nodes']} nodes, digest {graph['graph_digest'][:12]}"
    if symbols:
        yield f"  symbols: {symbols}"
    for reason in graph["compiled_because"]:
        yield f"  compiled because: {reason}"
    if graph["eager_because"]:
        yield f"  ran eagerly: {graph['eager_because']}"
    for variant in graph["variants"]:
        yield from _variant_lines(variant)


def explain(graphs: Sequence[dict[str, Any]]) -> str:
    return "\n".join(line for graph in graphs for line in _graph_lines(graph))
