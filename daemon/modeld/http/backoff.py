"""How long to wait after a fault: longer each time, with jitter, and at least as long as the server asks."""

import re

FIRST_S = 1.0
MOST_S = 60.0
MOST_ASKED_S = 600.0
GENTLE_S = 0.25
"""The wait after an attempt that brought some data."""

PROGRESS_BYTES = 256 * 1024
"""An attempt that brought this much does not count as a failure: counting starts again."""

_RATE_LIMIT = re.compile(r"\bt=(\d+)")


class Backoff:
    """Counts the consecutive failures of one connection."""

    def __init__(self) -> None:
        self.tries = 0

    def failed(self, brought: int, chance: float, asked_s: float | None = None) -> float:
        """Note an attempt that ended badly after ``brought`` bytes; the seconds to wait.

        ``chance`` is a random number from 0 to 1 (full jitter: many clients must not come back at the same moment).
        ``asked_s`` is what the server asked for: never less than that, and a little spread after it.
        """
        self.tries = 0 if brought >= PROGRESS_BYTES else self.tries + 1
        if asked_s is not None:
            return asked_s + chance * min(1.0, 0.1 * asked_s)
        if not self.tries:
            return chance * GENTLE_S
        return chance * min(MOST_S, FIRST_S * 2.0 ** (self.tries - 1))


def asked(retry_after: str, rate_limit: str, date_s: float | None) -> float | None:
    """The seconds a server asks to wait, at most ten minutes; None when it says nothing.

    Args:
        retry_after: the header Retry-After (RFC 9110, 10.2.3); as seconds it is read here.
        rate_limit: the header RateLimit (draft-ietf-httpapi-ratelimit-headers): ``"name";r=0;t=55``.
        date_s: what Retry-After means as a date, in seconds from now, if it is one.
    """
    if retry_after.strip().isdecimal():
        return min(float(retry_after), MOST_ASKED_S)
    if date_s is not None:
        return min(max(date_s, 0.0), MOST_ASKED_S)
    found = _RATE_LIMIT.search(rate_limit)
    return min(float(found[1]), MOST_ASKED_S) if found else None
