"""Real models train through a running server as they do eagerly."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from workloads import server as kiln_server

STEPS = 20
SECOND_MODEL = pathlib.Path(__file__).resolve().parents[1] / "demo" / "second_model.py"


def test_losses_of_gpt2_equal_eager_over_20_steps(
    server: kiln_server.Server, run_python: Callable[..., dict[str, Any]]
) -> None:
    ours = run_python(server, "-m", "workloads.train", "--backend", "kiln", "--steps", str(STEPS))
    eager = run_python(server, "-m", "workloads.train", "--backend", "none", "--steps", str(STEPS))
    assert ours["losses"] == pytest.approx(eager["losses"], rel=2e-4)
    assert ours["losses"][-1] < 0.9 * ours["losses"][0]
    assert ours["kiln"]["eager_graphs"] == 0
    assert server.counters()["compiles"] == 2


def test_a_second_process_compiles_nothing(
    server: kiln_server.Server, run_python: Callable[..., dict[str, Any]]
) -> None:
    before = server.counters()
    again = run_python(server, "-m", "workloads.train", "--backend", "kiln", "--steps", "2")
    after = server.counters()
    assert after["compiles"] == before["compiles"]
    assert again["kiln"]["eager_graphs"] == 0
    assert after["hits_memory"] + after["hits_disk"] == before["hits_memory"] + before["hits_disk"] + 2


def test_resnet18_has_eagers_values_gradients_and_statistics(
    server: kiln_server.Server, run_python: Callable[..., dict[str, Any]]
) -> None:
    result = run_python(server, str(SECOND_MODEL))
    assert result["largest_gradient_difference"] < 1e-3
    assert result["eager_graphs"] == 0


def test_gradients_of_gpt2_equal_eager_for_other_shapes_without_a_compile(
    server: kiln_server.Server, run_python: Callable[..., dict[str, Any]]
) -> None:
    before = server.counters()["compiles"]
    result = run_python(server, "-m", "workloads.check_gradients")
    assert result["shapes"] == 10
    assert result["eager_graphs"] == 0
    assert server.counters()["compiles"] == before


def test_inference_equals_eager_in_both_modes(
    server: kiln_server.Server, run_python: Callable[..., dict[str, Any]]
) -> None:
    result = run_python(server, "-m", "workloads.check_inference")
    assert result == {"compared": 8, "eager_graphs": 0}
