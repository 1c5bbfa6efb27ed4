"""Performs what the user chose in the menu: requests to the daemon, and starting programs.

Every choice runs in a thread pool, so that neither the bus nor the drawing waits for the daemon. ``failed`` gets errors
as one sentence.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import assert_never

from modeld.places import Places

from modelctl import starting
from modelctl.client import Client
from modelctl.desktop import viewer_process
from modelctl.desktop.opening import open_path
from modelctl.desktop.tray import choices
from modelctl.desktop.tray.choices import Choice
from modelctl.errors import ModeldError, advice, explained
from modelctl.language.catalogue import _

_log = logging.getLogger("modelctl.desktop.tray")


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

    def open_viewer(self) -> None:
        """Start the viewer; raises OSError if that fails."""
        viewer_process.start(self._failed)

    def close(self) -> None:
        """Wait for running choices, at most as long as the daemon may take to answer."""
        self._pool.shutdown(cancel_futures=True)

    def _perform(self, choice: Choice) -> None:
        try:
            self._do(choice)
        except ModeldError as error:
            self._report(choice, f"{explained(error.failure)} {advice(error.failure)}".strip())
        except OSError as error:
            self._report(choice, str(error))
        except Exception:  # noqa: BLE001 - the outer loop of a choice: a bug must not end the tray
            _log.exception("%s", choice)
            self._failed(_("This failed. See the tray's log for details."))

    def _report(self, choice: Choice, sentence: str) -> None:
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
                self.open_viewer()
            case choices.OpenLogs():
                self._open_log()
            case choices.StartDaemon():
                starting.start(client)
            case choices.QuitTray():
                self._quit()
            case _:
                assert_never(choice)

    def _open_log(self) -> None:
        log = self._places.log_file
        path = log if log.exists() else self._places.state_dir
        if not open_path(path):
            self._failed(_("No program is installed that opens the log; it is at {path}.").format(path=path))
