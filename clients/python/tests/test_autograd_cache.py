"""AOTAutograd's cache with Kiln's graphs: a second process neither traces nor converts nor compiles.

A process that starts anew is played by forgetting what Dynamo compiled: what remains is on disk and in the server.
tests/e2e/test_sharing.py does it with processes.
"""

from __future__ import annotations

import pathlib
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import torch
from conftest import Server
from test_backend import MODELS, _convolutions
from torch import nn
from torch._dynamo.utils import counters

import kiln


class Since:
    """What was counted since this was made."""

    def __init__(self) -> None:
        self._before = kiln.stats()
        counters.clear()

    def __getitem__(self, name: str) -> int:
        return int(kiln.stats()[name] - self._before[name])

    @property
    def conversions(self) -> float:
        return float(_seconds("convert") - self._before["seconds_by_stage"].get("convert", 0.0))

    @property
    def hits(self) -> int:
        return int(counters["aot_autograd"]["autograd_cache_hit"])


def _seconds(stage: str) -> float:
    return float(kiln.stats()["seconds_by_stage"].get(stage, 0.0))


def _compiled_again(run: Any, **arguments: Any) -> Any:
    """As the next process would."""
    torch._dynamo.reset()
    return torch.compile(run, backend="kiln", **arguments)


# With symbolic sizes Dynamo analyses a batch norm twice, and in one process it names the symbols anew the next time;
# processes agree on the names.
CACHED = [(make, dynamic) for make in MODELS for dynamic in (True, False) if not (dynamic and make is _convolutions)]


@pytest.mark.parametrize(("make", "dynamic"), CACHED)
def test_a_second_compile_traces_nothing(
    on_server: Server, eager_calls: Any, make: Callable[[], tuple[nn.Module, torch.Tensor]], dynamic: bool
) -> None:
    model, x = make()
    gradients: list[list[torch.Tensor]] = []
    for turn in range(2):
        since = Since()
        model.zero_grad()
        _compiled_again(model, dynamic=dynamic)(x).square().mean().backward()
        gradients.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
        assert since["autograd_cache_hits"] == (2 if turn else 0)
        assert since.hits == turn
        assert (since.conversions > 0.0) == (turn == 0)
        assert since["compiles"] == 0 if turn else True
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0.0, atol=0.0)
    assert eager_calls() == 0


def test_a_graph_with_an_effect_is_not_kept(on_server: Server, eager_calls: Any) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return torch.linalg.solve(x, x[0])

    x = torch.eye(3) + 0.25
    for _ in range(2):
        since = Since()
        torch.testing.assert_close(_compiled_again(run)(x), run(x))
        assert since["autograd_cache_hits"] == 0
    assert eager_calls() == 0


def test_inference_with_constants_and_views(on_server: Server, eager_calls: Any) -> None:
    def run(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        table = torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 4.0], [5.0, 6.0, 0.0]])
        return table @ x, x[1:], x.split(2)[1] * 2, x

    x = torch.randn(3, 3)
    for turn in range(2):
        since = Since()
        results = _compiled_again(run)(x)
        torch.testing.assert_close(results, run(x))
        assert results[1].data_ptr() == x[1:].data_ptr()
        assert results[3] is x
        assert since["autograd_cache_hits"] == turn
    assert eager_calls() == 0


def test_other_sizes_are_asked_about_without_tracing(on_server: Server, eager_calls: Any) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return (x + 1.0).relu().softmax(-1)

    options = {"specialize_divisible": True}
    for width in (64, 64, 50):
        compiled, since = _compiled_again(run, dynamic=True, options=options), Since()
        x = torch.randn(4, width)
        torch.testing.assert_close(compiled(x), run(x))
    assert since["autograd_cache_hits"] + since.hits == 2
    assert eager_calls() == 0


def test_entries_of_other_options_are_others(on_server: Server) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return x.sin() + 1.0

    x = torch.randn(5)
    _compiled_again(run)(x)
    for options, hits in (({"check_bounds": True}, 0), ({"check_bounds": True}, 1), ({}, 1)):
        since = Since()
        torch.testing.assert_close(_compiled_again(run, options=options)(x), run(x))
        assert since["autograd_cache_hits"] == hits


def test_another_backend_does_not_get_them(on_server: Server) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return x.cos() * 3.0

    x = torch.randn(5)
    _compiled_again(run)(x)
    torch._dynamo.reset()
    since = Since()
    torch.testing.assert_close(torch.compile(run, backend="inductor")(x), run(x))
    assert since["autograd_cache_hits"] == 0
    assert since.hits == 0


def _other_server(folder: pathlib.Path, binary: pathlib.Path) -> tuple[subprocess.Popen[str], Server]:
    command = [str(binary), "serve", f"--listen=unix:{folder}/socket", f"--data={folder}/data", "--metrics", ""]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("kiln: serving on")
    return process, Server(f"unix:{folder}/socket", folder / "data")


def test_a_server_that_lost_the_artifact_compiles_what_was_kept(
    on_server: Server, eager_calls: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kiln._wire.embedded_server import find_binary

    def run(x: torch.Tensor) -> torch.Tensor:
        return x.exp().sum(-1) + 7.0

    x = torch.randn(4, 9)
    _compiled_again(run)(x)
    process, other = _other_server(tmp_path, pathlib.Path(find_binary()))
    try:
        monkeypatch.setenv("KILN_ADDRESS", other.address)
        monkeypatch.setenv("KILN_TRUSTED_KEYS", other.trusted_keys)
        since = Since()
        torch.testing.assert_close(_compiled_again(run)(x), run(x))
        assert (since["autograd_cache_hits"], since["compiles"], since.conversions) == (1, 1, 0.0)
        assert eager_calls() == 0
    finally:
        process.terminate()
        process.wait(timeout=30)
    # Without any server the entry is a miss, and the graph runs eagerly.
    since = Since()
    with pytest.warns(kiln._host.fallback.KilnWarning):
        torch.testing.assert_close(_compiled_again(run)(x), run(x))
    assert (since["autograd_cache_hits"], since["autograd_cache_misses"]) == (0, 1)
    assert since.conversions > 0.0


def test_what_runs_eagerly_is_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("KILN_ADDRESS", f"unix:{tmp_path}/nobody")
    monkeypatch.setenv("KILN_TRUSTED_KEYS", str(tmp_path / "no_keys"))

    def run(x: torch.Tensor) -> torch.Tensor:
        return x.tan()

    x = torch.randn(5)
    for _ in range(2):
        since = Since()
        torch.testing.assert_close(_compiled_again(run)(x), run(x))
        assert since["autograd_cache_hits"] + since["autograd_cache_misses"] == 0


def test_an_entry_whose_variant_does_not_fit_runs_rebuilt_without_a_server(
    on_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    from kiln._wire.embedded_server import find_binary

    def run(x: torch.Tensor, n: int) -> torch.Tensor:
        left, right = (x + n).split((2, x.shape[1] - 2), dim=1)
        return left.amax(-1) + right.amax(-1) + x.sum(-1)

    process, other = _other_server(tmp_path, pathlib.Path(find_binary()))
    monkeypatch.setenv("KILN_ADDRESS", other.address)
    monkeypatch.setenv("KILN_TRUSTED_KEYS", other.trusted_keys)
    options = {"specialize_divisible": True}
    x, odd = torch.randn(4, 64), torch.randn(4, 51)
    _compiled_again(run, dynamic=True, options=options)(x, 3)
    since = Since()
    compiled = _compiled_again(run, dynamic=True, options=options)
    compiled(x, 3)
    assert since["autograd_cache_hits"] == 1
    process.terminate()
    process.wait(timeout=30)
    torch.testing.assert_close(compiled(odd, 5), run(odd, 5))
    assert (since["guard_misses"], since["eager_calls"]) == (1, 1)


def test_pytorchs_switch_turns_it_off(on_server: Server) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return x.sinh()

    x = torch.randn(5)
    with torch._functorch.config.patch(enable_autograd_cache=False):
        for _ in range(2):
            since = Since()
            torch.testing.assert_close(_compiled_again(run)(x), run(x))
            assert since["autograd_cache_hits"] == 0
            assert since.conversions > 0.0
