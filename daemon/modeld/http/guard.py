"""Where a download may be led: a server out there must not make this machine ask around in its own network.

A URL that a person gives may name any machine, also one of their own network. A redirect is somebody else's word: from
a public address it leads to public addresses only, so that no answer of ``http://192.168.0.1/`` or of a cloud's
``169.254.169.254`` comes back as a "model".
"""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from modeld.protocol.errors import ErrorCode, Failure


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet; a name, or what is no address, is not."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0].strip("[]"))
    except ValueError:
        return False
    inner = ip.ipv4_mapped or ip.sixtofour if isinstance(ip, ipaddress.IPv6Address) else None
    return is_public(str(inner)) if inner is not None else ip.is_global and not ip.is_multicast


def refuse_redirect(
    target: str, came_from: Sequence[str], leads_to: Sequence[str], *, allow_private: bool, allow_http: bool = False
) -> Failure | None:
    """Why a redirect is not followed; None when it may be.

    ``came_from`` are the addresses that the redirecting host's name has, ``leads_to`` those of the target's.
    """
    parts = urlsplit(target)
    if parts.scheme not in ("http", "https"):
        return _refused(f"The server redirects to {parts.scheme or 'an unknown scheme'}://, which is not followed.", "")
    from_outside = all(is_public(address) for address in came_from)
    if parts.scheme == "http" and from_outside and not allow_http:
        return _refused(
            f"The server redirects to http://{parts.hostname}, which is not encrypted.",
            "Set allow_http = true if you accept that.",
        )
    private = [address for address in leads_to if not is_public(address)]
    if from_outside and private and not allow_private:
        return _refused(
            f"The server redirects to {parts.hostname} ({private[0]}), which is an address of this machine or network.",
            "Set allow_private_redirects = true if that is your own mirror.",
        )
    return None


def _refused(message: str, hint: str) -> Failure:
    return Failure(code=ErrorCode.NOT_ALLOWED, message=message, hint=hint)
