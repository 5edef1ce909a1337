"""Makes a package that can be imported from the main build's folder.

link_package.py SOURCE_DIR OUT_DIR: the sources as symbolic links, beside the
extension and the stubs that the build puts there, with the entry point that
`torch.compile(backend="kiln")` is found by.
"""

from __future__ import annotations

import pathlib
import sys

_METADATA = "Metadata-Version: 2.1\nName: kiln\nVersion: 0.1.0\n"
_ENTRY_POINTS = "[torch_dynamo_backends]\nkiln = kiln:backend\n"


def main(source_dir: str, out_dir: str) -> None:
    package = pathlib.Path(out_dir) / "kiln"
    package.mkdir(parents=True, exist_ok=True)
    for source in sorted((pathlib.Path(source_dir) / "src" / "kiln").iterdir()):
        link = package / source.name
        if source.name in ("v1", "__pycache__") or link.is_symlink():
            continue
        link.symlink_to(source)
    info = pathlib.Path(out_dir) / "kiln-0.1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(_METADATA)
    (info / "entry_points.txt").write_text(_ENTRY_POINTS)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
