"""The fallback backend: writes a notice to the program's log."""

import logging

from modelctl.desktop.notices.notice import Notice

log = logging.getLogger("modelctl.desktop.notices")


class LogBackend:
    """Writes notices to the log; always available."""

    name = "log"
    replaces = False

    def send(self, notice: Notice) -> str:
        """Log the notice as one line."""
        log.info("%s: %s", notice.title, notice.body.replace("\n", " "))
        return self.name

    def close(self) -> None:
        """Nothing to release."""
