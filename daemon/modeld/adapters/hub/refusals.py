"""Refusals of the hub, as failures that a person can act on.

The codes are the hub's own (header ``X-Error-Code``); without a code, the status decides.
"""

import email.utils
import re
import time
from collections.abc import Mapping

from modeld.http import backoff
from modeld.protocol.errors import Failure, FailureError, Note
from modeld.protocol.reasons import Reason

_POLICY = re.compile(r"\bq=(\d+);\s*w=(\d+)")


class HubError(FailureError):
    """The hub refused or was not reached; with ``retry`` it may work later, after ``after_s`` if the hub says so."""

    def __init__(self, failure: Failure, *, retry: bool = False, after_s: float | None = None) -> None:
        super().__init__(failure)
        self.retry = retry
        self.after_s = after_s


class BadTokenError(HubError):
    """The hub does not accept the token."""


def refusal(status: int, headers: Mapping[str, str], endpoint: str, what: str, origin: Note | None) -> HubError:
    """Why the hub answered ``status`` and did not send ``what`` (``org/repo``, a file in it, or a search).

    ``origin`` says where the token in the request came from; None if the request had no token.
    """
    code, text = headers.get("x-error-code", ""), headers.get("x-error-message", "")
    repo = "/".join(what.split("/")[:2])
    if code == "GatedRepo":
        if origin is None:
            return HubError(Reason.HUB_GATED.failure(repo=repo, hub=endpoint))
        return HubError(Reason.HUB_GATED_FOR_TOKEN.failure(repo=repo, hub=endpoint, origin=origin))
    if status == 401 and origin is not None and ("invalid" in text.lower() or not code):
        return BadTokenError(Reason.HUB_TOKEN_REFUSED.failure(origin=origin, hub=endpoint))
    if code == "RevisionNotFound":
        return HubError(Reason.HUB_REVISION_UNKNOWN.failure(repo=repo, what=what, hub=endpoint))
    if code == "EntryNotFound":
        return HubError(Reason.HUB_FILE_UNKNOWN.failure(what=what, repo=repo))
    if "disabled" in text.lower():
        return HubError(Reason.HUB_REPOSITORY_DISABLED.failure(repo=repo, hub=endpoint))
    if code == "RepoNotFound" or status in (401, 404):
        unknown = Reason.HUB_REPOSITORY_UNKNOWN if origin is None else Reason.HUB_REPOSITORY_CLOSED
        return HubError(unknown.failure(repo=repo, words=repo.rsplit("/", 1)[-1]))
    if status == 429:
        return _too_many(headers, origin)
    if status >= 500 or status == 408:
        return HubError(Reason.HUB_FAILS.failure(status=status, what=what), retry=True, after_s=asked(headers))
    if text:
        return HubError(Reason.HUB_REFUSES_WITH_TEXT.failure(status=status, what=what, error=text))
    return HubError(Reason.HUB_REFUSES.failure(status=status, what=what))


def _too_many(headers: Mapping[str, str], origin: Note | None) -> HubError:
    wait = asked(headers)
    policy = _POLICY.search(headers.get("ratelimit-policy", ""))
    limit = (
        Reason.HUB_LIMIT.note(requests=int(policy[1]), seconds=int(policy[2]))
        if policy
        else Reason.HUB_LIMIT_UNKNOWN.note()
    )
    when = Reason.HUB_TRY_AGAIN_LATER.note() if wait is None else Reason.HUB_TRY_AGAIN_IN.note(seconds=wait)
    reason = Reason.HUB_BUSY_WITHOUT_TOKEN if origin is None else Reason.HUB_BUSY
    return HubError(reason.failure(limit=limit, when=when), retry=True, after_s=wait)


def asked(headers: Mapping[str, str]) -> float | None:
    """The seconds that the hub asks to wait; None if it does not say."""
    text = headers.get("retry-after", "")
    try:
        date = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (TypeError, ValueError):
        date = None
    return backoff.asked(text, headers.get("ratelimit", ""), date)
