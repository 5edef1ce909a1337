"""Makes the Python stubs of the wire with grpcio-tools: gen_stubs.py PROTO_DIR OUT_DIR."""

from __future__ import annotations

import pathlib
import sys

import grpc_tools
from grpc_tools import protoc

PROTOS = ("kiln/v1/graph.proto", "kiln/v1/artifact.proto", "kiln/v1/compile_service.proto")


def main(proto_dir: str, out_dir: str) -> int:
    pathlib.Path(out_dir).mkdir(parents=True, exist_ok=True)
    include = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    common = ["protoc", f"-I{proto_dir}", f"-I{include}", f"--python_out={out_dir}", f"--pyi_out={out_dir}"]
    status = protoc.main([*common, *PROTOS])
    if status == 0:
        status = protoc.main([*common, f"--grpc_python_out={out_dir}", PROTOS[-1]])
    (pathlib.Path(out_dir) / "kiln" / "v1" / "__init__.py").write_text('"""Stubs of proto/kiln/v1."""\n')
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
