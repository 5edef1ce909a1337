"""Pages of docs with commands: they print what the page says that they print."""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import subprocess

import pytest

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
UPDATE = os.environ.get("KILN_UPDATE_GOLDENS") == "1"

GRAPH = re.compile(r"^```\n(graph (\w+)\(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^```console\n\$ (kiln [^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(command: str, folder: pathlib.Path) -> str:
    words = shlex.split(command)
    assert words[0] == "kiln"
    done = subprocess.run(
        [os.environ["KILN_BINARY"], *words[1:]], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(("name", "least_graphs", "least_commands"), [("compiler", 1, 4), ("fake_tensors", 6, 6)])
def test_the_page_is_true(name: str, least_graphs: int, least_commands: int, tmp_path: pathlib.Path) -> None:
    path = DOCS / f"{name}.md"
    page = path.read_text(encoding="utf-8")
    graphs = GRAPH.findall(page)
    assert len(graphs) >= least_graphs
    for text, graph in graphs:
        assert f"`{graph}.kiln`" in page, f"the page does not say that {graph} is a file"
        (tmp_path / f"{graph}.kiln").write_text(text, encoding="utf-8")
    commands = COMMAND.findall(page)
    assert len(commands) >= least_commands
    if UPDATE:
        path.write_text(
            COMMAND.sub(lambda m: f"```console\n$ {m.group(1)}\n{run(m.group(1), tmp_path)}```", page), encoding="utf-8"
        )
        return
    for command, printed in commands:
        assert run(command, tmp_path) == printed, command
