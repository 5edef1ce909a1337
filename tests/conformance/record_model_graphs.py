"""Writes the graphs that AOTAutograd makes of real models, and what PyTorch knows of every value.

    python tests/conformance/record_model_graphs.py OUT_DIR [--jobs N] [--modes MODE,...] [MODEL...]

Each graph becomes NAME.MODE.ROLE.pb, the module as the client sends it, and a
.json beside it: the metadata that PyTorch put on its FX nodes, and for static
graphs also what FakeTensorMode says when the graph runs under it once more.
`check_model_graphs.py` compares both to what Kiln propagates. Needs the `kiln`
package. Without MODEL, all of tests/workloads/architectures.py.

Modes: `static` and `dynamic` are a training step with fixed and with symbolic
sizes, `inference` is a call without gradients in evaluation mode, symbolic too.
"""

from __future__ import annotations

import argparse
import json
import logging
import operator
import pathlib
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from graph_text import DTYPES
from torch._dynamo.backends.common import aot_autograd
from torch._functorch.partitioners import min_cut_rematerialization_partition
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily

from kiln._fx.convert import GraphRole, convert_graph
from kiln._fx.decompositions import decomposition_table
from kiln._fx.expressions import has_text_form, print_expr

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.workloads.architectures import ARCHITECTURES, Architecture

MODES = ("static", "dynamic", "inference")
# SymPy may take forever on sizes that are all symbols; better a failure that says so.
# Of the processor's time, so that a busy machine changes nothing.
LIMIT_SECONDS = 300


def expr_text(value: Any) -> str:
    if isinstance(value, (bool, int, float)):
        return str(value)
    return str(print_expr(value.node.expr))


def describe(value: Any, storages: dict[int, int]) -> Any:
    if value is None:
        return None
    if isinstance(value, torch.Tensor):
        storage = storages.setdefault(value.untyped_storage()._cdata, len(storages))
        return {
            "dtype": DTYPES[value.dtype],
            "device": str(value.device),
            "sizes": [expr_text(s) for s in value.shape],
            "strides": [expr_text(s) for s in value.stride()],
            "offset": expr_text(value.storage_offset()),
            "storage": storage,
        }
    return {"scalar": expr_text(value)}


def is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def name_every_result(gm: torch.fx.GraphModule) -> list[torch.fx.Node]:
    """Adds the `getitem` nodes that the graph lacks, so that results which nothing uses are compared, too."""
    added = []
    for node in list(gm.graph.nodes):
        val = node.meta.get("val")
        if node.op != "call_function" or not is_list(val):
            continue
        named = {user.args[1] for user in node.users if user.target is operator.getitem}
        with gm.graph.inserting_after(node):
            for index in sorted(set(range(len(val))) - named):
                item = gm.graph.call_function(operator.getitem, (node, index))
                item.meta["val"] = val[index]
                added.append(item)
    return added


def compared_nodes(gm: torch.fx.GraphModule) -> list[torch.fx.Node]:
    """The nodes with one value; of two `getitem` nodes of one place the first, as on the wire."""
    seen: set[Any] = set()
    nodes = []
    for node in gm.graph.nodes:
        if node.op not in ("placeholder", "call_function") or is_list(node.meta.get("val")):
            continue
        if node.target is operator.getitem:
            if node.args in seen:
                continue
            seen.add(node.args)
        nodes.append(node)
    return nodes


def shape_env(gm: torch.fx.GraphModule) -> Any:
    for node in gm.graph.nodes:
        val = node.meta.get("val")
        for item in val if is_list(val) else [val]:
            for part in [*item.shape, *item.stride()] if isinstance(item, torch.Tensor) else [item]:
                if isinstance(part, torch.SymInt) and hasattr(part.node, "shape_env"):
                    return part.node.shape_env
    return None


def facts(env: Any) -> list[str]:
    """What PyTorch guards, and its replacements: other sizes must satisfy it to be worth a comparison."""
    found = [guard.expr for guard in env.guards]
    for asserts in env.deferred_runtime_asserts.values():
        found.extend(runtime_assert.expr for runtime_assert in asserts)
    return [print_expr(fact) for fact in found if fact.free_symbols and has_text_form(fact)]


class Again(torch.fx.Interpreter):
    """Runs a static graph under FakeTensorMode; `values` are what its nodes gave."""

    def __init__(self, gm: torch.fx.GraphModule, mode: FakeTensorMode) -> None:
        super().__init__(gm, garbage_collect_values=False)
        self._mode = mode
        self.values: dict[torch.fx.Node, Any] = {}

    def run_node(self, node: torch.fx.Node) -> Any:
        result = super().run_node(node)
        if isinstance(result, torch.Tensor):
            result = self._mode.from_tensor(result) if node.op == "get_attr" else result
        self.values[node] = result
        return result


def propagated(gm: torch.fx.GraphModule, nodes: list[torch.fx.Node]) -> dict[str, Any]:
    """Each input a storage of its own, as the client shows them."""
    keep_offsets = any("as_strided" in str(node.target) for node in gm.graph.nodes)
    with unset_fake_temporarily(), FakeTensorMode() as mode, torch.no_grad():
        inputs = []
        for node in gm.graph.nodes:
            if node.op != "placeholder":
                continue
            val = node.meta["val"]
            if isinstance(val, torch.Tensor):
                offset = val.storage_offset() if keep_offsets else 0
                span = offset + sum((n - 1) * s for n, s in zip(val.shape, val.stride(), strict=True)) + 1
                memory = torch.empty(span, dtype=val.dtype, device=val.device)
                val = memory.as_strided(val.shape, val.stride(), offset)
            inputs.append(val)
        again = Again(gm, mode)
        again.run(*inputs)
        storages: dict[int, int] = {}
        return {node.name: describe(again.values[node], storages) for node in nodes}


def expected(gm: torch.fx.GraphModule) -> dict[str, Any]:
    """What is known of each value, by its name on the wire; the symbols, their hints and ranges beside it."""
    nodes = compared_nodes(gm)
    storages: dict[int, int] = {}
    result: dict[str, Any] = {
        "values": {node.name: describe(node.meta.get("val"), storages) for node in nodes},
        "inputs": [node.name for node in nodes if node.op == "placeholder"],
        "targets": [str(n.target) for n in gm.graph.nodes if isinstance(n.target, torch._ops.OpOverload)],
        "hints": {},
        "lower": {},
        "facts": [],
    }
    env = shape_env(gm)
    if env is None:
        result["propagated"] = propagated(gm, nodes)
        return result
    result["hints"] = {str(k): int(v) for k, v in env.backed_var_to_val.items()}
    for symbol, bounds in env.var_to_range.items():
        if bounds.lower.is_Integer:
            result["lower"][str(symbol)] = int(bounds.lower)
    result["facts"] = facts(env)
    return result


def recorder(out_dir: pathlib.Path, name: str, role: GraphRole, counts: dict[str, int]) -> Callable[..., Any]:
    def compiler(gm: torch.fx.GraphModule, inputs: Any) -> Any:
        key = f"{name}.{role.value}"
        counts[key] = counts.get(key, 0) + 1
        stem = key if counts[key] == 1 else f"{key}.{counts[key]}"
        added = name_every_result(gm)
        try:
            (out_dir / f"{stem}.json").write_text(json.dumps(expected(gm)))
            # A graph's constants are real tensors, and the converter reads the small ones.
            with unset_fake_temporarily():
                module = convert_graph(gm, role).module
        finally:
            for node in added:
                gm.graph.erase_node(node)
        (out_dir / f"{stem}.pb").write_bytes(module.SerializeToString())
        return gm.forward

    return compiler


def loss_of(output: Any) -> torch.Tensor:
    """The model's own loss where it has one."""
    if isinstance(output, torch.Tensor):
        return output.square().mean()
    loss = output.get("loss")
    return output[0].float().square().mean() if loss is None else loss


def mark_dynamic(batch: dict[str, torch.Tensor], dimensions: dict[str, tuple[int, ...]]) -> None:
    for name, dims in dimensions.items():
        for dim in dims:
            torch._dynamo.maybe_mark_dynamic(batch[name], dim)


def compile_model(model: torch.nn.Module, backend: Any, architecture: Architecture, mode: str) -> Any:
    if mode == "static":
        return torch.compile(model, backend=backend, dynamic=False)
    return torch.compile(model, backend=backend, dynamic=True if architecture.dynamic is None else None)


def record(out_dir: pathlib.Path, name: str, mode: str) -> dict[str, int]:
    """How many graphs of each role it wrote."""
    architecture = ARCHITECTURES[name]
    counts: dict[str, int] = {}
    stem = f"{name}.{mode}"
    backend = aot_autograd(
        fw_compiler=recorder(out_dir, stem, GraphRole.FORWARD, counts),
        bw_compiler=recorder(out_dir, stem, GraphRole.BACKWARD, counts),
        inference_compiler=recorder(out_dir, stem, GraphRole.INFERENCE, counts),
        decompositions=decomposition_table(),
        partition_fn=min_cut_rematerialization_partition,
    )
    torch.manual_seed(0)
    train = mode != "inference"
    model = architecture.make().train(train)
    batch = architecture.batch()
    torch._dynamo.reset()
    torch._dynamo.config.capture_dynamic_output_shape_ops = architecture.data_dependent
    torch._dynamo.config.capture_scalar_outputs = architecture.data_dependent
    if mode != "static" and architecture.dynamic is not None:
        mark_dynamic(batch, architecture.dynamic)
    compiled = compile_model(model, backend, architecture, mode)
    if train:
        loss_of(compiled(**batch)).backward()
    else:
        with torch.no_grad():
            compiled(**batch)
    return counts


def out_of_time(signum: int, frame: Any) -> None:
    raise TimeoutError(f"more than {LIMIT_SECONDS} s of work")


def record_all(out_dir: pathlib.Path, names: list[str], modes: list[str]) -> int:
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    # FakeTensorMode's cache forgets the offset of the result of `copy`.
    torch._dynamo.config.fake_tensor_cache_enabled = False
    signal.signal(signal.SIGPROF, out_of_time)
    failed = 0
    for name in names:
        for mode in modes:
            start = time.monotonic()
            signal.setitimer(signal.ITIMER_PROF, LIMIT_SECONDS)
            try:
                counts = record(out_dir, name, mode)
                graphs = ", ".join(f"{key.split('.')[-1]} {n}" for key, n in counts.items())
                print(f"recorded {name}, {mode}: {graphs}; {time.monotonic() - start:.1f} s", flush=True)
            except Exception as error:
                failed += 1
                reason = f"{type(error).__name__}: {str(error)[:600]}"
                # The check counts it as a failure of its own.
                (out_dir / f"{name}.{mode}.failed").write_text(reason)
                print(f"{name}, {mode}: {reason}", flush=True)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("out_dir", type=pathlib.Path)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--modes", default=",".join(MODES), help="which, with commas between")
    options = parser.parse_intermixed_args()
    options.out_dir.mkdir(parents=True, exist_ok=True)
    names = options.models or list(ARCHITECTURES)
    if unknown := set(names) - ARCHITECTURES.keys():
        parser.error(f"no such models: {', '.join(sorted(unknown))}")
    modes = options.modes.split(",")
    if unknown := set(modes) - set(MODES):
        parser.error(f"no such modes: {', '.join(sorted(unknown))}")
    if options.jobs == 1:
        return 1 if record_all(options.out_dir, names, modes) else 0
    command = [sys.executable, __file__, str(options.out_dir), f"--modes={options.modes}"]
    parts = [names[i :: options.jobs] for i in range(options.jobs)]
    runs = [subprocess.Popen([*command, *part]) for part in parts if part]
    return max(run.wait() for run in runs)


if __name__ == "__main__":
    sys.exit(main())
