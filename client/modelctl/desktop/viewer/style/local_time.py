"""Shows the daemon's times (ISO 8601, UTC) in local time; a text that is not a time stays unchanged."""

from datetime import datetime


def time_of_day(moment: str) -> str:
    """``12:03:11``, local time."""
    found = _local(moment)
    return moment if found is None else found.strftime("%H:%M:%S")


def date_and_time(moment: str) -> str:
    """``2026-11-24 12:03``, local time."""
    found = _local(moment)
    return moment if found is None else found.strftime("%Y-%m-%d %H:%M")


def seconds(moment: str) -> float | None:
    """Seconds since 1970, for a time axis; None for a text that is not a time."""
    found = _local(moment)
    return None if found is None else found.timestamp()


def _local(moment: str) -> datetime | None:
    try:
        return datetime.fromisoformat(moment).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
