"""Jobs in child processes: one that crashes or hangs takes its sample along, not the run."""

from __future__ import annotations

import collections
import contextlib
import faulthandler
import multiprocessing
import multiprocessing.connection
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

# (job, how many samples to pass over, how many of them one graph may hold)
Work = tuple[Any, int, int]
# What a job yields: ("start", samples passed, samples of the group) before each group, then ("row", anything).
Message = tuple[Any, ...]

# A child keeps what it loaded; a fresh one starts after this many jobs.
JOBS_OF_ONE_CHILD = 40


class _Child:
    """A forked process with a job in it. Not thread-safe."""

    def __init__(self, run: Callable[[Any, int, int], Iterator[Message]]) -> None:
        context = multiprocessing.get_context("fork")
        self.connection, theirs = context.Pipe()
        self._stacks = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = context.Process(target=self._serve, args=(theirs, run, self._stacks), daemon=True)
        self.process.start()
        theirs.close()
        self.work: Work | None = None
        self.jobs = 0
        # The group that is being judged: samples before it, and its size.
        self.group = (0, 0)
        self.heard = time.monotonic()

    @staticmethod
    def _serve(connection: Any, run: Callable[[Any, int, int], Iterator[Message]], stacks: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        faulthandler.register(signal.SIGUSR1, file=stacks)
        # What a library says when it dies is not a row.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        with contextlib.suppress(EOFError, BrokenPipeError):
            while True:
                for message in run(*connection.recv()):
                    connection.send(message)
                connection.send(("done",))
        os._exit(0)

    def give(self, work: Work) -> None:
        self.work = work
        self.jobs += 1
        self.group = (work[1], 0)
        self.heard = time.monotonic()
        self.connection.send(work)

    def innermost_frames(self) -> str:
        """Where each thread stands, of one that hangs."""
        if self.process.pid is None:
            return ""
        os.kill(self.process.pid, signal.SIGUSR1)
        time.sleep(1.0)
        self._stacks.seek(0)
        lines = [line.strip() for line in self._stacks.read().splitlines()]
        after = [lines[i + 1] for i, line in enumerate(lines[:-1]) if "(most recent call first)" in line]
        return "; ".join(after)

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()
        self._stacks.close()


class IsolatedJobs:
    """`run(job, skip, group)` for each job, in `children` processes; see Message."""

    def __init__(
        self, run: Callable[[Any, int, int], Iterator[Message]], children: int, group: int, silence_seconds: float
    ) -> None:
        self._run = run
        self._size = children
        self._group = group
        self._silence_seconds = silence_seconds
        self._children: list[_Child] = []
        self._works: collections.deque[Work] = collections.deque()

    def rows(self, jobs: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Each job's rows; a crash is the row ("crash", number of the sample in its job, what happened)."""
        try:
            yield from self.rows_of_more(jobs)
        finally:
            self.stop()

    def rows_of_more(self, jobs: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """The same, by children that wait for more jobs when these are done."""
        self._works.extend((job, 0, self._group) for job in jobs)
        while self._works or any(child.work for child in self._children):
            self._hand_out()
            busy = [child for child in self._children if child.work]
            ready = multiprocessing.connection.wait([child.connection for child in busy], timeout=1.0)
            for child in busy:
                if child.connection in ready:
                    yield from self._hear(child)
                elif time.monotonic() - child.heard > self._silence_seconds:
                    silence = f"hangs for {self._silence_seconds:.0f} s"
                    yield from self._bury(child, f"{silence} at {child.innermost_frames()}")

    def stop(self) -> None:
        for child in self._children:
            child.stop()
        self._children.clear()

    def _hand_out(self) -> None:
        for child in [c for c in self._children if not c.work and c.jobs >= JOBS_OF_ONE_CHILD]:
            child.stop()
            self._children.remove(child)
        while self._works and len(self._children) < self._size:
            self._children.append(_Child(self._run))
        for child in self._children:
            if not child.work and self._works:
                child.give(self._works.popleft())

    def _hear(self, child: _Child) -> Iterator[tuple[Any, Any]]:
        try:
            message = child.connection.recv()
        except (EOFError, ConnectionResetError):
            child.process.join()
            yield from self._bury(child, f"dies of signal {-(child.process.exitcode or 0)}")
            return
        child.heard = time.monotonic()
        assert child.work is not None
        if message[0] == "done":
            child.work = None
        elif message[0] == "start":
            child.group = message[1:]
        else:
            yield child.work[0], message[1]

    def _bury(self, child: _Child, what: str) -> Iterator[tuple[Any, Any]]:
        """The group's samples run again one by one; one that was alone is to blame."""
        assert child.work is not None
        job, _, group = child.work
        passed, size = child.group
        child.stop()
        self._children.remove(child)
        if size == 1:
            yield job, ("crash", passed, what)
            self._works.append((job, passed + 1, group))
        elif size > 1:
            self._works.append((job, passed, 1))
        else:
            yield job, ("crash", -1, f"{what} before its first sample")
