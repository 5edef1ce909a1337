"""Kernels of two versions: one artifact, and the sizes of a call choose the code that runs."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest

# A process of its own: KILN_PROFILE is read once.
PROGRAM = """
import json
import torch
import kiln

torch.set_num_threads(2)

def log_probabilities(logits, temperature):
    return torch.log_softmax(logits / temperature, -1)

compiled = torch.compile(log_probabilities, backend="kiln", dynamic=True)
temperature = torch.tensor(0.7)
calls = []
for rows in (40, 3, 17, 2):
    before = {row["name"]: row["calls"] for row in kiln.profile()}
    logits = torch.randn(rows, 50257)
    got, want = compiled(logits, temperature), log_probabilities(logits, temperature)
    ran = [row["name"] for row in kiln.profile() if row["calls"] > before.get(row["name"], 0)]
    calls.append({"rows": rows, "ran": ran, "error": (got - want).abs().max().item()})
print(json.dumps({"calls": calls, "variants": kiln.stats()["variants_by_tier"]}))
"""


@pytest.mark.usefixtures("on_server")
def test_sizes_choose_the_version_that_runs(tmp_path: pathlib.Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    environment = {**os.environ, "KILN_PROFILE": "1"}
    done = subprocess.run([sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    # One artifact for all four calls.
    assert sum(result["variants"].values()) == 1
    by_rows = {call["rows"]: call for call in result["calls"]}
    for rows in (3, 2):
        assert len(by_rows[rows]["ran"]) > 1
        assert all("_shared_" in name for name in by_rows[rows]["ran"])
    for rows in (40, 17):
        (kernel,) = by_rows[rows]["ran"]
        assert "_shared_" not in kernel
    assert all(call["error"] < 1e-4 for call in result["calls"])
