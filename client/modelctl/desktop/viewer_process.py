"""Starts the viewer as a separate process, so that it ends independently of the tray or `modelctl notify`."""

import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import IO

from modelctl.language.catalogue import _

# -P: a folder named "modelctl" in the current directory must not shadow the package.
COMMAND = (sys.executable, "-P", "-m", "modelctl", "viewer")

LAST_WORDS_BYTES = 2000

_log = logging.getLogger(__name__)


def start(failed: Callable[[str], None]) -> None:
    """Start the viewer; a thread waits for its end and calls ``failed`` if it ended with an error. Raises OSError."""
    words = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the thread that waits for the program
    try:
        null = subprocess.DEVNULL
        child = subprocess.Popen(COMMAND, stdin=null, stdout=null, stderr=words, start_new_session=True)
    except OSError:
        words.close()
        raise
    threading.Thread(target=_wait, args=(child, words, failed), name=f"viewer {child.pid}", daemon=True).start()


def _wait(child: "subprocess.Popen[bytes]", words: IO[bytes], failed: Callable[[str], None]) -> None:
    with words:
        code = child.wait()
        if code == 0:
            return
        words.seek(max(0, words.seek(0, os.SEEK_END) - LAST_WORDS_BYTES))
        output = [line for line in words.read().decode(errors="replace").splitlines() if line.strip()]
    sentence = _("The viewer ended with code {code}: {why}").format(code=code, why=_reason(output))
    _log.warning("%s", sentence)
    if code > 0:  # below 0: ended by a signal
        failed(sentence)


def _reason(output: list[str]) -> str:
    """The line that starts with ``error:``, as the command line writes it, else the last line."""
    label = _("error:")
    errors = [line.removeprefix(label).strip() for line in output if line.startswith(label)]
    return (errors or output or [_("no output")])[-1]
