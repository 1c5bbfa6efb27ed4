"""Parses speeds as users write them."""

import re

_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def parse_speed(text: str) -> int | None:
    """Bytes per second of ``5M``, ``500K``, ``1.5 MB/s`` (1024-based; bytes without unit); 0 for ``off``; else None."""
    wanted = text.strip().lower()
    if wanted in ("off", "none"):
        return 0
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?(?:/s)?", wanted)
    return int(float(found[1]) * _UNITS[found[2]]) if found else None
