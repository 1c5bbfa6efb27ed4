"""What the panes ask of the viewer around them (``pane.Ui``): requests in other threads, answers on the drawing one."""

import logging
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from modelctl.client import Client
from modelctl.errors import ModeldError, advice, explained
from modelctl.language.catalogue import _

log = logging.getLogger(__name__)

_T = TypeVar("_T")
Action = Callable[[], object]


class Loop(Protocol):
    """Where posts go: ``loop.WindowLoop`` or ``loop.HostLoop``."""

    def post(self, action: Action) -> None:
        """Run ``action`` on the drawing thread, soon."""

    def animate(self, seconds: float) -> None:
        """Draw steadily for so long."""

    def each_frame(self, hook: Callable[[], bool]) -> None:
        """Call ``hook`` after every frame."""


class ViewerUi:
    """The real ``pane.Ui``; ``on_say`` is where the panel takes its messages."""

    def __init__(self, client: Client, loop: Loop) -> None:
        self.client = client
        self._loop = loop
        self._lock = threading.Lock()
        self._asking = 0
        self.on_say: Callable[[str, bool], None] = lambda text, _error: log.warning("%s", text)

    def post(self, action: Action) -> None:
        """Run ``action`` on the drawing thread, soon; may be called from any thread."""
        self._loop.post(action)

    def animate(self, seconds: float) -> None:
        """Draw steadily for so long: something moves."""
        self._loop.animate(seconds)

    def each_frame(self, hook: Callable[[], bool]) -> None:
        """Call ``hook`` after every frame; it says whether it changed something."""
        self._loop.each_frame(hook)

    def ask(
        self,
        call: Callable[[Client], _T],
        done: Callable[[_T], None] | None = None,
        failed: Callable[[ModeldError], None] | None = None,
    ) -> None:
        """Run ``call`` in another thread, then ``done`` or ``failed`` on the drawing thread.

        A thread for each, since a load may take minutes and must not keep the next click waiting; none keeps the
        program from ending.
        """
        work = (call, done, failed or self.complain)
        with self._lock:
            self._asking += 1
        threading.Thread(target=self._asked, args=work, name="viewer request", daemon=True).start()

    @property
    def idle(self) -> bool:
        """Whether no request is on its way, so that the client may be closed."""
        return self._asking == 0

    def say(self, text: str, *, error: bool = False) -> None:
        """Show a message at the foot of the panel; may be called from any thread."""
        self.post(lambda: self.on_say(text, error))

    def complain(self, error: ModeldError) -> None:
        """Show a failure, with what to do about it, at the foot of the panel."""
        self.say("\n".join(filter(None, (explained(error.failure), advice(error.failure)))), error=True)

    def _asked(
        self, call: Callable[[Client], _T], done: Callable[[_T], None] | None, failed: Callable[[ModeldError], None]
    ) -> None:
        try:
            answer = call(self.client)
        except ModeldError as error:
            failure = error  # the name of an except clause is gone when the post runs
            self.post(lambda: failed(failure))
        except Exception:  # the outer loop of this thread: a bug is logged, and the person is told
            log.exception("A request of the viewer failed")
            self.say(_("That did not work: an error in the viewer. Its log has the details."), error=True)
        else:
            if done is not None:
                self.post(lambda: done(answer))
        finally:
            with self._lock:
                self._asking -= 1
