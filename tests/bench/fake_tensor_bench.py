"""FakeTensorMode: Kiln beside PyTorch, both single-threaded, in one run. Run by `make bench`.

    python tests/bench/fake_tensor_bench.py PROPAGATE_BENCH [--rounds 3] [--samples float32] [--layers 12]

PyTorch's side: an interpreter that runs the graph under FakeTensorMode without
its cache and out of its cache, the least of the rounds each; for symbolic sizes,
`make_fx(tracing_mode="symbolic")` and FakeTensorProp with a ShapeEnv of its own.
Kiln's: `Propagate` of the same graph, imported before, plus the reduction of its
guards. Both are measured in processor time, and take turns.
"""

from __future__ import annotations

import argparse
import json
import logging
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
import transformers
from op_samples_bench import bench_samples
from torch._dynamo.backends.common import aot_autograd
from torch._dynamo.source import ConstantSource
from torch._functorch.partitioners import min_cut_rematerialization_partition
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.fx.passes.fake_tensor_prop import FakeTensorProp

from kiln._fx.convert import GraphRole, convert_graph
from kiln._fx.decompositions import decomposition_table

GOALS = {"without cache": 100, "out of cache": 50, "symbolic tracing": 100, "ShapeEnv propagation": 100}
ADDS = 1334


def gpt2(layers: int) -> torch.nn.Module:
    config = transformers.GPT2Config(
        n_layer=layers, vocab_size=256, n_positions=64, n_embd=96, n_head=6, use_cache=False,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    model = transformers.GPT2LMHeadModel(config)
    model.loss_type = "ForCausalLM"
    return model


class Case:
    """A graph, real inputs for it, and the same graph for Kiln."""

    def __init__(self, name: str, gm: torch.fx.GraphModule, inputs: list[Any], kiln: list[str]) -> None:
        self.name, self.gm, self.inputs, self.kiln = name, gm, inputs, kiln
        self.nodes = sum(n.op == "call_function" and "getitem" not in str(n.target) for n in gm.graph.nodes)


def real(value: Any) -> Any:
    """A tensor without data of its own and with the hints for sizes, or an integer."""
    if not isinstance(value, torch.Tensor):
        return int(value)
    sizes, strides = [int(s) for s in value.shape], [int(s) for s in value.stride()]
    with unset_fake_temporarily():
        return torch.empty_strided(sizes, strides, dtype=value.dtype, device=value.device)


def gpt2_cases(directory: pathlib.Path, layers: int, dynamic: bool) -> list[Case]:
    cases: list[Case] = []

    def recorder(role: GraphRole) -> Callable[..., Any]:
        def compiler(gm: torch.fx.GraphModule, inputs: Any) -> Any:
            name = f"gpt2 {role.value}, {'symbolic' if dynamic else 'static'}"
            path = directory / f"{name.replace(' ', '_').replace(',', '')}.pb"
            with unset_fake_temporarily():
                path.write_bytes(convert_graph(gm, role).module.SerializeToString())
            cases.append(Case(name, gm, [real(i) for i in inputs], ["--module", str(path)]))
            return gm.forward

        return compiler

    backend = aot_autograd(
        fw_compiler=recorder(GraphRole.FORWARD),
        bw_compiler=recorder(GraphRole.BACKWARD),
        decompositions=decomposition_table(),
        partition_fn=min_cut_rematerialization_partition,
    )
    torch._dynamo.reset()
    torch.manual_seed(0)
    tokens = torch.randint(0, 256, (4, 32))
    torch.compile(gpt2(layers), backend=backend, dynamic=dynamic)(input_ids=tokens, labels=tokens).loss.backward()
    return cases


def adds_case(directory: pathlib.Path, dynamic: bool) -> Case:
    graph = torch.fx.Graph()
    x, y = graph.placeholder("x"), graph.placeholder("y")
    out = x
    for _ in range(ADDS):
        out = graph.call_function(torch.ops.aten.add.Tensor, (out, y))
    graph.output(out)
    sizes = "s0, s1" if dynamic else "64, 32"
    symbols = " symbols { s0 = 64 in [2, oo], s1 = 32 in [2, oo] }" if dynamic else ""
    lines = [f"graph adds(%x0: f32[{sizes}], %y: f32[{sizes}]){symbols} {{"]
    lines += [f"  %x{i + 1} = aten.add.Tensor(%x{i}, %y)" for i in range(ADDS)]
    kind = "symbolic" if dynamic else "static"
    path = directory / f"adds_{kind}.kiln"
    path.write_text("\n".join([*lines, f"  return (%x{ADDS})", "}", ""]))
    inputs = [torch.empty(64, 32), torch.empty(64, 32)]
    return Case(f"{ADDS} adds, {kind}", torch.fx.GraphModule({}, graph), inputs, ["--graph", str(path)])


def seconds(action: Callable[[], Any]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def run_static(case: Case, cache: bool) -> float:
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    mode.cache_enabled = cache
    fakes = [mode.from_tensor(i, static_shapes=True) if isinstance(i, torch.Tensor) else i for i in case.inputs]
    interpreter = torch.fx.Interpreter(case.gm)
    with mode:
        return seconds(lambda: interpreter.run(*fakes))


def symbolic_inputs(case: Case, mode: FakeTensorMode) -> list[Any]:
    """What make_fx does with them: every size a duck-shaped symbol."""
    env = mode.shape_env
    assert env is not None
    out: list[Any] = []
    for i, value in enumerate(case.inputs):
        source = ConstantSource(f"input{i}")
        if isinstance(value, torch.Tensor):
            out.append(mode.from_tensor(value, source=source))
        else:
            out.append(env.create_symintnode(env.create_symbol(value, source), hint=value, source=source))
    return out


def run_tracing(case: Case) -> float:
    trace = make_fx(case.gm, tracing_mode="symbolic", _allow_non_fake_inputs=True)
    return seconds(lambda: trace(*case.inputs))


def run_shape_env(case: Case) -> float:
    mode = FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True)
    inputs = symbolic_inputs(case, mode)
    prop = FakeTensorProp(case.gm, mode)
    return seconds(lambda: prop.propagate_dont_convert_inputs(*inputs))


def kiln(program: str, arguments: list[str], repeats: int) -> dict[str, Any]:
    run = subprocess.run(
        [program, *arguments, "--repeats", str(repeats)], stdout=subprocess.PIPE, text=True, check=True
    )
    result: dict[str, Any] = json.loads(run.stdout)
    return result


def bench(program: str, case: Case, dynamic: bool, rounds: int) -> bool:
    kinds: dict[str, Callable[[], float]]
    if dynamic:
        kinds = {"symbolic tracing": lambda: run_tracing(case), "ShapeEnv propagation": lambda: run_shape_env(case)}
    else:
        kinds = {"without cache": lambda: run_static(case, False), "out of cache": lambda: run_static(case, True)}
        run_static(case, True)
    best: dict[str, float] = {}
    ours: list[dict[str, Any]] = []
    for _ in range(rounds):
        for name, action in kinds.items():
            ours.append(kiln(program, case.kiln, 10))
            best[name] = min(best.get(name, 1e9), action())
    least = min(row["min_us"] + row["guards_min_us"] for row in ours)
    median = sorted(row["median_us"] + row["guards_min_us"] for row in ours)[len(ours) // 2]
    last = ours[-1]
    print(
        f"  {case.name:26} kiln {least / last['nodes']:7.2f} us/node (median {median / last['nodes']:.2f}), "
        f"{last['nodes']} nodes, {last['guards']} guards, {last['bytes_kept'] / last['nodes']:.0f} bytes/node, "
        f"{last['allocations'] / last['nodes']:.1f} allocations/node"
    )
    return report(best, case.nodes, least / last["nodes"])


def report(best: dict[str, float], nodes: int, ours: float) -> bool:
    good = True
    for name, took in best.items():
        theirs = took * 1e6 / nodes
        met = theirs / ours >= GOALS[name]
        good &= met
        print(
            f"  {'':26}   PyTorch {name:22} {theirs:8.1f} us/node  ratio {theirs / ours:7.1f}"
            f"  goal {GOALS[name]} {'met' if met else 'MISSED'}",
            flush=True,
        )
    return good


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--samples", default="float32", help="the dtype of OpInfo's samples; empty for none")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    torch.set_num_threads(1)
    print("fake tensors: propagation a node, Kiln beside PyTorch; ratios over 1: Kiln is faster", flush=True)
    good = True
    with tempfile.TemporaryDirectory() as temporary:
        directory = pathlib.Path(temporary)
        for dynamic in (False, True):
            for case in [*gpt2_cases(directory, options.layers, dynamic), adds_case(directory, dynamic)]:
                good &= bench(options.program, case, dynamic, options.rounds)
        if options.samples:
            for name, best, nodes, ours in bench_samples(options.samples, directory, options.program):
                print(f"  {name:26} kiln {ours:7.2f} us/node, {nodes} calls")
                good &= report(best, nodes, ours)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
