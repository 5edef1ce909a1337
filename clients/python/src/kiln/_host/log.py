"""The logger "kiln": one line for each graph that had to be compiled, and why.

`KILN_LOG=info` switches it on, and so does PyTorch's `TORCH_LOGS="kiln"`, which takes the name of any module that can
be imported: PyTorch then sets the level and gives the handler. A name of its artifacts' kind would have to be
registered before PyTorch reads the variable, which is when it is imported.

    info   what was compiled or waited for, and why it was not found
    debug  what was found as well, and in which tier
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping

from kiln._wire.errors import KilnError

LOGGER = logging.getLogger("kiln")

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "off": logging.CRITICAL + 1,
}
_lock = threading.Lock()


def enable_as_asked(environment: Mapping[str, str] = os.environ) -> None:
    """Does what KILN_LOG says. KilnError OPTION_INVALID for a level that is none."""
    asked = environment.get("KILN_LOG", "")
    if not asked:
        return
    level = _LEVELS.get(asked.lower())
    if level is None:
        raise KilnError("OPTION_INVALID", f"KILN_LOG={asked!r} is none of {', '.join(_LEVELS)}")
    with _lock:
        LOGGER.setLevel(level)
        if LOGGER.hasHandlers():
            return
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        LOGGER.addHandler(handler)
