"""Compiled against eager, values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from conftest import Server
from torch import nn

import kiln


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(16, 48)
        self.out = nn.Linear(16, 16)
        self.norm = nn.LayerNorm(16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, _ = x.shape
        q, k, v = self.qkv(self.norm(x)).view(batch, length, 3, 4, 4).permute(2, 0, 3, 1, 4)
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        out: torch.Tensor = x + self.out(y.transpose(1, 2).reshape(batch, length, 16))
        return out


def _mlp() -> tuple[nn.Module, torch.Tensor]:
    return nn.Sequential(nn.Linear(8, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 4)), torch.randn(6, 8)


def _convolutions() -> tuple[nn.Module, torch.Tensor]:
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 4, 1)]
    return nn.Sequential(*layers), torch.randn(4, 3, 12, 12)


def _attention() -> tuple[nn.Module, torch.Tensor]:
    return Attention(), torch.randn(3, 7, 16)


def _embedding() -> tuple[nn.Module, torch.Tensor]:
    return nn.Sequential(nn.Embedding(11, 8), nn.Linear(8, 5), nn.LogSoftmax(-1)), torch.randint(0, 11, (4, 6))


MODELS: list[Callable[[], tuple[nn.Module, torch.Tensor]]] = [_mlp, _convolutions, _attention, _embedding]


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("dynamic", [True, False])
def test_values_gradients_and_buffers_equal_eagers(
    on_server: Server, eager_calls: Any, make: Callable[[], tuple[nn.Module, torch.Tensor]], dynamic: bool
) -> None:
    torch.manual_seed(1)
    model, x = make()
    torch.manual_seed(1)
    reference, _ = make()
    compiled = torch.compile(model, backend="kiln", dynamic=dynamic)
    for _ in range(2):
        compiled(x).square().mean().backward()
        reference(x).square().mean().backward()
    for (name, ours), theirs in zip(model.named_parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, msg=lambda m, n=name: f"{n}: {m}")
    for ours, theirs in zip(model.buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert eager_calls() == 0


def test_inference_equals_eager(on_server: Server, eager_calls: Any) -> None:
    model, x = _attention()
    with torch.no_grad():
        torch.testing.assert_close(torch.compile(model, backend="kiln")(x), model(x))
    assert eager_calls() == 0


@pytest.mark.parametrize("dynamic", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_results_of_convolutions_lie_as_eagers(
    on_server: Server, eager_calls: Any, dynamic: bool, dtype: torch.dtype
) -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolutions = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1, groups=groups) for groups in (1, 8, 2))
            self.norm = nn.BatchNorm2d(8)
            self.squeeze = nn.Conv2d(8, 8, 1)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            first, second, third = self.convolutions
            y = self.norm(first(x)).relu()
            z = nn.functional.max_pool2d(second(y) + x, 2)
            gate = self.squeeze(z.mean((2, 3), keepdim=True)).sigmoid()
            w = third(torch.cat([z[:, :4], (z * gate)[:, 4:]], 1))
            return y, w, w.flatten(1).sum(-1), gate

    model = Block().to(dtype).eval()
    compiled = torch.compile(model, backend="kiln", dynamic=dynamic)
    with torch.no_grad():
        for size in (12, 16):
            x = torch.randn(2, 8, size, size, dtype=dtype)
            for image in (x, x.contiguous(memory_format=torch.channels_last)):
                ours, theirs = compiled(image), model(image)
                torch.testing.assert_close(ours, theirs)
                assert [t.stride() for t in ours] == [t.stride() for t in theirs]
    assert eager_calls() == 0


def test_other_shapes_need_no_request(on_server: Server, eager_calls: Any) -> None:
    model, x = _mlp()
    compiled = torch.compile(model, backend="kiln", dynamic=True)
    compiled(x).sum().backward()
    before = kiln.stats()
    for batch in (2, 3, 17, 64):
        y = torch.randn(batch, 8)
        torch.testing.assert_close(compiled(y), model(y))
    assert kiln.stats()["requests"] == before["requests"]
    assert eager_calls() == 0


def test_a_guard_of_the_servers_is_asked_about_again_without_dynamo(on_server: Server, eager_calls: Any) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return (x + 1.0).relu().softmax(-1)

    compiled = torch.compile(run, backend="kiln", dynamic=True, options={"specialize_divisible": True})
    torch._dynamo.utils.counters.clear()
    for width in (64, 50, 64, 50):
        x = torch.randn(4, width)
        torch.testing.assert_close(compiled(x), run(x))
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
    graph = kiln.graphs()[-1]
    guards = [guard for variant in graph["variants"] for guard in variant["guards"]]
    if any("[performance]" in guard for guard in guards):
        assert len(graph["variants"]) == 2
    assert eager_calls() == 0


def test_inputs_may_start_anywhere_in_their_storage(on_server: Server, eager_calls: Any) -> None:
    def run(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x * 2, x[1:]

    compiled = torch.compile(run, backend="kiln", dynamic=True)
    base = torch.arange(40.0)
    for start in (0, 3, 8):
        ours, theirs = compiled(base[start : start + 20]), run(base[start : start + 20])
        torch.testing.assert_close(ours[0], theirs[0])
        torch.testing.assert_close(ours[1], theirs[1])
        assert ours[1].data_ptr() == theirs[1].data_ptr()


def test_an_input_that_becomes_another_view_of_itself(on_server: Server, eager_calls: Any) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        x.t_()
        return x.as_strided((2,), (3,))

    base = torch.arange(20.0)
    ours, theirs = base[5:17].view(3, 4), base[5:17].view(3, 4)
    torch.testing.assert_close(torch.compile(run, backend="kiln")(ours), run(theirs))
    torch.testing.assert_close(ours, theirs)
    assert eager_calls() == 0


def test_a_tangent_starts_anywhere_whatever_the_view_was_that_it_is_of(on_server: Server, eager_calls: Any) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return x.clone().as_strided((2,), (3,), 5)

    for start in (0, 3):
        tangent = torch.arange(10.0)[start : start + 2]
        ours, theirs = (torch.ones(4, 4, requires_grad=True) for _ in range(2))
        torch.compile(run, backend="kiln")(ours).backward(tangent)
        run(theirs).backward(tangent)
        torch.testing.assert_close(ours.grad, theirs.grad)
    assert eager_calls() == 0


@pytest.mark.parametrize("dynamic", [True, False])
def test_sizes_that_data_decides(on_server: Server, eager_calls: Any, dynamic: bool) -> None:
    def run(x: torch.Tensor) -> tuple[Any, ...]:
        places = torch.nonzero(x > 0)
        picked = torch.masked_select(x, x > 0)
        twice = torch.nonzero(places[:, 0] * 2)
        shown = torch.full((picked.shape[0], 3), 7.0) + picked[:, None].exp()
        return (
            places,
            (picked * 2).softmax(0),
            twice.sum(),
            shown.cumsum(0),
            places.shape[0],
            x.flatten()[: twice.shape[0]],
        )

    with torch._dynamo.config.patch(capture_dynamic_output_shape_ops=True):
        compiled = torch.compile(run, backend="kiln", dynamic=dynamic, fullgraph=True)
        for fill in (torch.randn(5, 8), torch.randn(5, 8), torch.zeros(5, 8), torch.ones(5, 8)):
            torch.testing.assert_close(compiled(fill), run(fill))
    assert eager_calls() == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.uint8, torch.bool])
def test_numbers_that_a_tensor_holds(on_server: Server, eager_calls: Any, dtype: torch.dtype) -> None:
    def run(x: torch.Tensor, y: torch.Tensor) -> tuple[Any, ...]:
        number = x[1].item()
        return y * number, y.sum() + number, x.sum()

    def sizes(x: torch.Tensor, y: torch.Tensor) -> tuple[Any, ...]:
        first, second = x.tolist()
        return (
            y.narrow(0, 0, first) * 2,
            torch.full((second, 3), 1.5).cumsum(0),
            y.split([first, y.shape[0] - first])[1],
        )

    y = torch.randn(7)
    with torch._dynamo.config.patch(capture_scalar_outputs=True):
        compiled = torch.compile(run, backend="kiln", fullgraph=True)
        for x in (torch.tensor([1, 3], dtype=dtype), torch.tensor([2, 0], dtype=dtype)):
            torch.testing.assert_close(compiled(x, y), run(x, y))
        if dtype is torch.int64:
            compiled = torch.compile(sizes, backend="kiln", fullgraph=True)
            for x in (torch.tensor([2, 4]), torch.tensor([5, 1])):
                torch.testing.assert_close(compiled(x, y), sizes(x, y))
    assert eager_calls() == 0


def test_the_gradient_of_a_selection(on_server: Server, eager_calls: Any) -> None:
    def run(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return (torch.masked_select(x.sin(), mask) * 3).exp()

    with torch._dynamo.config.patch(capture_dynamic_output_shape_ops=True):
        compiled = torch.compile(run, backend="kiln", fullgraph=True)
        for count in (7, 3):
            mask = torch.arange(12).view(3, 4) < count
            ours, theirs = (torch.linspace(0, 1, 12).view(3, 4).requires_grad_() for _ in range(2))
            compiled(ours, mask).sum().backward()
            run(theirs, mask).sum().backward()
            torch.testing.assert_close(ours.grad, theirs.grad)
    assert eager_calls() == 0


@pytest.mark.parametrize("lazy", [True, False])
def test_inputs_and_tangents_may_be_conjugated_lazily(on_server: Server, eager_calls: Any, lazy: bool) -> None:
    compiled = torch.compile(lambda z: z * z, backend="kiln")
    z, g = torch.randn(3, 4, dtype=torch.complex64), torch.randn(3, 4, dtype=torch.complex64).conj()
    # The graph is traced with one kind of tangent and called with both.
    for tangent in (g, g.resolve_conj()):
        ours, theirs = ((z.conj() if lazy else z.clone()).requires_grad_() for _ in range(2))
        compiled(ours).backward(tangent)
        (theirs * theirs).backward(tangent)
        torch.testing.assert_close(ours.grad, theirs.grad)
    assert eager_calls() == 0


def test_draws_of_other_distributions_are_eagers(on_server: Server, eager_calls: Any) -> None:
    def run(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return x.clone().exponential_(2.0), nn.functional.rrelu(x, training=True)

    x = torch.randn(4, 7)
    torch.manual_seed(3)
    want = run(x)
    torch.manual_seed(3)
    torch.testing.assert_close(torch.compile(run, backend="kiln")(x), want)
    assert eager_calls() == 0


def test_effects_happen_and_their_tokens_say_nothing(on_server: Server, eager_calls: Any) -> None:
    compiled = torch.compile(torch.linalg.solve, backend="kiln")
    a, b = torch.randn(4, 4) + 4 * torch.eye(4), torch.randn(4, 2)
    ours, theirs = (t.clone().requires_grad_() for t in (a, a))
    compiled(ours, b).square().sum().backward()
    torch.linalg.solve(theirs, b).square().sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)
    # That there is no solution is an error even though the solution is not looked at.
    with pytest.raises(RuntimeError, match="singular"):
        compiled(torch.zeros(4, 4), b)
    assert eager_calls() == 0


def test_an_error_of_the_code_names_node_and_line(on_server: Server, eager_calls: Any) -> None:
    table = torch.randn(5, 3)

    def run(index: torch.Tensor) -> torch.Tensor:
        return nn.functional.embedding(index, table).sin()

    compiled = torch.compile(run, backend="kiln", dynamic=True)
    compiled(torch.tensor([0, 4, 2]))
    with pytest.raises(IndexError, match=r"node \d+ \(aten\..*test_backend\.py:\d+: .*5"):
        compiled(torch.tensor([0, 5, 2]))


def test_statistics_tell_ways_and_seconds(on_server: Server) -> None:
    model, x = _mlp()
    torch.compile(model, backend="kiln", dynamic=True)(x).sum().backward()
    stats = kiln.stats()
    assert stats["backend_seconds"] > 0
    assert {"convert", "digest", "lookup", "load"} <= stats["seconds_by_stage"].keys()
    assert all(set(ways) == {"typed", "dispatcher", "python"} for ways in kiln.extern_calls().values())
    assert "graph" in kiln.explain()
