"""KILN_PROFILE: times of kernels and extern operators, in a process of their own each, since it is read once."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest

PROGRAM = """
import json
import torch
import kiln

def layer(x, w):
    return torch.nn.functional.gelu(x @ w)

compiled = torch.compile(layer, backend="kiln", dynamic=False)
x, w = torch.randn(64, 48), torch.randn(48, 32)
compiled(x, w)
with torch.profiler.profile() as profiler:
    compiled(x, w)
print(json.dumps({"rows": kiln.profile(), "events": [event.name for event in profiler.events()]}))
"""


def run(folder: pathlib.Path, profile: str) -> dict[str, Any]:
    script = folder / "program.py"
    script.write_text(PROGRAM)
    environment = {**os.environ, "KILN_PROFILE": profile}
    done = subprocess.run([sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.usefixtures("on_server")
def test_every_kernel_has_its_time_its_bytes_and_its_lines(tmp_path: pathlib.Path) -> None:
    result = run(tmp_path, "1")
    kernels = [row for row in result["rows"] if row["kind"] == "kernel"]
    (kernel,) = kernels
    assert kernel["name"].startswith("fused_")
    assert "erf" in kernel["name"]
    assert all("program.py:7" in node for node in kernel["nodes"])
    assert kernel["calls"] == 2
    assert 0 < kernel["seconds"] < 10
    # Each call reads and writes 64 x 32 floats.
    assert kernel["bytes"] == 2 * (2 * 64 * 32 * 4)
    assert kernel["operations"] >= 2 * 64 * 32
    (product,) = [row for row in result["rows"] if row["kind"] == "extern"]
    assert product["name"] == "aten.mm.out"
    assert product["bytes"] == 2 * 4 * (64 * 48 + 48 * 32 + 64 * 32)


@pytest.mark.usefixtures("on_server")
def test_pytorchs_profiler_shows_kernels_by_name_and_line(tmp_path: pathlib.Path) -> None:
    events = run(tmp_path, "1")["events"]
    ours = [name for name in events if name.startswith("kiln::")]
    assert len(ours) == 2
    assert all(name.endswith("program.py:7)") for name in ours)


@pytest.mark.usefixtures("on_server")
def test_a_path_gets_a_chrome_trace_of_every_run(tmp_path: pathlib.Path) -> None:
    trace = tmp_path / "trace.json"
    run(tmp_path, str(trace))
    events = json.loads(trace.read_text())["traceEvents"]
    assert [event["ph"] for event in events] == ["X"] * 4
    starts = [event["ts"] for event in events]
    assert starts == sorted(starts)
    assert all(event["dur"] > 0 for event in events)


@pytest.mark.usefixtures("on_server")
def test_nothing_is_timed_unless_asked(tmp_path: pathlib.Path) -> None:
    result = run(tmp_path, "")
    assert result["rows"] == []
    assert not any(name.startswith("kiln::") for name in result["events"])
