"""Random numbers: drawn again in the backward as in the forward, by torch.manual_seed, and eager's if asked for."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from captured import capture
from conftest import Server
from torch import nn
from torch._higher_order_ops.while_loop import while_loop
from torch.utils.checkpoint import checkpoint

import kiln
from kiln._fx.convert import ConvertedGraph, GraphRole, convert_graph
from kiln._fx.random_states import is_own_state
from kiln._host import backend, compiled_graph
from kiln._host.fallback import KilnWarning
from kiln._wire.errors import UnconvertibleNode

Region = Callable[[torch.Tensor], torch.Tensor]

# Each gives x times numbers that were drawn: of ones the result is the gradient of its sum too.
REGIONS: dict[str, Region] = {
    "dropout": lambda x: nn.functional.dropout(x, 0.3),
    "rand": lambda x: x * torch.rand(x.shape, dtype=x.dtype),
    "randn": lambda x: x * torch.randn(x.shape, dtype=x.dtype),
    "rand_like": lambda x: x * torch.rand_like(x),
    "randn_like": lambda x: x * torch.randn_like(x),
    "randint": lambda x: x * torch.randint(1, 100, x.shape),
    "randint_like": lambda x: x * torch.randint_like(x, 1, 100),
    "bernoulli": lambda x: x * torch.bernoulli(torch.full_like(x, 0.6)),
    "bernoulli_": lambda x: x * torch.empty_like(x).bernoulli_(0.6),
    "uniform_": lambda x: x * torch.empty_like(x).uniform_(2.0, 5.0),
    "normal_": lambda x: x * torch.empty_like(x).normal_(1.0, 2.0),
    "normal": lambda x: x * torch.normal(torch.zeros_like(x), 2.0),
}

EVERY_REGION = pytest.mark.parametrize("name", REGIONS)


def _checkpointed(region: Region) -> Region:
    def run(x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = checkpoint(region, x, use_reentrant=False)
        return out

    return run


def _step(run: Region, x: torch.Tensor, seed: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """The result and the gradient of its sum."""
    if seed is not None:
        torch.manual_seed(seed)
    x = x.detach().requires_grad_()
    out = run(x)
    (gradient,) = torch.autograd.grad(out.sum(), x)
    return out.detach(), gradient


def _targets(converted: ConvertedGraph) -> list[str]:
    return [node.target for node in converted.module.graphs[0].nodes]


# States of our own.


@EVERY_REGION
def test_the_forward_saves_a_state_and_the_backward_draws_from_it(name: str) -> None:
    graphs = capture(_checkpointed(REGIONS[name]), torch.ones(4, 9, requires_grad=True))
    forward, backward = graphs[GraphRole.FORWARD], graphs[GraphRole.BACKWARD]
    assert _targets(forward).count("kiln.get_rng_state.default") == 1
    assert forward.saves_random_states
    states = [t for t in _targets(backward) if t.startswith("kiln.")]
    assert states == ["kiln.get_rng_state.default", "kiln.set_rng_state.default", "kiln.set_rng_state.default"]
    assert len(backward.random_states) == 1


@EVERY_REGION
@pytest.mark.parametrize("dynamic", [True, False])
def test_the_backward_draws_what_the_forward_drew(
    on_server: Server, eager_calls: Any, name: str, dynamic: bool
) -> None:
    run = torch.compile(_checkpointed(REGIONS[name]), backend="kiln", dynamic=dynamic)
    x = torch.ones(7, 33)
    first, first_gradient = _step(run, x, seed=5)
    second, second_gradient = _step(run, x)
    again, again_gradient = _step(run, x, seed=5)
    assert torch.equal(first, first_gradient)
    assert torch.equal(second, second_gradient)
    assert torch.equal(again, again_gradient)
    assert not torch.equal(first, second)
    assert torch.equal(first, again)
    assert first.unique().numel() > 1
    assert eager_calls() == 0


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_dtypes_draw_again_too(on_server: Server, eager_calls: Any, dtype: torch.dtype) -> None:
    for name in ("dropout", "randn_like", "rand"):
        run = torch.compile(_checkpointed(REGIONS[name]), backend="kiln", dynamic=False)
        out, gradient = _step(run, torch.ones(5, 21, dtype=dtype), seed=1)
        assert torch.equal(out, gradient), name
    assert eager_calls() == 0


def test_a_seed_is_more_than_the_bits_of_a_float(on_server: Server) -> None:
    run = torch.compile(_checkpointed(REGIONS["dropout"]), backend="kiln", dynamic=False)
    seeds = []

    def pack(saved: torch.Tensor) -> torch.Tensor:
        if saved.dtype == torch.uint8 and is_own_state(saved):
            seeds.append(int.from_bytes(bytes(saved[:8].tolist()), "little"))
        return saved

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda saved: saved):
        for _ in range(8):
            run(torch.ones(3, 3, requires_grad=True))
    assert len(set(seeds)) == 8
    assert all(seed & 0xFFFFFFFF for seed in seeds)


def test_every_layer_has_numbers_of_its_own(on_server: Server, eager_calls: Any) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        parts = [checkpoint(REGIONS[name], x, use_reentrant=False) for name in ("dropout", "rand_like", "dropout")]
        return torch.stack([*parts, REGIONS["rand"](x)])

    compiled = torch.compile(run, backend="kiln", dynamic=False)
    parts, gradient = _step(compiled, torch.ones(6, 40), seed=3)
    torch.testing.assert_close(gradient, parts.sum(0))
    assert all(not torch.equal(a, b) for a, b in ((parts[0], parts[2]), (parts[1], parts[3])))
    assert eager_calls() == 0


def test_a_gradient_is_that_of_the_numbers_that_were_drawn(on_server: Server, eager_calls: Any) -> None:
    torch.manual_seed(0)
    first, second = nn.Linear(16, 64), nn.Linear(64, 16)

    def run(x: torch.Tensor) -> torch.Tensor:
        def block(h: torch.Tensor) -> torch.Tensor:
            return second(nn.functional.dropout(nn.functional.gelu(first(h)), 0.5))

        out: torch.Tensor = x + checkpoint(block, x, use_reentrant=False)
        return out

    compiled = torch.compile(run, backend="kiln")
    x = torch.randn(8, 16)
    out, gradient = _step(compiled, x, seed=11)
    # Two calls with one seed draw alike, so that differences of values belong to one function.
    for direction in torch.eye(16)[:3]:
        step = 1e-2 * direction.expand(8, 16)
        above, _ = _step(compiled, x + step, seed=11)
        below, _ = _step(compiled, x - step, seed=11)
        slope = (above.sum() - below.sum()) / 2e-2
        torch.testing.assert_close((gradient @ direction).sum(), slope, rtol=2e-2, atol=2e-2)
    assert out.shape == x.shape
    assert eager_calls() == 0


def test_attention_is_random_by_name_alone(on_server: Server, eager_calls: Any) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        def block(q: torch.Tensor) -> torch.Tensor:
            return nn.functional.dropout(nn.functional.scaled_dot_product_attention(q.sin(), q, q), 0.0)

        out: torch.Tensor = checkpoint(block, x, use_reentrant=False)
        return out

    x = torch.randn(2, 3, 10, 8)
    out, gradient = _step(torch.compile(run, backend="kiln"), x)
    expected, expected_gradient = _step(run, x)
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(gradient, expected_gradient)
    assert eager_calls() == 0


def test_graphs_of_autograds_cache_draw_again_too(on_server: Server, eager_calls: Any) -> None:
    drawn = []
    for turn in range(2):
        # As the next process would.
        torch._dynamo.reset()
        before = kiln.stats()["autograd_cache_hits"]
        run = torch.compile(_checkpointed(REGIONS["dropout"]), backend="kiln", dynamic=False)
        out, gradient = _step(run, torch.ones(5, 77), seed=9)
        assert torch.equal(out, gradient)
        assert kiln.stats()["autograd_cache_hits"] - before == 2 * turn
        drawn.append(out)
    assert torch.equal(*drawn)
    assert eager_calls() == 0


def _exponential(x: torch.Tensor) -> torch.Tensor:
    return x * torch.empty_like(x).exponential_()


def test_numbers_that_only_pytorch_draws_are_refused_by_name(on_server: Server) -> None:
    run = torch.compile(_checkpointed(_exponential), backend="kiln", dynamic=False)
    with pytest.warns(KilnWarning, match=r"aten\.exponential\.default.*eager_random"):
        out, gradient = _step(run, torch.ones(5, 5))
    assert torch.equal(out, gradient)


# States of PyTorch's.


def test_neither_kind_of_state_can_be_taken_for_the_other() -> None:
    own = torch.zeros_like(torch.get_rng_state())
    own[8:13] = torch.tensor([*b"kiln", 3], dtype=torch.uint8)
    assert own.numel() == 5056
    assert is_own_state(own)
    with pytest.raises(RuntimeError, match="Invalid mt19937 state"):
        torch.set_rng_state(own)
    for seed in range(50):
        torch.manual_seed(seed * 0x6E6C696B)
        torch.rand(seed * 31)
        assert not is_own_state(torch.get_rng_state())


def _refuse(monkeypatch: pytest.MonkeyPatch, refused: GraphRole) -> None:
    def convert(gm: torch.fx.GraphModule, role: GraphRole, **kwargs: Any) -> ConvertedGraph:
        if role is refused:
            raise UnconvertibleNode(f"the {role.value} graph is refused by this test")
        return convert_graph(gm, role, **kwargs)

    monkeypatch.setattr(backend, "convert_graph", convert)


@pytest.mark.parametrize("refused", [GraphRole.FORWARD, GraphRole.BACKWARD])
@pytest.mark.parametrize("dynamic", [True, False])
def test_where_one_graph_runs_eagerly_both_do(
    on_server: Server, monkeypatch: pytest.MonkeyPatch, refused: GraphRole, dynamic: bool
) -> None:
    _refuse(monkeypatch, refused)
    run = torch.compile(_checkpointed(REGIONS["dropout"]), backend="kiln", dynamic=dynamic)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KilnWarning)
        for _ in range(2):
            out, gradient = _step(run, torch.ones(6, 50))
            assert torch.equal(out, gradient)


def test_where_the_server_refuses_the_backward_the_forward_runs_eagerly(
    on_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    obtain = compiled_graph.CompiledGraph._obtain

    def refuse(self: compiled_graph.CompiledGraph, symbols: list[int]) -> bool:
        return self.role is not GraphRole.BACKWARD and obtain(self, symbols)

    monkeypatch.setattr(compiled_graph.CompiledGraph, "_obtain", refuse)
    run = torch.compile(_checkpointed(REGIONS["dropout"]), backend="kiln", dynamic=False)
    out, gradient = _step(run, torch.ones(6, 50))
    assert torch.equal(out, gradient)


def test_pytorch_draws_from_no_state_of_ours(on_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    run = torch.compile(_checkpointed(REGIONS["dropout"]), backend="kiln", dynamic=False)
    x = torch.ones(6, 50, requires_grad=True)
    out = run(x)
    monkeypatch.setattr(compiled_graph, "is_own_state", lambda state: False)
    with pytest.raises(Exception, match=r"RANDOM_STATE.*eager_random"):
        out.sum().backward()


def test_compiled_code_draws_from_no_state_of_pytorchs(on_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    _refuse(monkeypatch, GraphRole.FORWARD)
    # Without the client's own look, the code's remains.
    monkeypatch.setattr(compiled_graph, "is_own_state", lambda state: True)
    run = torch.compile(_checkpointed(REGIONS["dropout"]), backend="kiln", dynamic=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KilnWarning)
        with pytest.raises(Exception, match="out of range"):
            _step(run, torch.ones(6, 50))


def _branch(x: torch.Tensor) -> torch.Tensor:
    out: torch.Tensor = torch.cond(x.sum() > 0, torch.sin, torch.cos, (x,))
    return out


def _loop(x: torch.Tensor) -> torch.Tensor:
    start = torch.tensor(0)
    out: torch.Tensor = while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y.sin()), (start, x))[1]
    return out


@pytest.mark.parametrize(("name", "run"), [("cond", _branch), ("while_loop", _loop)])
def test_other_higher_order_operators_are_refused_by_name(on_server: Server, name: str, run: Region) -> None:
    x = torch.randn(3)
    with pytest.warns(KilnWarning, match=f"UNCONVERTIBLE_NODE: node {name}: {name} is not an ATen operator"):
        out = torch.compile(run, backend="kiln")(x)
    torch.testing.assert_close(out, run(x))


# Eager's numbers.

EAGER = {"eager_random": True}


def _expect_eagers(run: Region, x: torch.Tensor) -> None:
    """Values, and where the generator stands afterwards."""
    compiled = torch.compile(run, backend="kiln", dynamic=False, options=EAGER)
    for seed in (1, 2):
        torch.manual_seed(seed)
        out, state = compiled(x), torch.get_rng_state()
        torch.manual_seed(seed)
        assert torch.equal(out, run(x))
        assert torch.equal(state, torch.get_rng_state())


@EVERY_REGION
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_option_gives_eagers_numbers(on_server: Server, eager_calls: Any, name: str, dtype: torch.dtype) -> None:
    _expect_eagers(REGIONS[name], torch.ones(7, 33, dtype=dtype))
    assert eager_calls() == 0


def test_the_option_keeps_the_order_of_draws(on_server: Server, eager_calls: Any) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        y = x.t() * torch.rand_like(x.t())
        z = torch.randperm(33) * torch.empty(33).uniform_(1, 3) + torch.multinomial(torch.ones(40), 33)
        return y.t() + z + torch.randint(-5, 5, (33,)) + _exponential(x)

    _expect_eagers(run, torch.randn(7, 33))
    assert eager_calls() == 0


@pytest.mark.parametrize("name", [*REGIONS, "exponential"])
@pytest.mark.parametrize("dynamic", [True, False])
def test_the_option_draws_eagers_numbers_again(on_server: Server, eager_calls: Any, name: str, dynamic: bool) -> None:
    run = _checkpointed({**REGIONS, "exponential": _exponential}[name])
    compiled = torch.compile(run, backend="kiln", dynamic=dynamic, options=EAGER)
    x = torch.ones(7, 33)
    for seed in (1, 2):
        out, gradient = _step(compiled, x, seed)
        state = torch.get_rng_state()
        expected, expected_gradient = _step(run, x, seed)
        assert torch.equal(out, expected)
        assert torch.equal(gradient, expected_gradient)
        assert torch.equal(gradient, out)
        assert torch.equal(state, torch.get_rng_state())
    assert eager_calls() == 0


@pytest.mark.parametrize("refused", [GraphRole.FORWARD, GraphRole.BACKWARD])
def test_the_options_states_are_pytorchs(
    on_server: Server, monkeypatch: pytest.MonkeyPatch, refused: GraphRole
) -> None:
    _refuse(monkeypatch, refused)
    run = _checkpointed(REGIONS["dropout"])
    compiled = torch.compile(run, backend="kiln", dynamic=False, options=EAGER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KilnWarning)
        out, gradient = _step(compiled, torch.ones(6, 50), seed=4)
    expected, _ = _step(run, torch.ones(6, 50), seed=4)
    assert torch.equal(out, expected)
    assert torch.equal(gradient, expected)
