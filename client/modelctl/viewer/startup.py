"""The Start button: ``modelctl up`` in a process of its own, so that there is one way to start a daemon."""

import os
import subprocess
import sys

import msgspec
from modeld.places import Places
from modeld.protocol.errors import ErrorCode, Failure

from modelctl import errors
from modelctl.i18n import _

DEADLINE_S = 30.0


class _Said(msgspec.Struct):
    """What ``modelctl --json`` writes when it fails."""

    error: Failure


def start_daemon(places: Places) -> None:
    """Start the daemon of these places and return when it answers; blocks. Raises ModeldError."""
    environment = dict(os.environ)
    if places.config_dir == places.data_dir:  # all in one folder: only MODELD_HOME does that
        environment["MODELD_HOME"] = str(places.data_dir)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "modelctl", "--json", "up"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise errors.of(errors.LocalFailure(code=ErrorCode.INTERNAL, message=str(error), hint=_hint())) from error
    if ended.returncode:
        raise errors.of(_failure(ended.stderr))


def _failure(said: bytes) -> Failure:
    """The failure in the last line of what the command wrote."""
    lines = said.splitlines()
    try:
        return msgspec.json.decode(lines[-1] if lines else b"", type=_Said).error
    except msgspec.DecodeError:
        text = said.decode(errors="replace").strip() or _("modelctl up failed and did not say why.")
        return errors.LocalFailure(code=ErrorCode.INTERNAL, message=text, hint=_hint())


def _hint() -> str:
    return _("Try it in a terminal: modelctl up")
