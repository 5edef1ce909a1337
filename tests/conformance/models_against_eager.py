"""Runs whole forward and backward graphs of small models through the naive twin of the compiler.

    python tests/conformance/models_against_eager.py BUILD/compiler/loops/kiln_run_graph [MODEL...]

The graphs are those of AOTAutograd with dynamic shapes, converted as the client converts them; inputs and results are
eager PyTorch's. The models keep attention in primitive operators, since the twin has no extern ones but matrix
products. Needs the `kiln` package.
"""

from __future__ import annotations

import math
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import torch
import transformers
from graph_text import DTYPES
from torch._dynamo.backends.common import aot_autograd
from torch._functorch.partitioners import min_cut_rematerialization_partition

from kiln._fx.convert import GraphRole, convert_graph
from kiln._fx.decompositions import decomposition_table

SMALL = {"vocab_size": 99, "attn_implementation": "eager"}
TOLERANCE = 1e-5


def bert() -> torch.nn.Module:
    return transformers.BertForMaskedLM(
        transformers.BertConfig(
            **SMALL, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
            max_position_embeddings=16, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        )
    )  # fmt: skip


def gpt2() -> torch.nn.Module:
    model = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            **SMALL, n_positions=16, n_embd=16, n_layer=2, n_head=2, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
            use_cache=False, bos_token_id=0, eos_token_id=0,
        )
    )  # fmt: skip
    model.loss_type = "ForCausalLM"
    return model


def llama() -> torch.nn.Module:
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            **SMALL, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            intermediate_size=32, use_cache=False,
        )
    )  # fmt: skip


MODELS: dict[str, Callable[[], torch.nn.Module]] = {"bert": bert, "gpt2": gpt2, "llama": llama}


def tensor_line(value: Any) -> str:
    if not isinstance(value, torch.Tensor):
        return "i64 0 0 0"
    t = value.detach()
    storage = torch.empty(0, dtype=t.dtype).set_(t.untyped_storage())
    words: list[Any] = [DTYPES[t.dtype], t.dim(), *t.shape, *t.stride(), t.storage_offset(), storage.numel()]
    return " ".join(str(w) for w in words) + " " + " ".join(repr(float(v)) for v in storage.tolist())


class Check:
    """A backend for aot_autograd that runs each graph twice: eagerly and in the twin."""

    def __init__(self, twin: str, model: str) -> None:
        self._twin = twin
        self._model = model
        self.worst: dict[str, float] = {}
        self.failures: list[str] = []

    def compiler(self, role: GraphRole) -> Callable[..., Any]:
        def compile_graph(gm: torch.fx.GraphModule, inputs: Any) -> Callable[..., Any]:
            converted = convert_graph(gm, role)

            def run(args: list[Any]) -> Any:
                lines = [tensor_line(a) for a in [*args, *converted.constants]]
                results = gm.forward(*args)
                self._compare(role.value, converted.module.SerializeToString(), lines, results)
                args.clear()
                return results

            run._boxed_call = True  # type: ignore[attr-defined]
            return run

        return compile_graph

    def _compare(self, graph: str, module: bytes, lines: list[str], results: Any) -> None:
        name = f"{self._model} {graph}"
        tail = f"\ninputs {len(lines)}\n" + "".join(f"{line}\n" for line in lines)
        block = f"module {len(module)}\n".encode() + module + tail.encode()
        answer = (
            subprocess.run([self._twin], input=block, capture_output=True, check=False).stdout.decode().splitlines()
        )
        if not answer or not answer[0].startswith("ok"):
            self.failures.append(f"{name}: {answer[:1] or 'it crashed'}")
            return
        worst = 0.0
        for i, (line, want) in enumerate(zip(answer[1:], results, strict=True)):
            if not isinstance(want, torch.Tensor):
                continue
            got = [float(v) for v in line.split()[1:]]
            wanted = [float(v) for v in want.detach().reshape(-1).tolist()]
            if len(got) != len(wanted):
                self.failures.append(f"{name}: result {i} has {len(got)} elements, not {len(wanted)}")
                continue
            worst = max([worst, *(distance(a, b) for a, b in zip(got, wanted, strict=True))])
        self.worst[graph] = worst
        if not worst <= TOLERANCE:
            self.failures.append(f"{name}: results differ by {worst}")


def distance(a: float, b: float) -> float:
    if a == b or (math.isnan(a) and math.isnan(b)):
        return 0.0
    return abs(a - b) / (1 + abs(b))


def main() -> int:
    warnings.simplefilter("ignore")
    twin, names = sys.argv[1], sys.argv[2:] or list(MODELS)
    failures: list[str] = []
    for name in names:
        torch.manual_seed(0)
        torch._dynamo.reset()
        check = Check(twin, name)
        backend = aot_autograd(
            fw_compiler=check.compiler(GraphRole.FORWARD),
            bw_compiler=check.compiler(GraphRole.BACKWARD),
            decompositions=decomposition_table(),
            partition_fn=min_cut_rematerialization_partition,
        )
        ids = torch.randint(0, 90, (3, 5))
        torch.compile(MODELS[name](), backend=backend, dynamic=True)(input_ids=ids, labels=ids).loss.backward()
        print(name, ", ".join(f"{graph}: {worst:.1e}" for graph, worst in check.worst.items()), flush=True)
        failures += check.failures
        if set(check.worst) != {"forward", "backward"}:
            failures.append(f"{name}: only {sorted(check.worst)} ran")
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
