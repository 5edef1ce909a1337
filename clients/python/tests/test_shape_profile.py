"""Sizes that vary from job to job are symbolic from the first trace on.

A job is played by forgetting what Dynamo compiled and learned; each test has a tenant of its own, so that it starts
without a profile.
"""

from __future__ import annotations

import os
import types
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from conftest import Server
from torch import nn

import kiln
from kiln._host import shape_profile
from kiln._host.session import session_of
from kiln._host.traced_frame import code_digest
from kiln._wire.settings import read_settings
from kiln.v1 import compile_service_pb2

# A thousand take minutes; tests/e2e/shape_profile_test.cc has as many without Dynamo.
JOBS = int(os.environ.get("SHAPE_PROFILE_JOBS", "40"))


@pytest.fixture
def domain(on_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = uuid.uuid4().hex
    monkeypatch.setenv("KILN_DOMAIN", name)
    monkeypatch.setenv("KILN_SHAPE_PROFILE", "1")
    yield name
    assert torch.compiler.config.dynamic_sources == ""


def _job(function: Callable[..., Any], *inputs: Any, **arguments: Any) -> None:
    """One process: a fresh Dynamo, one call."""
    torch._dynamo.reset()
    expected = function(*inputs)
    torch.testing.assert_close(torch.compile(function, backend="kiln", **arguments)(*inputs), expected)


def _profile() -> list[compile_service_pb2.ProfileShapesResponse.Subject]:
    return list(session_of(read_settings(None)).profile_shapes(compile_service_pb2.ProfileShapesRequest()).subjects)


def _compiles() -> int:
    return int(kiln.stats()["compiles"])


def test_jobs_of_one_length_each_make_three_variants(domain: str, eager_calls: Any) -> None:
    layer = nn.Linear(8, 8).requires_grad_(False)

    def run(x: torch.Tensor) -> torch.Tensor:
        return layer(x).relu().softmax(0)

    before = _compiles()
    for length in range(2, 2 + JOBS):
        _job(run, torch.randn(length, 8))
    # Two before it was known that the length varies.
    assert _compiles() - before <= 3
    assert eager_calls() == 0
    (subject,) = _profile()
    assert "run" in subject.name
    assert {(dim.source, dim.dim): dim.varies for dim in subject.dims} == {("L['x']", 0): True, ("L['x']", 1): False}
    assert [dim.observed for dim in subject.dims] == [JOBS, JOBS]


def test_what_varies_in_one_frame_is_static_in_another(domain: str) -> None:
    def first(x: torch.Tensor) -> torch.Tensor:
        return x.sin() + 1

    def second(x: torch.Tensor) -> torch.Tensor:
        return x.cos() * 2

    for length in (4, 5, 6):
        _job(first, torch.randn(length))
    before = kiln.stats()["traces_with_shape_profile"]
    _job(second, torch.randn(7))
    assert kiln.stats()["traces_with_shape_profile"] == before
    assert not any(symbols for symbols in (graph["symbols"] for graph in kiln.graphs()[-1:]))


def test_integers_vary_too(domain: str) -> None:
    def run(x: torch.Tensor, n: int) -> torch.Tensor:
        return x * n

    before = _compiles()
    for n in range(3, 20):
        _job(run, torch.randn(4), n)
    assert _compiles() - before <= 3
    (subject,) = _profile()
    assert [(dim.source, dim.dim) for dim in subject.dims if dim.varies] == [("L['n']", -1)]


def test_a_branch_on_a_size_divides_the_sizes(domain: str) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return x.sin() if x.shape[0] > 16 else x.cos()

    before = _compiles()
    for length in range(2, 40):
        _job(run, torch.randn(length))
    # One for each side, besides the two that were static.
    assert _compiles() - before <= 4
    (subject,) = _profile()
    assert list(subject.dims[0].divisions) == [17]


def test_whoever_says_dynamic_is_left_alone(domain: str) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return x.exp() - 1

    before = _compiles()
    for length in (4, 5, 6, 7):
        _job(run, torch.randn(length), dynamic=False)
    assert _compiles() - before == 4
    assert _profile() == []


def test_sizes_of_weights_are_not_told(domain: str) -> None:
    for width in (4, 8, 16):
        _job(nn.Linear(4, width), torch.randn(3, 4))
    sources = {dim.source for subject in _profile() for dim in subject.dims}
    assert len(sources) == 1
    assert not any("weight" in source for source in sources)


def test_another_domain_learns_nothing(domain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return x.tan()

    for length in (4, 5, 6):
        _job(run, torch.randn(length))
    monkeypatch.setenv("KILN_DOMAIN", uuid.uuid4().hex)
    assert _profile() == []
    before = kiln.stats()["traces_with_shape_profile"]
    _job(run, torch.randn(7))
    assert kiln.stats()["traces_with_shape_profile"] == before


def test_the_users_own_sources_stay(domain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x.sum() + y.sum()

    with torch.compiler.config.patch(dynamic_sources="L['y']"):
        for length in (4, 5, 6):
            _job(run, torch.randn(length), torch.randn(9))
        assert torch.compiler.config.dynamic_sources == "L['y']"
    assert len(kiln.graphs()[-1]["symbols"]) == 2


def test_a_server_that_is_away_costs_one_pause(domain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape_profile, "_paused_until", 0.0)
    asked = 0

    def fail(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        raise kiln.KilnError("SERVER_UNAVAILABLE", "nobody there")

    monkeypatch.setattr("kiln._host.session.Session.profile_shapes", fail)

    def run(x: torch.Tensor) -> torch.Tensor:
        return x.erf()

    for length in (4, 5):
        _job(run, torch.randn(length))
    assert asked == 1
    monkeypatch.setattr(shape_profile, "_paused_until", 0.0)


def _code(source: str) -> types.CodeType:
    namespace: dict[str, Any] = {}
    exec(compile(source, f"{uuid.uuid4()}.py", "exec"), namespace)
    return namespace["f"].__code__


def test_code_is_known_by_what_it_does_and_not_by_where_it_stands() -> None:
    source = "def f(x):\n    g = lambda y: y in {'a', 'b', 'c'}\n    return g(x) + 1\n"
    digest = code_digest(_code(source))
    assert digest == code_digest(_code("\n\n\n" + source))
    assert digest != code_digest(_code(source.replace("+ 1", "+ 2")))
    assert digest != code_digest(_code(source.replace("'c'", "'d'")))
