"""Doing what was chosen in the menu: requests to the daemon, and programs of their own.

Every choice runs in a thread of its own pool, so that neither the bus nor the drawing waits for a daemon. What goes
wrong is told to ``failed`` as one sentence.
"""

import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import assert_never

from modeld.places import Places

from modelctl.client import Client
from modelctl.errors import ModeldError
from modelctl.i18n import _
from modelctl.tray import choices
from modelctl.tray.choices import Choice

START_S = 60.0
LAST_WORDS_BYTES = 2000

_log = logging.getLogger("modelctl.tray")


class ProgramError(Exception):
    """A program could not be started or ended badly; the message says which and why."""


class Actions:
    """Performs choices; ``quit`` ends the tray."""

    def __init__(
        self, places: Places, client: Client, *, failed: Callable[[str], None], quit_tray: Callable[[], None]
    ) -> None:
        self._places = places
        self._client = client
        self._failed = failed
        self._quit = quit_tray
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="tray action")

    def start(self, choice: Choice) -> None:
        """Perform ``choice`` soon; returns at once."""
        if isinstance(choice, choices.QuitTray):
            self._quit()
            return
        self._pool.submit(self._perform, choice)

    def close(self) -> None:
        """Let what runs end, at most as long as a daemon may take for an answer."""
        self._pool.shutdown(cancel_futures=True)

    def _perform(self, choice: Choice) -> None:
        try:
            self._do(choice)
        except ModeldError as error:
            self._tell(choice, f"{error.message} {error.hint}".strip())
        except ProgramError as error:
            self._tell(choice, str(error))
        except Exception:  # noqa: BLE001 - the outer loop of a choice: the tray goes on
            _log.exception("%s", choice)
            self._failed(_("This failed; the tray's log has the details."))

    def _tell(self, choice: Choice, sentence: str) -> None:
        _log.warning("%s: %s", choice, sentence)
        self._failed(sentence)

    def _do(self, choice: Choice) -> None:
        client = self._client
        match choice:
            case choices.Load(model=model):
                client.load(model, wait=False)
            case choices.Unload(model=model):
                client.unload(model, wait=False)
            case choices.Pin(model=model, pinned=pinned):
                client.pin(model, pinned)
            case choices.Pull(model=model):
                client.pull(model)
            case choices.Pause(job=job):
                client.pause(job=job)
            case choices.Resume(job=job):
                client.resume(job=job)
            case choices.Cancel(job=job):
                client.cancel(job=job)
            case choices.Benchmark(model=model):
                client.benchmark([model] if model else [], all_models=not model)
            case choices.OpenViewer():
                _start([*_MODELCTL, "viewer"], self._failed)
            case choices.OpenLogs():
                log = self._places.log_file
                _open(log if log.exists() else self._places.state_dir)
            case choices.StartDaemon():
                _run([*_MODELCTL, "up"])
            case choices.QuitTray():
                self._quit()
            case _:
                assert_never(choice)


# -P: a folder called "modelctl" where the tray happens to have been started is not the program.
_MODELCTL = (sys.executable, "-P", "-m", "modelctl")


def _start(command: Sequence[str], failed: Callable[[str], None]) -> None:
    """Start a program of its own session; a thread waits for its end and tells when it was a bad one."""
    words = tempfile.TemporaryFile()  # noqa: SIM115 - closed by whoever waits for the program
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=words, start_new_session=True
        )
    except OSError as error:
        words.close()
        raise ProgramError(_("{program} cannot be started: {why}").format(program=command[0], why=error)) from error

    def wait() -> None:
        with words:
            if child.wait() > 0:  # below 0: ended by a signal, which somebody sent
                words.seek(max(0, words.seek(0, os.SEEK_END) - LAST_WORDS_BYTES))
                sentence = _ended_badly(command, child.returncode, words.read())
                _log.warning("%s", sentence)
                failed(sentence)

    threading.Thread(target=wait, name=f"wait for {child.pid}", daemon=True).start()


def _run(command: Sequence[str]) -> None:
    """Run a short program to its end; raises ProgramError with its last words."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=START_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProgramError(_("{program} cannot be started: {why}").format(program=command[-1], why=error)) from error
    if done.returncode:
        raise ProgramError(_ended_badly(command, done.returncode, done.stderr[-LAST_WORDS_BYTES:]))


def _ended_badly(command: Sequence[str], code: int, words: bytes) -> str:
    said = [line for line in words.decode(errors="replace").splitlines() if line.strip()]
    told = [line for line in said if line.startswith("error: ")]
    why = (told or said or [_("it said nothing")])[-1].removeprefix("error: ")
    return _("modelctl {verb} ended with code {code}: {why}").format(verb=command[-1], code=code, why=why)


def _open(path: Path) -> None:
    """Show a file or folder by whatever the desktop opens such files with."""
    if sys.platform == "win32":
        os.startfile(path)
        return
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    try:
        done = subprocess.run(
            [opener, str(path)], stdin=subprocess.DEVNULL, capture_output=True, timeout=START_S, check=False
        )
    except subprocess.TimeoutExpired:
        return  # it shows the file and stays until that is closed
    except OSError as error:
        raise ProgramError(_("The log is {path}; nothing here opens it: {why}").format(path=path, why=error)) from error
    if done.returncode:
        raise ProgramError(_("The log is {path}; nothing here opens it.").format(path=path))
