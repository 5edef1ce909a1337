"""Fixtures: a server for the tests of one module, and processes that use it."""

from __future__ import annotations

import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from workloads import server as kiln_server  # noqa: E402
from workloads.python_process import environment_of, last_result  # noqa: E402


@pytest.fixture(scope="module")
def server() -> Iterator[kiln_server.Server]:
    with kiln_server.running() as running:
        yield running


@pytest.fixture
def start_python() -> Callable[..., subprocess.Popen[str]]:
    """Starts a Python process of these tests against a server."""

    def start(running: kiln_server.Server, *arguments: str) -> subprocess.Popen[str]:
        environment = environment_of(running.environment)
        return subprocess.Popen([sys.executable, *arguments], env=environment, stdout=subprocess.PIPE, text=True)

    return start


@pytest.fixture
def run_python(start_python: Callable[..., subprocess.Popen[str]]) -> Callable[..., dict[str, Any]]:
    """Runs one to its end; its last line is JSON."""

    def run(running: kiln_server.Server, *arguments: str) -> dict[str, Any]:
        process = start_python(running, *arguments)
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output
        return last_result(output)

    return run
