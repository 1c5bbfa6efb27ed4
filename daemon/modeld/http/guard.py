"""Which redirects are followed: a server on the internet must not make this machine query its own network.

A URL that a person gives may name any machine, also one of their own network. A redirect comes from a server: from a
public address it may lead to public addresses only, so that no answer of ``http://192.168.0.1/`` or of a cloud's
``169.254.169.254`` is stored as a "model".
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason


@dataclass(frozen=True)
class RedirectPolicy:
    """What the settings allow."""

    allow_http: bool = False
    allow_private_redirects: bool = False


def is_public(address: str) -> bool:
    """Whether ``address`` is an IP address of the public internet; a name is not."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0].strip("[]"))
    except ValueError:
        return False
    inner = ip.ipv4_mapped or ip.sixtofour if isinstance(ip, ipaddress.IPv6Address) else None
    return is_public(str(inner)) if inner is not None else ip.is_global and not ip.is_multicast


def refuse_redirect(
    url: str, target: str, came_from: Sequence[str], leads_to: Sequence[str], policy: RedirectPolicy
) -> Failure | None:
    """Why the redirect from ``url`` to ``target`` is not followed; None when it may be.

    ``came_from`` are the addresses of the redirecting host, ``leads_to`` those of the target's.
    """
    host, parts = urlsplit(url).hostname or "", urlsplit(target)
    if parts.scheme not in ("http", "https"):
        return Reason.REDIRECT_UNSUPPORTED.failure(host=host, scheme=parts.scheme)
    to = parts.hostname or ""
    from_outside = all(is_public(address) for address in came_from)
    if parts.scheme == "http" and from_outside and not policy.allow_http:
        return Reason.REDIRECT_NOT_ENCRYPTED.failure(host=host, target=to)
    private = [address for address in leads_to if not is_public(address)]
    if from_outside and private and not policy.allow_private_redirects:
        return Reason.REDIRECT_TO_PRIVATE.failure(host=host, target=to, address=private[0])
    return None
