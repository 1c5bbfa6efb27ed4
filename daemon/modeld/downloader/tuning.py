"""The measures of a download, in one place so that a test can take small ones."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """How a download goes about it.

    Attributes:
        connections: 1 to 16 opens that many at once, 0 starts with two and adds while it helps, up to four.
        parallel_from_bytes: a smaller file stays on one connection.
        silence_s: no byte for this long is a fault.
        headers_s: an answer whose headers are not complete after this long is a fault.
        first_wait_s: back-off counts from here (full jitter of 1, 2, 4 .. times this).
        max_empty: attempts in a row without a byte, after which the download gives up.
        save_s: what is there is synced and claimed this often; a crash loses no more than this and one sync.
        report_s: interval between progress reports.
        reserve_bytes: disk space a download leaves free.
    """

    connections: int = 0
    parallel_from_bytes: int = 64 * MIB
    silence_s: float = 15.0
    headers_s: float = 30.0
    first_wait_s: float = 1.0
    max_empty: int = 10
    save_s: float = 0.5
    report_s: float = 0.125
    reserve_bytes: int = 64 * MIB
