"""What AOTAutograd gets for a graph, and what its cache keeps of it.

Kept is what was asked of the server, not what it answered: the wire graph, compressed, with its constants. A process
that finds it asks the server for the artifact by digest, and neither traces nor converts. Where no artifact can be had,
that is a miss of AOTAutograd's cache, and the process traces after all.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import functools
import hashlib
import pathlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch._functorch.config
import torch.compiler.config
from torch._functorch._aot_autograd.autograd_cache import BypassAOTAutogradCache, FXGraphCacheMiss
from torch._inductor.output_code import OutputCode

from kiln import _native
from kiln._fx.convert import ConvertedGraph, GraphRole
from kiln._fx.rebuild import rebuild_graph
from kiln._host import profile
from kiln._host.compiled_graph import CompiledGraph
from kiln._host.session import session_for
from kiln._host.statistics import STATISTICS
from kiln._wire.settings import Settings, read_settings
from kiln.v1 import graph_pb2

# The settings of the backend's call that is under way: an entry of the cache has none.
_current: contextvars.ContextVar[Settings | None] = contextvars.ContextVar("kiln_settings", default=None)


@dataclasses.dataclass(frozen=True)
class _Kept:
    """A ConvertedGraph as it is pickled: most of it is the module."""

    compressed_module: bytes
    # With an empty module.
    rest: ConvertedGraph

    @staticmethod
    def of(converted: ConvertedGraph) -> _Kept:
        module = zlib.compress(converted.module.SerializeToString(), level=1)
        return _Kept(module, dataclasses.replace(converted, module=graph_pb2.GraphModule()))

    def converted(self) -> ConvertedGraph:
        module = graph_pb2.GraphModule.FromString(zlib.decompress(self.compressed_module))
        return dataclasses.replace(self.rest, module=module)


class KilnOutputCode(OutputCode):  # type: ignore[misc]  # PyTorch is untyped here
    """A graph that AOTAutograd calls with one list, which it empties."""

    def __init__(
        self, function: Callable[[list[Any]], Any], role: GraphRole, to_keep: ConvertedGraph | None = None
    ) -> None:
        """Without `to_keep` it is not cached: what runs eagerly may not need to next time."""
        # AOTAutograd's mark of a function that takes one list; of this object, since wrappers copy what is its own.
        self._boxed_call = True
        self._function: Callable[[list[Any]], Any] | None = function
        self._role = role
        self._to_keep = to_keep
        self._kept: _Kept | None = None

    def __call__(self, inputs: Any) -> Any:
        return self._function(inputs)  # type: ignore[misc]

    def prepare_for_serialization(self) -> None:
        """Of a copy, which is pickled then."""
        if self._to_keep is None:
            raise BypassAOTAutogradCache("kiln: the graph runs eagerly, or has effects")
        self._kept = _Kept.of(self._to_keep)
        self._function = self._to_keep = None

    def post_compile(self, example_inputs: Sequence[Any], constants: Any, graph_kwargs: Any) -> None:
        """In the process that found it. FXGraphCacheMiss if the server has no artifact for it and makes none."""
        del example_inputs, constants, graph_kwargs
        assert self._kept is not None
        settings = _current.get() or read_settings(None)
        with STATISTICS.timed("total"):
            try:
                _native.initialize()
                profile.enable_as_asked()
                converted = self._kept.converted()
                eager = functools.partial(rebuild_graph, converted.module)
                graph = CompiledGraph(self._role, converted, session_for(settings, self._role), eager)
                graph.require_for_hints()
            except Exception as error:
                # Of an entry that cannot be read, too: what is traced now is written over it.
                STATISTICS.count("autograd_cache_misses")
                raise FXGraphCacheMiss(f"{type(error).__name__}: {error}") from error
        STATISTICS.count("autograd_cache_hits")
        self._function, self._to_keep, self._kept = graph.function(), converted, None

    def set_triton_bundle(self, triton_bundle: Any) -> None:
        del triton_bundle


@contextlib.contextmanager
def autograd_cache(settings: Settings) -> Iterator[None]:
    """AOTAutograd's cache as Kiln's graphs need it, for one call of the backend.

    Whether there is one at all is PyTorch's setting: torch._functorch.config.enable_autograd_cache.
    """
    token = _current.set(settings)
    tag = f"{torch.compiler.config.cache_key_tag}{_cache_key_tag(settings)}"
    try:
        with (
            torch._functorch.config.patch(bundled_autograd_cache=True, force_non_lazy_backward_lowering=True),
            torch.compiler.config.patch(cache_key_tag=tag),
        ):
            yield
    finally:
        _current.reset(token)


def _cache_key_tag(settings: Settings) -> str:
    """Entries of another build of this client or of other options are others; the target is the server's question."""
    parts = (_client_digest(), _native.options_digest(dict(settings.compile_options)))
    return "kiln-" + hashlib.sha256(b"".join(parts)).hexdigest()


@functools.cache
def _client_digest() -> bytes:
    """Of this package's Python, which decides what graphs become and how entries look."""
    package = pathlib.Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.digest()
