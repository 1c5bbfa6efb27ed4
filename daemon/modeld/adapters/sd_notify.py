"""Reports the state of the daemon to systemd, by its protocol (sd_notify(3)): datagrams, no library."""

import logging
import os
import socket

log = logging.getLogger(__name__)


def ready() -> None:
    """It serves now."""
    _tell("READY=1")


def alive() -> None:
    """Report that the daemon is alive; the loop that answers clients calls this."""
    if os.environ.get("WATCHDOG_USEC"):
        _tell("WATCHDOG=1")


def stopping() -> None:
    """It is about to end."""
    _tell("STOPPING=1")


def _tell(state: str) -> None:
    """Send a state to NOTIFY_SOCKET, where that is set; ``@`` begins an abstract address."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
        except OSError as error:
            log.debug("%s cannot be sent to systemd: %s", state, error)
