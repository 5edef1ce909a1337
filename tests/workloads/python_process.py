"""Python processes of this repository's tests, each of which says its result as JSON in its last line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from workloads import server


def environment_of(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that imports the workloads."""
    return {**environment, "PYTHONPATH": server.python_path(), "TRANSFORMERS_VERBOSITY": "error"}


def last_result(output: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


def run_module(module: str, flags: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """What `python -m MODULE FLAGS` says. subprocess.CalledProcessError if it fails."""
    command = [sys.executable, "-m", module, *flags]
    done = subprocess.run(command, env=environment_of(environment), stdout=subprocess.PIPE, text=True, check=True)
    return last_result(done.stdout)
