"""How many descriptors (files and connections) this process may have."""

import contextlib
import sys

ENOUGH = 65_536
"""Where the system sets no limit, or a higher one."""

UNKNOWN = 512
"""Where the system does not say (Windows)."""


def raise_limit() -> int:
    """Raise the limit as far as this user may; returns it."""
    if sys.platform == "win32":
        return UNKNOWN
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # macOS: the kernel has a lower limit of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ENOUGH if soft == resource.RLIM_INFINITY else min(soft, ENOUGH)
