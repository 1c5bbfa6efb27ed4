"""What the hub says when it does not give what was asked for, as failures a person can act on.

The codes are the hub's own (header ``X-Error-Code``); without one, its status has to do.
"""

import email.utils
import re
import time
from collections.abc import Mapping

from modeld.http import backoff
from modeld.protocol.errors import ErrorCode, Failure

_POLICY = re.compile(r"\bq=(\d+);\s*w=(\d+)")


class HubError(Exception):
    """The hub refused or was not reached; ``retry`` when time may cure it, after ``after_s`` if that was said."""

    def __init__(
        self, code: ErrorCode, message: str, hint: str = "", *, retry: bool = False, after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.failure = Failure(code=code, message=message, hint=hint)
        self.retry = retry
        self.after_s = after_s


class BadTokenError(HubError):
    """The hub does not know the token."""


def refusal(status: int, headers: Mapping[str, str], endpoint: str, what: str, token_from: str) -> HubError:
    """Why ``status`` came in place of ``what`` (``org/repo``, a file in it, or a search).

    ``token_from`` says where the token that was sent came from; empty when none was.
    """
    code, said = headers.get("x-error-code", ""), headers.get("x-error-message", "")
    repo = "/".join(what.split("/")[:2])
    if code == "GatedRepo":
        return _gated(endpoint, repo, token_from)
    if status == 401 and token_from and ("invalid" in said.lower() or not code):
        return BadTokenError(
            ErrorCode.NOT_ALLOWED,
            f"The hub does not accept the token from {token_from}.",
            f"Make a new one at {endpoint}/settings/tokens, put it there, and restart the daemon; or take it away.",
        )
    if code == "RevisionNotFound":
        return HubError(
            ErrorCode.NOT_FOUND, f"{repo} has no such revision: {what}.", f"See {endpoint}/{repo}/tree/main"
        )
    if code == "EntryNotFound":
        return HubError(ErrorCode.NOT_FOUND, f"There is no {what}.", f"See what there is: modelctl files hf:{repo}")
    if "disabled" in said.lower():
        return HubError(ErrorCode.NOT_ALLOWED, f"{repo} was disabled by the hub.", f"See {endpoint}/{repo}")
    if code == "RepoNotFound" or status in (401, 404):
        private = "" if token_from else " If it is private, set HF_TOKEN to a token that may read it."
        return HubError(
            ErrorCode.NOT_FOUND,
            f"There is no repository {repo}, or it is not open to {'this token' if token_from else 'everyone'}.",
            f"Check its name: modelctl search {repo.rsplit('/', 1)[-1]}.{private}",
        )
    if status == 429:
        return _too_many(headers, token_from)
    if status >= 500 or status == 408:
        wait = asked(headers)
        return HubError(
            ErrorCode.HTTP_ERROR, f"The hub answers {status} for {what}.", "Try again later.", retry=True, after_s=wait
        )
    return HubError(ErrorCode.HTTP_ERROR, f"The hub answers {status} for {what}.{f' {said}' if said else ''}")


def _gated(endpoint: str, repo: str, token_from: str) -> HubError:
    if token_from:
        return HubError(
            ErrorCode.NOT_ALLOWED,
            f"{repo} is gated, and the account of the token from {token_from} has not been let in.",
            f"Ask for access at {endpoint}/{repo}, then pull again.",
        )
    return HubError(
        ErrorCode.NOT_ALLOWED,
        f"{repo} is gated: its authors want to be asked first.",
        f"Ask for access at {endpoint}/{repo}, set HF_TOKEN to a token of your account, and restart the daemon.",
    )


def _too_many(headers: Mapping[str, str], token_from: str) -> HubError:
    wait = asked(headers)
    policy = _POLICY.search(headers.get("ratelimit-policy", ""))
    limit = f" (it takes {policy[1]} in {policy[2]} s)" if policy else ""
    until = f"In {wait:.0f} s it does again." if wait is not None else "Try again in some minutes."
    more = "" if token_from else " With a token (HF_TOKEN) the limit is higher."
    return HubError(
        ErrorCode.BUSY,
        f"The hub takes no more requests from here for now{limit}.",
        f"{until}{more}",
        retry=True,
        after_s=wait,
    )


def asked(headers: Mapping[str, str]) -> float | None:
    """The seconds the hub asks to wait; None when it says nothing."""
    text = headers.get("retry-after", "")
    try:
        date = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (TypeError, ValueError):
        date = None
    return backoff.asked(text, headers.get("ratelimit", ""), date)
