"""What bad input gets: a typed error that names the place and both values, and the server goes on."""

from __future__ import annotations

import collections
import contextlib
import os
import pathlib
import random
import re
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from kiln.v1 import compile_service_pb2 as service_pb2
from kiln.v1 import compile_service_pb2_grpc as service_grpc
from kiln.v1 import graph_pb2
from workloads import server as kiln_server

FLOAT32 = 7
LOCATION = "model.py:41"
TIMEOUT_SECONDS = 60.0
ERROR_INFO = re.compile(rb"google\.rpc\.ErrorInfo\x12.[\x01-\x7f]??\n.([A-Z_]+)", re.DOTALL)


def size(value: int | str) -> graph_pb2.SymExpr:
    return graph_pb2.SymExpr(value=value) if isinstance(value, int) else graph_pb2.SymExpr(expr=value)


def tensor(name: str, sizes: list[Any], strides: list[Any], **fields: Any) -> graph_pb2.Input:
    meta = {
        "dtype": FLOAT32,
        "sizes": map(size, sizes),
        "strides": map(size, strides),
        "storage_offset": size(0),
        "device": graph_pb2.Device(type="cpu"),
        "layout": graph_pb2.LAYOUT_STRIDED,
        **fields,
    }
    return graph_pb2.Input(name=name, kind=graph_pb2.INPUT_KIND_USER, tensor=graph_pb2.TensorMeta(**meta))


A = tensor("a", [8, 16], [16, 1])
B = tensor("b", [8, 16], [16, 1])


def value(name: str) -> graph_pb2.Argument:
    return graph_pb2.Argument(value=name)


def ints(*items: int) -> graph_pb2.Argument:
    return graph_pb2.Argument(list=graph_pb2.ArgumentList(items=[graph_pb2.Argument(int=i) for i in items]))


def node(target: str, *arguments: graph_pb2.Argument, result: str = "r") -> graph_pb2.Node:
    return graph_pb2.Node(
        target=target,
        inputs=[graph_pb2.NamedArgument(value=a) for a in arguments],
        outputs=[graph_pb2.Output(names=[result])],
        location=1,
    )


def module(inputs: list[Any], nodes: list[Any], result: str = "r", hints: dict[str, int] | None = None) -> Any:
    symbols = [
        graph_pb2.SymbolDeclaration(name=name, hint=hint, policy=graph_pb2.DIM_POLICY_AUTOMATIC)
        for name, hint in (hints or {}).items()
    ]
    graph = graph_pb2.Graph(
        name="main", inputs=inputs, nodes=nodes, outputs=[value(result)], symbols=symbols, locations=[LOCATION]
    )
    return graph_pb2.GraphModule(dialect="aten", opset="2.13", graphs=[graph])


def add(*arguments: graph_pb2.Argument, result: str = "r") -> graph_pb2.Node:
    return node("aten.add.Tensor", *arguments, result=result)


def relu(argument: str = "a", result: str = "r") -> graph_pb2.Node:
    return node("aten.relu.default", value(argument), result=result)


GOOD = module([A, B], [add(value("a"), value("b"))])


class Client:
    def __init__(self, address: str) -> None:
        self.address = address
        # Messages over the limits are the point.
        self.channel = grpc.insecure_channel(address, options=[("grpc.max_send_message_length", -1)])
        self.stub = service_grpc.CompileServiceStub(self.channel)

    def request(self, graph: Any, **fields: Any) -> Any:
        host = service_pb2.HostCapabilities(abi_min=1, abi_max=1, extern_ops=["aten.*"])
        host.target.arch = "x86_64"
        host.target.features.extend(["avx", "avx2", "fma", "sse4.2"])
        return service_pb2.CompileRequest(module=graph, host=host, **fields)

    def compile(self, graph: Any, timeout: float = TIMEOUT_SECONDS, **fields: Any) -> Any:
        return list(self.stub.Compile(self.request(graph, **fields), timeout=timeout))[-1].result

    def refusal(self, graph: Any, timeout: float = TIMEOUT_SECONDS) -> tuple[str, str]:
        with pytest.raises(grpc.RpcError) as error:
            self.compile(graph, timeout)
        return reason_of(error.value), error.value.details()

    def raw(self, method: str, data: bytes) -> str:
        """Sends bytes; the reason of the refusal, or OK."""
        call = self.channel.unary_stream(f"/kiln.v1.CompileService/{method}", None, None)
        try:
            list(call(data, timeout=TIMEOUT_SECONDS))
        except grpc.RpcError as error:
            return reason_of(error)
        return "OK"


def reason_of(error: Any) -> str:
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    match = ERROR_INFO.search(details)
    return match[1].decode() if match else str(error.code().name)


@pytest.fixture(scope="module")
def client(server: kiln_server.Server) -> Iterator[Client]:
    client = Client(server.address)
    yield client
    assert server.process.poll() is None, "the server ended"
    assert client.compile(GOOD).variant.artifact[:4] == b"\x7fELF"
    info = client.stub.GetServerInfo(service_pb2.GetServerInfoRequest())
    assert info.counters.worker_crashes == 0


# What a graph has wrong, the reason, and words that the message has.
BAD_GRAPHS: dict[str, tuple[Any, str, list[str]]] = {
    "an unknown op": (
        module([A], [node("aten.frob.Tensor", value("a"))]),
        "UNKNOWN_OP",
        ["node 0", "aten.frob", LOCATION],
    ),
    "a collective": (
        module([A], [node("_c10d_functional.all_reduce.default", value("a"))]),
        "COLLECTIVE_OP",
        ["node 0"],
    ),
    "too few arguments": (module([A], [add(value("a"))]), "BAD_ARGUMENT_COUNT", ["node 0", "'other'", LOCATION]),
    "too many arguments": (module([A], [add(*[value("a")] * 4)]), "BAD_ARGUMENT_COUNT", ["node 0", "3", "2"]),
    "a string for a tensor": (
        module([A], [add(value("a"), graph_pb2.Argument(string="x"))]),
        "BAD_ARGUMENT_TYPE",
        ["node 0", "Tensor", "string"],
    ),
    "a cycle": (module([A], [add(value("a"), value("q")), relu("r", "q")], "q"), "GRAPH_CYCLE", ["node 0", "'q'"]),
    "a node that uses itself": (module([A], [add(value("a"), value("r"))]), "GRAPH_CYCLE", ["node 0", "'r'"]),
    "a dangling value": (module([A], [add(value("a"), value("nobody"))]), "DANGLING_VALUE", ["node 0", "'nobody'"]),
    "a dangling output": (module([A], [relu()], "nobody"), "DANGLING_VALUE", ["output 0", "'nobody'"]),
    "two values of a name": (module([A], [relu("a", "a")], "a"), "DUPLICATE_NAME", ["node 0", "'a'"]),
    "shapes that do not broadcast": (
        module([A, tensor("b", [8, 17], [17, 1])], [add(value("a"), value("b"))]),
        "SHAPE_MISMATCH",
        ["node 0", "16", "17"],
    ),
    "matrices that do not multiply": (
        module([A, tensor("b", [17, 4], [4, 1])], [node("aten.mm.default", value("a"), value("b"))]),
        "SHAPE_MISMATCH",
        ["node 0 (aten.mm.default)", "16", "17", LOCATION],
    ),
    "a negative size": (module([tensor("a", [-8], [1])], [relu()]), "BAD_INPUT_METADATA", ["input 0 (a)", "-8"]),
    "a negative stride": (module([tensor("a", [8], [-1])], [relu()]), "BAD_INPUT_METADATA", ["input 0 (a)", "-1"]),
    "sizes that overflow": (
        module([tensor("a", [1 << 40, 1 << 40], [1 << 40, 1])], [relu()]),
        "SIZE_OVERFLOW",
        ["input 0 (a)", "1099511627776"],
    ),
    "a result that overflows": (
        module([A], [node("aten.new_zeros.default", value("a"), ints(1 << 40, 1 << 40))]),
        "SIZE_OVERFLOW",
        ["node 0 (aten.new_zeros.default)", "1099511627776"],
    ),
    "hints that overflow": (
        module([tensor("a", ["s0", "s0"], ["s0", 1])], [relu()], hints={"s0": 1 << 60}),
        "SIZE_OVERFLOW",
        ["input 0", "s0"],
    ),
    "a negative result": (
        module([A], [node("aten.new_zeros.default", value("a"), ints(-3))]),
        "SHAPE_MISMATCH",
        ["node 0", "-3"],
    ),
    "a view of another number of elements": (
        module([A], [node("aten.view.default", value("a"), ints(7, -1))]),
        "SHAPE_MISMATCH",
        ["node 0", "[7, -1]", "128"],
    ),
    "a dimension out of range": (
        module([A], [node("aten.sum.dim_IntList", value("a"), ints(5))]),
        "INDEX_OUT_OF_RANGE",
        ["node 0", "5", "[-2, 1]"],
    ),
    "a truth that depends on data": (
        module([A], [node("aten.equal.default", value("a"), value("a"))]),
        "DATA_DEPENDENT_SIZE",
        ["node 0 (aten.equal.default)", "data"],
    ),
    "too many dimensions": (
        module([tensor("a", [1] * 65, [1] * 65)], [relu()]),
        "LIMIT_EXCEEDED",
        ["input 0", "65", "64"],
    ),
    "too long a list": (
        module([A], [node("aten.new_zeros.default", value("a"), ints(*[1] * 65537))]),
        "LIMIT_EXCEEDED",
        ["node 0", "65537", "65536"],
    ),
    "too long a name": (module([A], [relu("a", "x" * 5000)], "a"), "LIMIT_EXCEEDED", ["node 0", "5000", "4096"]),
    "too deep an expression": (
        module([tensor("a", ["(" * 3000 + "s0" + ")" * 3000], [1])], [relu()], hints={"s0": 8}),
        "LIMIT_EXCEEDED",
        ["input 0", "256"],
    ),
    "an expression that explodes": (
        module([tensor("a", ["(s0+s1+s2+s3+1)**60"], [1])], [relu()], hints={f"s{i}": 1 for i in range(4)}),
        "LIMIT_EXCEEDED",
        ["input 0"],
    ),
    "an expression with an error": (
        module([tensor("a", ["s0+"], [1])], [relu()], hints={"s0": 8}),
        "BAD_EXPRESSION",
        ["input 0 (a)", "column 4"],
    ),
    "a division by zero": (
        module([tensor("a", ["s0//0"], [1])], [relu()], hints={"s0": 8}),
        "BAD_EXPRESSION",
        ["input 0 (a)", "division by zero"],
    ),
    "a symbol that nobody declares": (
        module([tensor("a", ["s1"], [1])], [relu()]),
        "BAD_EXPRESSION",
        ["input 0", "s1"],
    ),
    "another dialect": (graph_pb2.GraphModule(dialect="onnx"), "UNSUPPORTED_GRAPH", ["'onnx'", "'aten'"]),
    "no graph": (graph_pb2.GraphModule(dialect="aten"), "UNSUPPORTED_GRAPH", ["0 graphs"]),
}


@pytest.mark.parametrize("fault", BAD_GRAPHS)
def test_a_bad_graph_is_refused_by_name(client: Client, fault: str) -> None:
    graph, reason, words = BAD_GRAPHS[fault]
    got, message = client.refusal(graph)
    assert got == reason, message
    for word in words:
        assert word in message


def test_a_worker_s_refusal_names_the_client_s_node_and_line(client: Client) -> None:
    # Canonical graphs begin with what the outputs use; the first node here is used last.
    nodes = [
        relu("a", "late"),
        node("aten.mm.default", value("a"), value("b")),
        add(value("r"), value("late"), result="q"),
    ]
    _, message = client.refusal(module([A, B], nodes, "q"))
    assert message.startswith(f"node 1 (aten.mm.default) at {LOCATION}: "), message


def test_a_graph_over_the_limits_is_refused_whole(client: Client) -> None:
    chain = [relu("a" if i == 0 else f"v{i - 1}", f"v{i}") for i in range(200_001)]
    reason, message = client.refusal(module([A], chain, "v0"))
    assert (reason, "200001" in message, "200000" in message) == ("LIMIT_EXCEEDED", True, True), message


def test_bytes_that_are_no_message(client: Client) -> None:
    generator = random.Random(1)
    reasons = collections.Counter(
        client.raw(method, generator.randbytes(generator.randrange(1, 300)))
        for method in ("Lookup", "Compile", "GetArtifact", "Propagate")
        for _ in range(50)
    )
    assert set(reasons) <= {"MALFORMED_MESSAGE", "UNSUPPORTED_GRAPH", "UNSUPPORTED_TARGET"}
    good = client.request(GOOD).SerializeToString()
    truncated = {client.raw("Compile", good[:end]) for end in range(1, len(good), 3)}
    assert "OK" not in truncated
    assert client.raw("Compile", b"x" * (17 << 20)) == "LIMIT_EXCEEDED"
    assert client.raw("Compile", b"x" * (64 << 20)) == "RESOURCE_EXHAUSTED"
    assert client.raw("NoSuchMethod", b"") == "UNIMPLEMENTED"


def test_connections_that_are_no_grpc_or_never_go_on(client: Client) -> None:
    host, port = client.address.rsplit(":", 1)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    sent = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        random.Random(2).randbytes(10_000),
        preface + b"\0\x40\0\1\4\0\0\0\1abc",
    ]
    sent += [preface[:end] for end in range(len(preface))] * 4
    connections = [socket.create_connection((host, int(port))) for _ in sent]
    try:
        for at, (connection, data) in enumerate(zip(connections, sent, strict=True)):
            # The server may close one that it has no use for before we are done.
            with contextlib.suppress(OSError):
                connection.sendall(data)
                if at % 2:
                    connection.shutdown(socket.SHUT_WR)
        assert client.compile(GOOD).graph_digest
    finally:
        for connection in connections:
            connection.close()


def test_deadlines_of_all_sizes(client: Client) -> None:
    for timeout in (0, -5, 1e-6):
        # A hit may be quicker than the clock that gRPC looks at.
        with contextlib.suppress(grpc.RpcError):
            client.compile(GOOD, timeout=timeout)
    fresh = module([tensor("a", [8, 33], [33, 1])], [relu()])
    assert client.refusal(fresh, timeout=1e-3)[0] == "DEADLINE_EXCEEDED"
    assert client.compile(fresh).graph_digest
    assert client.compile(GOOD, timeout=1e8).graph_digest


def test_requests_of_one_id_and_ten_thousand_lookups(client: Client) -> None:
    header = service_pb2.RequestHeader(request_id="the same")
    calls = [client.stub.Compile(client.request(GOOD, header=header), timeout=TIMEOUT_SECONDS) for _ in range(30)]
    results = [list(call)[-1].result for call in calls]
    assert len({result.graph_digest for result in results}) == 1
    lookup = service_pb2.LookupRequest(
        graph_digest=results[0].graph_digest,
        signature_digest=results[0].signature_digest,
        host=client.request(GOOD).host,
    )
    lookups = [client.stub.Lookup.future(lookup, timeout=TIMEOUT_SECONDS) for _ in range(10_000)]
    assert all(answer.result().found for answer in lookups)


def serve_to_its_end(*flags: str) -> tuple[int, list[str]]:
    command = [kiln_server.kiln_binary(), "serve", "--listen=127.0.0.1:0", "--metrics=127.0.0.1:0", *flags]
    done = subprocess.run(
        command, check=False, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, timeout=60
    )
    return done.returncode, done.stderr.splitlines()


def test_a_server_that_cannot_start_says_why_in_one_line(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    kiln_server.start(tmp_path / "data").stop()
    current = tmp_path / "data" / "cache" / "CURRENT"
    for flags, code, words in [
        ([f"--data={tmp_path}/file"], 3, [f"{tmp_path}/file", "Not a directory"]),
        ([f"--data={tmp_path}/file/below"], 3, [f"{tmp_path}/file/below", "Not a directory"]),
        (["--listen=nonsense"], 4, ["nonsense"]),
        (["--listen=unix:/nonexistent/kiln.sock"], 4, ["/nonexistent/kiln.sock"]),
        (["--workers=-3"], 2, ["-3"]),
        (["--workers=100000000"], 2, ["100000000", "1024"]),
        (["--log-level=loud"], 2, ["loud"]),
    ]:
        exit_code, lines = serve_to_its_end(*flags)
        assert (exit_code, len(lines)) == (code, 1), lines
        assert all(word in lines[0] for word in words), lines
    current.write_text("nonsense")
    exit_code, lines = serve_to_its_end(f"--data={tmp_path}/data")
    assert (exit_code, len(lines)) == (3, 1), lines
    assert f"{tmp_path}/data/cache" in lines[0]


@pytest.fixture
def small_disk(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("needs the right to mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(filler: pathlib.Path) -> None:
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(512))


def test_a_full_disk_costs_nothing_but_the_disk(small_disk: pathlib.Path) -> None:
    running = kiln_server.start(small_disk / "data", "--log-level=off")
    try:
        client = Client(running.address)
        first = client.compile(GOOD)
        fill(small_disk / "filler")
        for width in range(17, 22):
            graph = module([tensor("a", [8, width], [width, 1])], [relu()])
            assert client.compile(graph).variant.tier == service_pb2.TIER_COMPILED
            assert client.compile(graph).variant.tier == service_pb2.TIER_MEMORY
        assert client.compile(GOOD).graph_digest == first.graph_digest
    finally:
        assert running.stop() == 0
