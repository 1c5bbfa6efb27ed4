"""Tells whoever started the daemon that it is ready, by systemd's protocol (sd_notify(3)): one datagram, no library."""

import os
import socket


def ready() -> None:
    """Say READY=1 to NOTIFY_SOCKET, where that is set; ``@`` begins an abstract address."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address and hasattr(socket, "AF_UNIX"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"READY=1", "\0" + address[1:] if address.startswith("@") else address)
