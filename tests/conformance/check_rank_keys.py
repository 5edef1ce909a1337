"""One key for the sixteen ranks of a job, from FX graphs that differ in device indices and process groups alone.

    python tests/conformance/check_rank_keys.py DIGEST_MODULES

Each rank traces its step on a device and with groups of its own, with PyTorch's functional collectives; the graphs go
the client's way to the wire. What is different in more than names must have another key.
"""

from __future__ import annotations

import dataclasses
import pathlib
import subprocess
import sys
import tempfile

import torch
import torch.distributed._functional_collectives
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

from kiln._fx.convert import GraphRole, convert_graph

RANKS = 16
COLLECTIVES = (
    torch.ops._c10d_functional.all_gather_into_tensor.default,
    torch.ops._c10d_functional.all_reduce.default,
    torch.ops._c10d_functional.reduce_scatter_tensor.default,
    torch.ops._c10d_functional.wait_tensor.default,
)


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a rank is."""

    device: str
    other_device: str
    data_group: str
    tensor_group: str


def module_of(place: Place) -> bytes:
    """The wire graph of one rank's step."""
    c10d = torch.ops._c10d_functional

    def step(x: torch.Tensor, w: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, ...]:
        part = c10d.wait_tensor(c10d.all_reduce(x @ w, "sum", place.tensor_group))
        mask = torch.ones(4, 8, device=place.device)
        whole = c10d.wait_tensor(c10d.all_gather_into_tensor(part * mask, 2, place.data_group))
        shard = c10d.wait_tensor(c10d.reduce_scatter_tensor(whole, "avg", 2, place.data_group))
        return shard, y.relu() + torch.zeros(3, device=place.other_device)

    with FakeTensorMode():
        inputs = (
            torch.empty(4, 8, device=place.device),
            torch.empty(8, 8, device=place.device),
            torch.empty(3, device=place.other_device),
        )
        graph = make_fx(step)(*inputs)
    return convert_graph(graph, GraphRole.INFERENCE).module.SerializeToString()


def digests(binary: str, modules: list[bytes]) -> list[str]:
    """A line for each: both digests and the canonical text."""
    with tempfile.TemporaryDirectory() as folder:
        schemas = pathlib.Path(folder) / "schemas"
        # PyTorch takes a group by its name or as an object; graphs have names.
        schemas.write_text("".join(f"{op._schema}\n".replace("Any group_name", "str group_name") for op in COLLECTIVES))
        paths = []
        for number, module in enumerate(modules):
            paths.append(pathlib.Path(folder) / f"{number}.pb")
            paths[-1].write_bytes(module)
        done = subprocess.run([binary, str(schemas), *map(str, paths)], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()


def rank_place(rank: int) -> Place:
    """Two groups of each kind, with names as different as they get, and every device once."""
    return Place(f"cuda:{rank}", f"cuda:{(rank + 5) % RANKS}", f"dp_{rank % 8}", f"mesh[tp]:{rank // 2}")


def main() -> int:
    binary = sys.argv[1]
    modules = [module_of(rank_place(rank)) for rank in range(RANKS)]
    assert len(set(modules)) == RANKS, "the graphs do not differ, so that nothing is tested"
    keys = digests(binary, modules)
    if len(set(keys)) != 1:
        print("the ranks of one job have several keys:", *sorted(set(keys)), sep="\n")
        return 1
    text = keys[0].split(" ", 2)[2]
    for name in ("cuda:0", "cuda:1", "group0", "group1"):
        assert name in text, f"{name} is not in {text}"

    place = rank_place(3)
    others = {
        "one device": dataclasses.replace(place, other_device=place.device),
        "one group": dataclasses.replace(place, data_group=place.tensor_group),
        "a device of another type": dataclasses.replace(place, other_device="cpu"),
        "a device without an index": dataclasses.replace(place, other_device="meta"),
    }
    for what, key in zip(others, digests(binary, [module_of(other) for other in others.values()]), strict=True):
        if key.split()[:2] == keys[0].split()[:2]:
            print(f"{what} has the key of two")
            return 1
    print(f"{RANKS} ranks, 1 key; {len(others)} other placements, other keys")
    return 0


if __name__ == "__main__":
    sys.exit(main())
