"""What a click on a notification does."""

import subprocess
import sys
from collections.abc import Callable

from modelctl.client import Client
from modelctl.errors import ModeldError
from modelctl.i18n import _
from modelctl.notices.notice import Action, Notice, NoticeKind
from modelctl.opening import open_path

_opened: "list[subprocess.Popen[bytes]]" = []
"""Kept to be waited for: a viewer that ended would otherwise stay as a zombie until this program ends."""


def open_viewer() -> None:
    """Start the viewer as a program of its own."""
    _opened[:] = [viewer for viewer in _opened if viewer.poll() is None]
    null = subprocess.DEVNULL
    command = [sys.executable, "-m", "modelctl", "viewer"]
    _opened.append(subprocess.Popen(command, stdin=null, stdout=null, stderr=null, start_new_session=True))


def act(client: Client, notice: Notice, action: Action, viewer: Callable[[], None]) -> str:
    """Do what was chosen; returns what went wrong as a sentence, or nothing."""
    try:
        if action is Action.OPEN:
            viewer()
        elif action is Action.SHOW_LOG:
            if not open_path(client.link.places.log_file):
                return _("Nothing is installed to open the log with. Read it with: modelctl logs")
        elif notice.kind is NoticeKind.DOWNLOAD_FAILED:
            client.pull(notice.model)
        else:
            client.benchmark([notice.model])
    except ModeldError as error:
        return "\n".join(filter(None, (error.message, error.hint)))
    except OSError as error:
        return str(error)
    return ""
