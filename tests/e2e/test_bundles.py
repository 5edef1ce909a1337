"""Bundles from end to end: what one server compiled, or was warmed with, makes a job elsewhere compile nothing."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from workloads import server as kiln_server
from workloads.python_process import environment_of

WARM_STEP = kiln_server.TESTS / "workloads" / "warm_step.py"


def _kiln(*arguments: object, code: int = 0) -> str:
    """What the command prints, standard error included."""
    command = [kiln_server.kiln_binary(), *map(str, arguments)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=_environment()
    )
    assert done.returncode == code, f"{' '.join(command)}: {done.stdout}"
    return done.stdout


def _environment() -> dict[str, str]:
    import os

    return environment_of({**os.environ, "KILN_PYTHON": sys.executable})


def _json(*arguments: object) -> Any:
    return json.loads(_kiln(*arguments, "--json"))


def _public_key(data: pathlib.Path) -> str:
    return str(data / "signing_key.pub")


def test_what_one_server_compiled_makes_the_job_compile_nothing_on_another(
    tmp_path: pathlib.Path, run_python: Callable[..., dict[str, Any]]
) -> None:
    bundle = tmp_path / "job.kiln"
    first = kiln_server.start(tmp_path / "first")
    try:
        before = run_python(first, "-m", "workloads.small_step")
        assert before["compiles"] > 0
        exported = _json("cache", "export", f"--data={first.data}", f"--out={bundle}")
        assert exported["bytes"] == bundle.stat().st_size
    finally:
        assert first.stop() == 0
    second = kiln_server.start(tmp_path / "second", f"--trusted-keys={_public_key(first.data)}")
    try:
        imported = _json("cache", "import", f"--data={second.data}", bundle)
        assert imported["variants"] == before["compiles"]
        assert imported["graphs"] == before["compiles"]
        # The job trusts whoever compiled.
        second_environment = second.environment | {"KILN_TRUSTED_KEYS": _public_key(first.data)}
        after = _run(second_environment, "-m", "workloads.small_step")
        assert after["compiles"] == 0
        assert after["eager_graphs"] == 0
        assert after["digest"] == before["digest"]
        assert second.counters()["compiles"] == 0
    finally:
        assert second.stop() == 0


def _run(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, *arguments], env=environment_of(environment), stdout=subprocess.PIPE, text=True, check=True
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_a_warmed_bundle_makes_the_job_compile_nothing(tmp_path: pathlib.Path) -> None:
    bundle = tmp_path / "model.kiln"
    targets = ["--target=native", "--target=x86_64:avx,avx2,fma,f16c,sse4.2", "--target=aarch64"]
    said = _kiln("warm", f"--data={tmp_path / 'warm'}", *targets, f"--out={bundle}", WARM_STEP)
    assert "exported" in said
    key = _public_key(tmp_path / "warm")
    coverage = _json("cache", "bundle", bundle, f"--trusted-keys={key}")
    # Forward and backward of both parts, and both parts for inference.
    graphs = {variant["key"]["graph"] for artifact in coverage["artifacts"] for variant in artifact["variants"]}
    assert len(graphs) == 6
    families = {v["key"]["target_family"] for artifact in coverage["artifacts"] for v in artifact["variants"]}
    assert families == {"cpu/x86_64", "cpu/aarch64"}
    assert "any sizes" in _kiln("cache", "bundle", bundle, f"--trusted-keys={key}")

    server = kiln_server.start(tmp_path / "data", f"--trusted-keys={key}")
    try:
        _kiln("cache", "import", f"--data={server.data}", bundle)
        result = _run(server.environment | {"KILN_TRUSTED_KEYS": key}, str(WARM_STEP))
        assert result["compiles"] == 0
        assert (result["eager_graphs"], result["eager_calls"]) == (0, 0)
        assert server.counters()["compiles"] == 0
    finally:
        assert server.stop() == 0


def test_graphs_are_warmed_from_files(tmp_path: pathlib.Path) -> None:
    graph = tmp_path / "add.txt"
    graph.write_text(
        "graph add(%a: f32[s0, s1], %b: f32[s0, s1]) {\n  %c = aten.add.Tensor(%a, %b)\n  return (%c)\n}\n"
    )
    bundle = tmp_path / "add.kiln"
    warm = ("warm", f"--data={tmp_path / 'warm'}", "--bind=s0=8,s1=16", f"--out={bundle}", graph)
    assert "1 artifacts" in _kiln(*warm)
    assert "error: BAD_ARGUMENT_VALUE: --target ':x'" in _kiln(*warm, "--target=:x", code=1)
    covered = _kiln("cache", "bundle", bundle, f"--trusted-keys={_public_key(tmp_path / 'warm')}")
    assert "1 graphs, 1 artifacts" in covered
    # Without its server the folder is read.
    listed = _json("cache", "ls", f"--data={tmp_path / 'warm'}")["variants"]
    assert len(listed) == 1
    digest = listed[0]["artifact_sha256"]
    assert digest in _kiln("cache", "show", f"--data={tmp_path / 'warm'}", digest[:8])
    assert "all is well" in _kiln("cache", "verify", f"--data={tmp_path / 'warm'}")
    assert digest in _kiln("cache", "show", f"--data={tmp_path / 'warm'}", digest[:8].upper())
    assert "CACHE_READ_ONLY" in _kiln("cache", "evict", f"--data={tmp_path / 'warm'}", "--all", code=1)
    assert "Give --artifact" in _kiln("cache", "evict", f"--data={tmp_path / 'warm'}", code=1)
    # Its manifest is whole, and what comes behind is not.
    cut = tmp_path / "cut.kiln"
    cut.write_bytes(bundle.read_bytes()[:-10])
    refused = _kiln("cache", "bundle", cut, f"--trusted-keys={_public_key(tmp_path / 'warm')}", code=1)
    assert "BUNDLE_REFUSED" in refused
    # An export to where nothing can be written leaves what is there.
    occupied = tmp_path / "occupied"
    occupied.mkdir()
    assert "Is a directory" in _kiln("cache", "export", f"--data={tmp_path / 'warm'}", f"--out={occupied}", code=1)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("def kiln_warm():\n    return []\n", "no kiln_warm() yielded anything"),
        ("x = 1\n", "defines no kiln_warm()"),
        ("def kiln_warm():\n    raise ValueError('of the module')\n", "of the module"),
    ],
)
def test_a_module_that_warms_nothing_is_an_error(tmp_path: pathlib.Path, module: str, words: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(module)
    assert words in _kiln("warm", f"--data={tmp_path / 'warm'}", path, code=1)
    missing = tmp_path / "missing.py"
    assert "missing.py" in _kiln("warm", f"--data={tmp_path / 'warm'}", missing, code=1)


@pytest.mark.parametrize("rule", ["artifact", "key", "build"])
def test_what_is_revoked_at_the_server_is_gone_for_the_job(
    tmp_path: pathlib.Path, run_python: Callable[..., dict[str, Any]], rule: str
) -> None:
    server = kiln_server.start(tmp_path / "data")
    try:
        run_python(server, "-m", "workloads.small_step")
        variants = _json("cache", "ls", f"--data={server.data}")["variants"]
        fields = {"artifact": "artifact_sha256", "key": "key_id", "build": "compiler_build"}
        revoked = [f"{rule} {variant[fields[rule]]}" for variant in variants]
        assert _json("cache", "revoke", f"--data={server.data}", *revoked)["variants"] == len(variants)
        assert _json("cache", "ls", f"--data={server.data}")["variants"] == []
        # What would be compiled is the same again, by the same key and build: so the job runs without.
        result = run_python(server, "-m", "workloads.small_step")
        assert result["compiles"] == 0
        assert result["eager_graphs"] > 0
    finally:
        assert server.stop() == 0
