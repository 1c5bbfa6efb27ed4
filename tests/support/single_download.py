"""One download in this process, without a daemon, with small limits so that it is quick."""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
from modeld.core.effects import StartPull
from modeld.core.facts import AnyFact, PullAdvanced, PullBroke, PullFinished, PullStopped
from modeld.daemon import read_header
from modeld.downloader.download import Pull, Shared
from modeld.downloader.location import DownloadSource, Hosts
from modeld.downloader.slots import Slots
from modeld.downloader.throttle import Throttle
from modeld.downloader.tuning import Tuning
from modeld.http.guard import RedirectPolicy
from modeld.protocol.errors import Failure, Note
from modeld.protocol.states import Phase

from support.range_server import RangeServer

MIB = 1024 * 1024
DEADLINE_S = 30.0
QUICK = {
    "connections": 4,
    "parallel_from_bytes": MIB,
    "silence_s": 0.5,
    "headers_s": 1.0,
    "first_wait_s": 0.01,
    "save_s": 0.05,
    "report_s": 0.0,
    "reserve_bytes": MIB,
}


def sha256(path: Path) -> str:
    """The hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def open_to(server: RangeServer) -> int:
    """The number of connections that this process has open to ``server``."""
    ours = psutil.Process().net_connections("tcp")
    return sum(bool(one.raddr) and one.raddr.port == server.port and one.status != "TIME_WAIT" for one in ours)


class Download:
    """A download of ``url`` to ``final``; ``facts`` are its reports so far."""

    def __init__(
        self,
        url: str,
        final: Path,
        *,
        sha256: str = "",
        size: int = 0,
        token: str = "",
        token_host: str = "",
        slots: Slots | None = None,
        hosts: Hosts | None = None,
        limit: float = 0.0,
        suspended: Callable[[], float] = lambda: 0.0,
        **tuning: float,
    ) -> None:
        self.facts: list[AnyFact] = []
        self.final = final
        self._reported = threading.Condition()
        self.shared = Shared(
            slots=slots or Slots(),
            throttle=Throttle(limit),
            tuning=Tuning(**{**QUICK, **tuning}),  # type: ignore[arg-type]  # whole numbers where they are meant
            read_header=read_header,
            report=self._report,
            suspended=suspended,
        )
        order = StartPull(job="job", run=1, url=url, file_name=final.name, sha256=sha256, size_bytes=size)
        source = DownloadSource(url, token, token_host, hosts or Hosts(), RedirectPolicy())
        self.pull = Pull(order, final, source, Throttle(), self.shared)
        self._thread = threading.Thread(target=self.pull.run, name="pull-job", daemon=True)

    def _report(self, fact: AnyFact) -> None:
        with self._reported:
            self.facts.append(fact)
            self._reported.notify_all()

    def start(self) -> "Download":
        """Start the download."""
        self._thread.start()
        return self

    def until(self, condition: Callable[[PullAdvanced], bool]) -> PullAdvanced:
        """Wait for a progress report that fulfils ``condition``; return the first one."""

        def found() -> PullAdvanced | None:
            return next((fact for fact in self.facts if isinstance(fact, PullAdvanced) and condition(fact)), None)

        with self._reported:
            assert self._reported.wait_for(lambda: found() is not None or self._ended(), DEADLINE_S), self.phases()
            fact = found()
            assert fact is not None, self.facts[-1]
            return fact

    def _ended(self) -> bool:
        return bool(self.facts) and not isinstance(self.facts[-1], PullAdvanced)

    def started_over(self) -> list[Note]:
        """Why it started over, each time."""
        phases = [fact for fact in self.facts if isinstance(fact, PullAdvanced) and fact.phase is Phase.STARTING_OVER]
        return [fact.cause for fact in phases if fact.cause is not None]

    def phases(self) -> list[Phase]:
        """The phases it reported, without repetitions."""
        phases: list[Phase] = []
        for fact in self.facts:
            if isinstance(fact, PullAdvanced) and (not phases or phases[-1] != fact.phase):
                phases.append(fact.phase)
        return phases

    def retries(self) -> int:
        """The number of its retries."""
        return max(fact.retries for fact in self.facts if isinstance(fact, PullAdvanced))

    def wait(self) -> AnyFact:
        """Wait for its end, which is reported once."""
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive(), self.phases()
        ends = [fact for fact in self.facts if not isinstance(fact, PullAdvanced)]
        assert len(ends) == 1
        return ends[0]

    def stop(self, *, keep: bool = True) -> None:
        """Stop it, and check that it has stopped."""
        self.pull.stop(keep)
        assert isinstance(self.wait(), PullStopped)

    def finished(self) -> PullFinished:
        """Let it run to a successful end."""
        self.start()
        end = self.wait()
        assert isinstance(end, PullFinished), end
        left = {path.name for path in self.final.parent.iterdir() if path.name.startswith(self.final.name)}
        assert left <= {self.final.name, self.final.name + ".bad"}, left
        return end

    def failure(self) -> Failure:
        """Let it run until it fails; the final file must not exist then."""
        self.start()
        end = self.wait()
        assert isinstance(end, PullBroke), end
        assert not self.final.exists()
        return end.failure
