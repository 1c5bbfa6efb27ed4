"""An HTTP answer, checked before a byte of it is believed."""

import email.utils
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from modeld.downloader.failures import PullError, Retry, StartOver
from modeld.downloader.url import public
from modeld.http import backoff
from modeld.protocol.errors import ErrorCode

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_UNSATISFIED = re.compile(r"bytes \*/(\d+)")
_SHA256 = re.compile(r'(?:W/)?"?([0-9a-f]{64})"?')
_CROWDED = (429, 503)


@dataclass(frozen=True, kw_only=True)
class Linked:
    """What a hub says of a file in its first, un-redirected answer: the SHA-256 and size of what it links to."""

    sha256: str = ""
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Meta:
    """What an answer says: bytes ``[start, end)`` of a file of ``size`` bytes (0: both not said) will come.

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
    status: int, headers: Mapping[str, str], asked: tuple[int, int] | None, said: Linked, url: str, with_token: bool
) -> Meta:
    """What the answer to a request for ``asked`` (a range, end 0: to the end; None: everything) gives.

    Raises:
        PullError: an answer that a repetition will not change.
        Retry: one that it may.
        StartOver: the file is shorter than what we have of it.
    """
    if status not in (200, 206):
        raise refusal(status, headers, url, with_token)
    coding = headers.get("content-encoding", "identity")
    if coding != "identity":
        raise PullError(
            ErrorCode.HTTP_ERROR,
            f"{public(url)} answers with content coding {coding!r}, which was not asked for: not the file's bytes.",
            "The server or a proxy on the way is misconfigured.",
        )
    length = headers.get("content-length", "")
    count = int(length) if length.isdecimal() else None
    etag = headers.get("etag", "")
    strong = etag if etag.startswith('"') else ""
    found = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    validator = strong or headers.get("last-modified", "")
    if found is None and status == 200:
        if said.size and count is not None and count != said.size:
            raise Retry(f"the answer has {count} bytes and the file {said.size}")
        size = count or said.size
        ranges = headers.get("accept-ranges", "") == "bytes" and bool(size)
        return Meta(start=0, end=size, size=size, etag=strong, validator=validator, ranges=ranges, linked=said)
    if found is None or asked is None:
        raise Retry(f"got Content-Range {headers.get('content-range')!r} where none was to be expected")
    first, last, size = (int(number) for number in found.groups())
    right = first == asked[0] and first <= last < size and (not asked[1] or last < asked[1])
    if not right or (count is not None and count != last - first + 1):
        raise Retry(f"asked for bytes from {asked[0]}, got Content-Range {found[0]!r} with {count} bytes")
    if said.size and size != said.size:
        raise Retry(f"the answer is of a file of {size} bytes, and the hub's has {said.size}")
    return Meta(start=first, end=last + 1, size=size, etag=strong, validator=validator, ranges=True, linked=said)


def refusal(status: int, headers: Mapping[str, str], url: str, with_token: bool) -> Exception:
    """Why an answer is no file: as a Retry where waiting may help, else as a PullError."""
    where = public(url)
    code = headers.get("x-error-code", "")
    if code == "GatedRepo":
        repo = re.sub(r"/resolve/.*", "", where)
        return PullError(
            ErrorCode.NOT_ALLOWED,
            f"{where} answers {status}: its authors want to be asked first.",
            f"Ask for access at {repo}, then set HF_TOKEN to a token of yours and pull again.",
        )
    if status in (404, 410) or code in ("RepoNotFound", "RevisionNotFound", "EntryNotFound"):
        return PullError(
            ErrorCode.NOT_FOUND, f"{where} answers {status}: there is no such file.", "Check the name of the file."
        )
    if status in (401, 403):
        return PullError(
            ErrorCode.NOT_ALLOWED,
            f"{where} answers {status}: it is not open to us"
            + (" (with the token of HF_TOKEN)." if with_token else ", or does not exist."),
            "Check the address; if it needs a token, set HF_TOKEN and restart the daemon.",
        )
    if status == 407:
        return PullError(
            ErrorCode.NOT_ALLOWED,
            f"The proxy on the way to {where} answers 407: it wants to know who we are.",
            "Put user and password into HTTPS_PROXY or HTTP_PROXY, and restart the daemon.",
        )
    if status == 416:
        found = _UNSATISFIED.fullmatch(headers.get("content-range", ""))
        length = f" ({int(found[1]):,})" if found else ""
        return StartOver(f"the file on the server has fewer bytes{length} than what we asked for", changed=True)
    if status in (408, 429) or status >= 500:
        wait = backoff.asked(
            headers.get("retry-after", ""), headers.get("ratelimit", ""), _date(headers.get("retry-after", ""))
        )
        return Retry(f"the server answers {status}", wait, crowded=status in _CROWDED)
    return PullError(ErrorCode.HTTP_ERROR, f"{where} answers {status}.", "Check the address in a browser.")


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _date(text: str) -> float | None:
    """An HTTP date as seconds from now."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (TypeError, ValueError):
        return None
