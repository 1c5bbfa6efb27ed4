"""The downloads that run, each in threads of its own: bulk bytes never pass through the daemon's loop."""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from modeld.core.effects import LimitPulls, StartPull, StopPull
from modeld.core.facts import AnyFact, PullBroke
from modeld.downloader.download import HeaderReader, Pull, Shared
from modeld.downloader.location import DownloadSource, Hosts
from modeld.downloader.network import Network, changes, suspended_s
from modeld.downloader.slots import TOTAL, Slots
from modeld.downloader.throttle import Throttle
from modeld.downloader.tuning import Tuning
from modeld.downloader.url import public
from modeld.http.guard import RedirectPolicy
from modeld.protocol.reasons import Reason

log = logging.getLogger(__name__)


class Pulls:
    """Starts and stops downloads into ``models_dir``; ``report`` gets their facts, in the loop's thread.

    ``connections`` is for one download (see ``Tuning``), ``limit`` in bytes per second for all of them (0: none).
    """

    def __init__(
        self,
        models_dir: Path,
        hub_endpoint: str,
        token: str,
        read_header: HeaderReader,
        report: Callable[[AnyFact], None],
        *,
        connections: int = 0,
        limit: int = 0,
        policy: RedirectPolicy | None = None,
        tuning: Tuning | None = None,
    ) -> None:
        self._models_dir = models_dir
        self._hub_endpoint = hub_endpoint
        self._token = token
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._hosts = Hosts()
        self._policy = policy or RedirectPolicy()
        self._limits: Mapping[str, int] = {}
        self._pulls: dict[str, Pull] = {}
        self._running: set[Pull] = set()
        self._network: Network | None = None
        self._shared = Shared(
            slots=Slots(max(TOTAL, connections)),
            throttle=Throttle(limit),
            tuning=tuning or Tuning(connections=connections),
            read_header=read_header,
            report=self._from_thread,
            suspended=suspended_s,
        )

    def start(self, effect: StartPull) -> None:
        """Begin a download, or go on with it."""
        pull = Pull(
            effect,
            self._models_dir / effect.file_name,
            DownloadSource(effect.url, self._token, self._hub_endpoint, self._hosts, self._policy),
            Throttle(self._limits.get(effect.job, 0)),
            self._shared,
        )
        self._pulls[effect.job] = pull
        self._running.add(pull)
        if self._network is None:
            self._network = Network(lambda: self._call(self._wake), changes())
        log.info("pull %s: %s", effect.job, public(effect.url))
        threading.Thread(target=self._run, args=(effect, pull), name=f"pull-{effect.job}", daemon=True).start()

    def _run(self, effect: StartPull, pull: Pull) -> None:
        try:
            pull.run()
        except Exception as error:
            log.exception("pull %s failed by a bug", effect.job)
            failure = Reason.INTERNAL_ERROR.failure(error=repr(error))
            self._from_thread(PullBroke(job=effect.job, run=effect.run, failure=failure))
        finally:
            self._call(self._ended, effect.job, pull)

    def _ended(self, job: str, pull: Pull) -> None:
        self._running.discard(pull)
        if self._pulls.get(job) is pull:
            del self._pulls[job]
        if not self._running and self._network is not None:
            self._network.close()
            self._network = None

    def _wake(self) -> None:
        for pull in self._running:
            pull.wake()

    def _from_thread(self, fact: AnyFact) -> None:
        self._call(self._report, fact)

    def _call(self, work: Callable[..., None], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(work, *args)
        except RuntimeError:
            log.debug("a download reported after the loop ended")

    def stop(self, effect: StopPull) -> None:
        """Stop a download soon; it reports when it has."""
        pull = self._pulls.pop(effect.job, None)
        if pull is not None:
            pull.stop(effect.keep)

    def limit(self, effect: LimitPulls) -> None:
        """From now on go no faster than this, all together and each; also those that start later."""
        self._limits = effect.jobs
        self._shared.throttle.change(effect.bytes_per_s)
        for job, pull in self._pulls.items():
            pull.throttle.change(effect.jobs.get(job, 0))
