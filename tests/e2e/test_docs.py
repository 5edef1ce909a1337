"""docs/fake_tensors.md: its commands print what it says that they print."""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import subprocess

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "fake_tensors.md"
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


def test_the_page_of_fake_tensors_is_true(tmp_path: pathlib.Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    graphs = GRAPH.findall(page)
    assert len(graphs) >= 6
    for text, name in graphs:
        assert f"`{name}.kiln`" in page, f"the page does not say that {name} is a file"
        (tmp_path / f"{name}.kiln").write_text(text, encoding="utf-8")
    commands = COMMAND.findall(page)
    assert len(commands) >= 6
    if UPDATE:
        PAGE.write_text(
            COMMAND.sub(lambda m: f"```console\n$ {m.group(1)}\n{run(m.group(1), tmp_path)}```", page), encoding="utf-8"
        )
        return
    for command, printed in commands:
        assert run(command, tmp_path) == printed, command
