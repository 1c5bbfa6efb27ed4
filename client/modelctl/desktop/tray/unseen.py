"""What happened that the user has not looked at yet; pure.

A job that ended while the user was elsewhere puts a badge on the icon, a failure makes it an error; opening the menu
counts as having looked. The failure's text stays in the menu while it is open, so that it can be read.
"""

from dataclasses import dataclass, replace

from modeld.protocol.states import JobState
from modeld.protocol.views import Snapshot

from modelctl.desktop.notices.news import ended
from modelctl.errors import explained


@dataclass(frozen=True)
class Unseen:
    """What is new. ``failure`` is a sentence or empty; ``seen``: it was looked at, and only its text is left."""

    finished: bool = False
    failure: str = ""
    seen: bool = False

    @property
    def unseen_finish(self) -> bool:
        """Whether something ended that the user has not looked at."""
        return self.finished and not self.seen

    @property
    def unseen_failure(self) -> bool:
        """Whether something failed that the user has not looked at."""
        return bool(self.failure) and not self.seen


def failed(sentence: str) -> Unseen:
    """Something that was chosen here went wrong."""
    return Unseen(failure=sentence)


def opened(news: Unseen) -> Unseen:
    """The menu was opened: all is seen now, and a failure's words stay to be read."""
    return replace(news, seen=bool(news.failure), finished=False)


def closed(news: Unseen) -> Unseen:
    """The menu was closed, or there was time to read it: what was seen is forgotten."""
    return Unseen() if news.seen else news


def after(news: Unseen, before: Snapshot | None, now: Snapshot | None) -> Unseen:
    """``news`` after the daemon went from ``before`` to ``now``; a first snapshot (no ``before``) holds no news."""
    if before is None or now is None:
        return news
    if now.jobs is not before.jobs:
        news = _after_jobs(news, before, now)
    if now.models is not before.models:
        news = _after_models(news, before, now)
    return news


def _after_jobs(news: Unseen, before: Snapshot, now: Snapshot) -> Unseen:
    for job in ended(before, now):
        if job.state is JobState.DONE:
            news = replace(news, finished=True, seen=False, failure="" if news.seen else news.failure)
        else:
            sentence = explained(job.failure) if job.failure else ""
            news = replace(failed(_about(job.model, sentence)), finished=news.finished)
    return news


def _after_models(news: Unseen, before: Snapshot, now: Snapshot) -> Unseen:
    known = {model.key: model.failure for model in before.models}
    for model in now.models:
        if model.failure is not None and model.key in known and known[model.key] != model.failure:
            news = replace(failed(_about(model.key, explained(model.failure))), finished=news.finished)
    return news


def _about(model: str, sentence: str) -> str:
    return f"{model.upper()}: {sentence}" if sentence else model.upper()
