"""One compile for everybody: many processes, restarts, kills."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from workloads import server as kiln_server

PROCESSES = 8


def test_processes_that_ask_at_the_same_moment_share_one_compile(
    tmp_path: pathlib.Path, start_python: Callable[..., subprocess.Popen[str]]
) -> None:
    running = kiln_server.start(tmp_path / "data")
    try:
        gate = tmp_path / "go"
        processes = [start_python(running, "-m", "workloads.small_step", str(gate)) for _ in range(PROCESSES)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        gate.touch()
        results = [json.loads(process.communicate(timeout=300)[0].splitlines()[-1]) for process in processes]
        assert [process.returncode for process in processes] == [0] * PROCESSES
        assert all(result["eager_graphs"] == 0 for result in results)
        assert len({result["digest"] for result in results}) == 1
        assert running.counters()["compiles"] == 2
    finally:
        running.stop()


def test_ranks_of_a_node_map_the_same_files(
    tmp_path: pathlib.Path, start_python: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    node = tmp_path / "node"
    monkeypatch.setenv("KILN_NODE_CACHE", str(node))
    running = kiln_server.start(tmp_path / "data")
    try:
        ranks = [start_python(running, "-m", "workloads.mapped_files") for _ in range(3)]
        results = [json.loads(rank.communicate(timeout=300)[0].splitlines()[-1]) for rank in ranks]
        assert [rank.returncode for rank in ranks] == [0] * 3
        files = {path.name: path.stat().st_ino for path in node.iterdir()}
        assert len(files) == 2
        for result in results:
            assert sorted(result["inodes"]) == sorted(files.values())
    finally:
        assert running.stop() == 0


def test_a_second_process_neither_traces_nor_compiles(
    tmp_path: pathlib.Path, run_python: Callable[..., dict[str, Any]]
) -> None:
    running = kiln_server.start(tmp_path / "data")
    try:
        first, second = (run_python(running, "-m", "workloads.small_step") for _ in range(2))
        assert (first["autograd_cache_hits"], first["compiles"]) == (0, 2)
        assert (second["autograd_cache_hits"], second["compiles"]) == (2, 0)
        assert second["digest"] == first["digest"]
    finally:
        assert running.stop() == 0


def test_a_killed_server_remembers_what_it_acknowledged(
    tmp_path: pathlib.Path, run_python: Callable[..., dict[str, Any]]
) -> None:
    running = kiln_server.start(tmp_path / "data")
    run_python(running, "-m", "workloads.small_step")
    assert running.counters()["compiles"] == 2
    running.kill()
    again = kiln_server.start(tmp_path / "data")
    try:
        result = run_python(again, "-m", "workloads.small_step")
        assert result["eager_graphs"] == 0
        assert again.counters()["compiles"] == 0
    finally:
        assert again.stop() == 0


def test_without_a_server_the_model_runs_eagerly(
    tmp_path: pathlib.Path, run_python: Callable[..., dict[str, Any]]
) -> None:
    running = kiln_server.start(tmp_path / "data")
    with_server = run_python(running, "-m", "workloads.small_step")
    running.kill()
    without = run_python(running, "-m", "workloads.small_step")
    assert without["eager_graphs"] > 0
    assert abs(without["loss"] - with_server["loss"]) < 1e-5


def test_nothing_is_left_running_after_a_stop(tmp_path: pathlib.Path) -> None:
    running = kiln_server.start(tmp_path / "data")
    children = [int(pid) for pid in _children(running.process.pid)]
    assert children, "the zygote is a process of its own"
    assert running.stop() == 0
    deadline = time.monotonic() + 10
    while any(_alive(pid) for pid in children):
        assert time.monotonic() < deadline, f"{children} outlived their server"
        time.sleep(0.05)


def _children(pid: int) -> list[str]:
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return pathlib.Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
