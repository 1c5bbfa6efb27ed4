"""The checks of an HTTP answer, before a byte of its body is used."""

import email.utils
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from modeld.downloader.failures import PullError, Retry, StartOver
from modeld.downloader.url import public
from modeld.http import backoff
from modeld.protocol.reasons import Reason

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)", re.IGNORECASE)
_UNSATISFIED = re.compile(r"bytes \*/(\d+)", re.IGNORECASE)
_SHA256 = re.compile(r'(?:W/)?"?([0-9a-f]{64})"?')
_CROWDED = (429, 503)


@dataclass(frozen=True, kw_only=True)
class Linked:
    """What a hub says of a file in its first, un-redirected answer: the SHA-256 and size of what it links to."""

    sha256: str = ""
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Meta:
    """What an answer announces: bytes ``[start, end)`` of a file of ``size`` bytes (0: both unknown).

    ``validator`` is a strong ETag or, without one, the Last-Modified date: fit for If-Range (RFC 9110, 13.1.5).
    """

    start: int
    end: int
    size: int
    etag: str
    validator: str
    ranges: bool
    linked: Linked


def linked(headers: Mapping[str, str]) -> Linked:
    """``X-Linked-Etag`` and ``X-Linked-Size``, where the hash is one."""
    found = _SHA256.fullmatch(headers.get("x-linked-etag", ""))
    return Linked(sha256=found[1], size=_number(headers.get("x-linked-size", ""))) if found else Linked()


def check(
    status: int,
    headers: Mapping[str, str],
    asked: tuple[int, int] | None,
    announced: Linked,
    url: str,
    with_token: bool,
) -> Meta:
    """What the answer to a request for ``asked`` (a range, end 0: to the end; None: everything) gives.

    Raises:
        PullError: another attempt would get the same answer.
        Retry: another attempt may succeed.
        StartOver: the file is shorter than the downloaded part.
    """
    if status not in (200, 206):
        raise refusal(status, headers, url, with_token)
    coding = headers.get("content-encoding", "")
    if coding.strip().lower() not in ("", "identity"):
        raise PullError(Reason.CONTENT_CODED.failure(url=public(url), coding=coding))
    length = headers.get("content-length", "")
    count = int(length) if length.isdecimal() else None
    etag = headers.get("etag", "")
    strong = etag if etag.startswith('"') else ""
    found = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    validator = strong or headers.get("last-modified", "")
    if found is None and status == 200:
        if announced.size and count is not None and count != announced.size:
            raise Retry(Reason.LENGTH_WRONG.note(found=count, expected=announced.size))
        size = count or announced.size
        ranges = headers.get("accept-ranges", "").lower() == "bytes" and bool(size)
        return Meta(start=0, end=size, size=size, etag=strong, validator=validator, ranges=ranges, linked=announced)
    if found is None or asked is None:
        raise Retry(Reason.RANGE_UNEXPECTED.note(range=headers.get("content-range", "")))
    first, last, size = (int(number) for number in found.groups())
    right = first == asked[0] and first <= last < size and (not asked[1] or last < asked[1])
    if not right or (count is not None and count != last - first + 1):
        raise Retry(Reason.RANGE_WRONG.note(start=asked[0], range=found[0], length=length))
    if announced.size and size != announced.size:
        raise Retry(Reason.FILE_SIZE_WRONG.note(found=size, expected=announced.size))
    return Meta(start=first, end=last + 1, size=size, etag=strong, validator=validator, ranges=True, linked=announced)


def refusal(status: int, headers: Mapping[str, str], url: str, with_token: bool) -> Exception:
    """Why the server does not send the file: a Retry where waiting may help, else a PullError."""
    where = public(url)
    code = headers.get("x-error-code", "")
    if code == "GatedRepo":
        repo = re.sub(r"/resolve/.*", "", where)
        return PullError(Reason.DOWNLOAD_GATED.failure(url=where, status=status, repo=repo))
    if status in (404, 410) or code in ("RepoNotFound", "RevisionNotFound", "EntryNotFound"):
        return PullError(Reason.DOWNLOAD_NOT_FOUND.failure(url=where, status=status))
    if status in (401, 403):
        reason = Reason.DOWNLOAD_FORBIDDEN_WITH_TOKEN if with_token else Reason.DOWNLOAD_FORBIDDEN
        return PullError(reason.failure(url=where, status=status))
    if status == 407:
        return PullError(Reason.PROXY_LOGIN_REQUIRED.failure(url=where))
    if status == 416:
        found = _UNSATISFIED.fullmatch(headers.get("content-range", ""))
        cause = Reason.FILE_SHRUNK_TO.note(size=int(found[1])) if found else Reason.FILE_SHRUNK.note()
        return StartOver(cause, changed=True)
    if status in (408, 429) or status >= 500:
        wait = backoff.asked(
            headers.get("retry-after", ""), headers.get("ratelimit", ""), _date(headers.get("retry-after", ""))
        )
        return Retry(Reason.SERVER_ANSWERS.note(status=status), wait, crowded=status in _CROWDED)
    return PullError(Reason.DOWNLOAD_REFUSED.failure(url=where, status=status))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _date(text: str) -> float | None:
    """An HTTP date as seconds from now."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (TypeError, ValueError):
        return None
