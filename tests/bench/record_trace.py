"""Records what a server is asked while jobs run: traces/asked.txt, which eviction_bench replays as it was.

    record_trace.py --seconds 240 traces/asked.txt

Each job is a process with no cache but the server's, as on a new node: it trains or runs a small model of every kind,
for a batch size or two, and ends. Models are worked on as people do: a job runs, restarts, comes back with another
batch size and as an inference, while every tenth is a nightly pass over models that nobody asks for otherwise. A line
of the trace is a graph that a job called: job, artifact, its bytes, milliseconds of its compile. Paths and digests
are left out; artifacts are numbered as they come.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from typing import Any

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import kiln
from workloads import server
from workloads.architectures import ARCHITECTURES

# What is worked on at once; one leaves when it has had its runs.
PROJECTS = 3
NIGHTLY_EVERY = 10


def jobs() -> Iterator[tuple[str, bool, tuple[int, ...]]]:
    """Model, whether it trains, and the batch sizes of a job, without end."""
    drawn = random.Random(7)
    names = sorted(ARCHITECTURES)
    drawn.shuffle(names)
    later = iter(names * 100)
    projects: list[tuple[str, Iterator[tuple[bool, tuple[int, ...]]]]] = []
    runs = 0
    while True:
        runs += 1
        if runs % NIGHTLY_EVERY == 0:
            yield next(later), False, (4,)
            continue
        while len(projects) < PROJECTS:
            plan = [(True, (4,)), (True, (4,)), (False, (4,)), (True, (2, 4)), (False, (3, 4)), (True, (4,))]
            projects.append((next(later), iter(plan)))
        chosen = drawn.choice(projects)
        run = next(chosen[1], None)
        if run is None:
            projects.remove(chosen)
            continue
        yield chosen[0], *run


def run_job(name: str, trains: bool, sizes: tuple[int, ...]) -> list[tuple[str, int, float]]:
    """Artifact, bytes and compile seconds of each variant that the job called."""
    torch.manual_seed(0)
    row = ARCHITECTURES[name]
    model = row.make().train(trains)
    run = torch.compile(model, backend="kiln")
    whole = row.batch()
    for size in sizes:
        batch = {key: value[:size] for key, value in whole.items()}
        with torch.set_grad_enabled(trains):
            result: Any = run(**batch)
            if trains:
                loss = result.loss if getattr(result, "loss", None) is not None else result[0].float().mean()
                loss.backward()
    return [
        (variant["artifact"], variant["artifact_bytes"], variant["compile_seconds"])
        for graph in kiln.graphs()
        for variant in graph["variants"]
    ]


def in_a_process(job: tuple[str, bool, tuple[int, ...]], environment: dict[str, str]) -> list[Any]:
    """As a fork, which has PyTorch imported already. None of its graphs if it fails."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.environ.update(environment)
            asked = run_job(*job)
            with os.fdopen(writes, "w") as pipe:
                json.dump(asked, pipe)
            code = 0
        except BaseException:
            traceback.print_exc()
        os._exit(code)
    os.close(writes)
    with os.fdopen(reads) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return list(json.loads(said)) if said else []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trace", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=240)
    arguments = parser.parse_args()
    numbers: dict[str, int] = {}
    lines = []
    with server.running() as served, tempfile.TemporaryDirectory(prefix="kiln-") as node:
        end = time.monotonic() + arguments.seconds
        for number, job in enumerate(jobs()):
            if time.monotonic() > end:
                break
            caches = {"TORCHINDUCTOR_CACHE_DIR": f"{node}/{number}", "KILN_NODE_CACHE": "none"}
            asked = in_a_process(job, {**served.environment, **caches})
            for artifact, size, seconds in asked:
                at = numbers.setdefault(artifact, len(numbers))
                lines.append(f"{number} {at} {size} {round(seconds * 1000)}")
            print(number, *job, f"{len(asked)} graphs", flush=True)
    title = (
        "# What jobs asked a server for, in the order in which they did: record_trace.py. Job, artifact, its bytes,\n"
        "# milliseconds of its compile.\n"
    )
    arguments.trace.write_text(title + "".join(f"{line}\n" for line in lines))
    print(f"{len(lines)} requests, {len(numbers)} artifacts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
