"""What a user can say: `torch.compile(options={...})`, and environment variables.

Options that are not in the table are the compiler's: they go to the server, which
refuses those it does not know.
"""

from __future__ import annotations

import dataclasses
import os
import socket
from collections.abc import Mapping
from typing import Any

from kiln._wire.errors import KilnError

# Option -> environment variable that stands for it when it is not given.
HOST_OPTIONS: Mapping[str, str] = {
    "address": "KILN_ADDRESS",
    "deadline": "KILN_DEADLINE",
    "domain": "KILN_DOMAIN",
    "job": "KILN_JOB",
    "requester": "KILN_REQUESTER",
    "revoked": "KILN_REVOKED",
    "revoked_builds": "KILN_REVOKED_BUILDS",
    "shape_profile": "KILN_SHAPE_PROFILE",
    "trusted_keys": "KILN_TRUSTED_KEYS",
}

# Environment variable -> the compiler's option that "1" switches on when it is not given.
COMPILER_SWITCHES: Mapping[str, str] = {"KILN_CODEGEN_CHECK": "check_bounds"}

DEFAULT_DEADLINE_SECONDS = 300.0


@dataclasses.dataclass(frozen=True)
class Settings:
    """One compile's settings; hashable, so that connections can be shared by them."""

    # "host:port" or "unix:/path"; empty: an embedded server.
    address: str = ""
    # Path of a file with the keys to trust; empty: the embedded server's own.
    trusted_keys: str = ""
    domain: str = ""
    requester: str = ""
    # The job that uses what is compiled: the server keeps it while the job's lease lasts.
    job: str = ""
    deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
    # Path of a file of revocations, the same as a server's; empty: none.
    revoked: str = ""
    # Builds that are revoked besides.
    revoked_builds: tuple[str, ...] = ()
    # Whether sizes are told to the server, and made symbolic where it knows that they vary.
    shape_profile: bool = True
    compile_options: tuple[tuple[str, str], ...] = ()

    @property
    def eager_random(self) -> bool:
        """Whether random numbers are to be eager's, to which the client has to see as well."""
        return ("eager_random", "true") in self.compile_options

    def without(self, option: str) -> Settings:
        """The same with one of the compiler's options as it is when nobody gives it."""
        others = tuple(given for given in self.compile_options if given[0] != option)
        return dataclasses.replace(self, compile_options=others)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < 1e6:
        raise KilnError("OPTION_INVALID", f"option deadline: {text!r} is not a number of seconds above 0")
    return seconds


def _switch(name: str, text: str) -> bool:
    try:
        return {"": True, "1": True, "true": True, "0": False, "false": False}[text]
    except KeyError:
        raise KilnError("OPTION_INVALID", f"option {name}: {text!r} is neither true nor false") from None


def _address(text: str) -> str:
    """`text`; gRPC would take a port that is none modulo 65536, and 443 where it is missing."""
    from kiln import _native

    if text:
        _native.check_address(text)
    return text


def read_settings(options: Mapping[str, Any] | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """KilnError OPTION_INVALID for a value that means nothing."""
    given = {name: _text(value) for name, value in (options or {}).items()}
    host = {name: given.pop(name, environment.get(variable, "")) for name, variable in HOST_OPTIONS.items()}
    for variable, option in COMPILER_SWITCHES.items():
        if _switch(variable, environment.get(variable, "0")):
            given.setdefault(option, "true")
    return Settings(
        address=_address(host["address"]),
        trusted_keys=host["trusted_keys"],
        domain=host["domain"],
        job=host["job"],
        requester=host["requester"] or f"{socket.gethostname()}/{os.getpid()}",
        deadline_seconds=_seconds(host["deadline"]) if host["deadline"] else DEFAULT_DEADLINE_SECONDS,
        revoked=host["revoked"],
        revoked_builds=tuple(build for build in host["revoked_builds"].split(",") if build),
        shape_profile=_switch("shape_profile", host["shape_profile"]),
        compile_options=tuple(sorted(given.items())),
    )
