"""News that the user has not seen yet; pure.

A finished job puts a badge on the icon, a failure turns it into an error; opening the menu marks both as seen. The
failure's text stays in the menu while it is open, so that it can be read.
"""

from dataclasses import dataclass, replace

from modeld.protocol.states import JobState
from modeld.protocol.views import Snapshot

from modelctl.desktop.notices.news import ended
from modelctl.errors import explained


@dataclass(frozen=True)
class UnseenNews:
    """The unseen news. ``failure`` is a sentence or empty; ``seen``: the user has seen it; only its text is left."""

    finished: bool = False
    failure: str = ""
    seen: bool = False

    @property
    def unseen_finish(self) -> bool:
        """Whether a job finished that the user has not seen."""
        return self.finished and not self.seen

    @property
    def unseen_failure(self) -> bool:
        """Whether a failure occurred that the user has not seen."""
        return bool(self.failure) and not self.seen


def failed(sentence: str) -> UnseenNews:
    """A chosen action failed."""
    return UnseenNews(failure=sentence)


def opened(news: UnseenNews) -> UnseenNews:
    """The menu was opened: all news counts as seen; a failure's text stays."""
    return replace(news, seen=bool(news.failure), finished=False)


def closed(news: UnseenNews) -> UnseenNews:
    """The menu was closed, or there was time to read it: drop the seen news."""
    return UnseenNews() if news.seen else news


def after(news: UnseenNews, before: Snapshot | None, now: Snapshot | None) -> UnseenNews:
    """``news`` after the daemon's state changed from ``before`` to ``now``; a first snapshot contains no news."""
    if before is None or now is None:
        return news
    if now.jobs is not before.jobs:
        news = _after_jobs(news, before, now)
    if now.models is not before.models:
        news = _after_models(news, before, now)
    return news


def _after_jobs(news: UnseenNews, before: Snapshot, now: Snapshot) -> UnseenNews:
    for job in ended(before, now):
        if job.state is JobState.DONE:
            news = replace(news, finished=True, seen=False, failure="" if news.seen else news.failure)
        else:
            sentence = explained(job.failure) if job.failure else ""
            news = replace(failed(_about(job.model, sentence)), finished=news.finished)
    return news


def _after_models(news: UnseenNews, before: Snapshot, now: Snapshot) -> UnseenNews:
    known = {model.key: model.failure for model in before.models}
    for model in now.models:
        if model.failure is not None and model.key in known and known[model.key] != model.failure:
            news = replace(failed(_about(model.key, explained(model.failure))), finished=news.finished)
    return news


def _about(model: str, sentence: str) -> str:
    return f"{model.upper()}: {sentence}" if sentence else model.upper()
