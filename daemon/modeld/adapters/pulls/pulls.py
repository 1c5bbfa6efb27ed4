"""The downloads that run, each in a thread of its own: bulk bytes never pass through the daemon's loop."""

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from modeld.adapters.pulls.pull import HeaderReader, Pull
from modeld.adapters.pulls.source import Source, public
from modeld.core.effects import LimitPulls, StartPull, StopPull
from modeld.core.facts import AnyFact, PullBroke
from modeld.protocol.errors import ErrorCode, Failure

log = logging.getLogger(__name__)


class Pulls:
    """Starts and stops downloads into ``models_dir``; ``report`` gets their facts, in the loop's thread."""

    def __init__(
        self,
        models_dir: Path,
        hub_endpoint: str,
        token: str,
        read_header: HeaderReader,
        report: Callable[[AnyFact], None],
    ) -> None:
        self._models_dir = models_dir
        self._hub_endpoint = hub_endpoint
        self._token = token
        self._read_header = read_header
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._pulls: dict[str, Pull] = {}

    def start(self, effect: StartPull) -> None:
        """Begin a download, or go on with it."""
        pull = Pull(
            effect,
            self._models_dir / effect.file_name,
            lambda: Source(effect.url, self._token, self._hub_endpoint),
            self._read_header,
            self._from_thread,
        )
        self._pulls[effect.job] = pull
        log.info("pull %s: %s", effect.job, public(effect.url))
        threading.Thread(target=self._run, args=(effect, pull), name=f"pull-{effect.job}", daemon=True).start()

    def _run(self, effect: StartPull, pull: Pull) -> None:
        try:
            pull.run()
        except Exception as error:
            log.exception("pull %s failed by a bug", effect.job)
            failure = Failure(
                code=ErrorCode.INTERNAL, message=f"A bug in modeld: {error!r}.", hint="See modelctl logs."
            )
            self._from_thread(PullBroke(job=effect.job, run=effect.run, failure=failure))

    def _from_thread(self, fact: AnyFact) -> None:
        try:
            self._loop.call_soon_threadsafe(self._report, fact)
        except RuntimeError:
            log.debug("a download reported after the loop ended: %s", type(fact).__name__)

    def limit(self, effect: LimitPulls) -> None:
        """Bound the speeds from now on."""
        self._limits = effect

    def stop(self, effect: StopPull) -> None:
        """Stop a download soon; it reports when it has."""
        pull = self._pulls.pop(effect.job, None)
        if pull is not None:
            pull.stop(effect.keep)
