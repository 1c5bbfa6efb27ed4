"""What all parts of the viewer use: access to the drawing thread, requests to the daemon, and messages."""

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from modelctl.client import Client
from modelctl.desktop.viewer.frame.drawing_thread import Action, DrawingThread
from modelctl.errors import ModeldError, advice, explained
from modelctl.language.catalogue import _

log = logging.getLogger(__name__)

_T = TypeVar("_T")


class Ui:
    """What all parts of the viewer use; the panel receives messages through ``on_say``."""

    def __init__(self, client: Client, drawing: DrawingThread) -> None:
        self.client = client
        self.drawing = drawing
        self._lock = threading.Lock()
        self._asking = 0
        self.on_say: Callable[[str, bool], None] = lambda text, _error: log.warning("%s", text)

    def post(self, action: Action, *, once: bool = False) -> None:
        """Run ``action`` on the drawing thread, soon; may be called from any thread (``DrawingThread.post``)."""
        self.drawing.post(action, once=once)

    def ask(
        self,
        call: Callable[[Client], _T],
        done: Callable[[_T], None] | None = None,
        failed: Callable[[ModeldError], None] | None = None,
    ) -> None:
        """Run ``call`` in another thread, then ``done`` or ``failed`` on the drawing thread.

        Without ``failed``, a failure is shown as a message at the foot of the panel. Each call has its own thread: a
        load may take minutes, and the next click must not wait for it. These threads do not keep the program alive.
        """
        work = (call, done, failed or self.complain)
        with self._lock:
            self._asking += 1
        threading.Thread(target=self._asked, args=work, name="viewer request", daemon=True).start()

    @property
    def idle(self) -> bool:
        """Whether no request is running, so that the client may be closed."""
        return self._asking == 0

    def say(self, text: str, *, error: bool = False) -> None:
        """Show a message at the foot of the panel; may be called from any thread."""
        self.post(lambda: self.on_say(text, error))

    def complain(self, error: ModeldError) -> None:
        """Show a failure and its hint at the foot of the panel."""
        self.say("\n".join(filter(None, (explained(error.failure), advice(error.failure)))), error=True)

    def _asked(
        self, call: Callable[[Client], _T], done: Callable[[_T], None] | None, failed: Callable[[ModeldError], None]
    ) -> None:
        try:
            answer = call(self.client)
        except ModeldError as error:
            failure = error  # Python deletes ``error`` before the action runs
            self.post(lambda: failed(failure))
        except Exception:  # the outer loop of this thread: log the bug and show a message
            log.exception("A request of the viewer failed")
            self.say(_("That did not work: an error in the viewer. See its log for details."), error=True)
        else:
            if done is not None:
                self.post(lambda: done(answer))
        finally:
            with self._lock:
                self._asking -= 1
