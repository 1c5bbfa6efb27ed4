"""Performs what the user chose on a notification."""

from collections.abc import Callable

from modelctl.client import Client
from modelctl.desktop.notices.notice import Notice, NoticeAction, NoticeKind
from modelctl.desktop.opening import open_path
from modelctl.errors import ModeldError, advice, explained
from modelctl.language.catalogue import _


def act(client: Client, notice: Notice, action: NoticeAction, viewer: Callable[[], None]) -> str:
    """Perform the chosen action; return an error message, or an empty string."""
    try:
        if action is NoticeAction.OPEN:
            viewer()
        elif action is NoticeAction.SHOW_LOG:
            if not open_path(client.transport.places.log_file):
                return _("No program is installed that opens the log. Read it with: modelctl logs")
        elif notice.kind is NoticeKind.DOWNLOAD_FAILED:
            client.pull(notice.model)
        else:
            client.benchmark([notice.model])
    except ModeldError as error:
        return "\n".join(filter(None, (explained(error.failure), advice(error.failure))))
    except OSError as error:
        return str(error)
    return ""
