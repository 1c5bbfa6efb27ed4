"""What is started: the interpreter and the home that the person installed with."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

KEPT = ("MODELD_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
"""Variables that decide where everything lies: a service that lost one would serve another home."""


@dataclass(frozen=True)
class Program:
    """``python`` runs the modules; ``environment`` is what they need besides the system's own."""

    python: Path
    environment: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_this_python(cls) -> "Program":
        """This interpreter (not the one its virtual environment was made with), and where things live now."""
        kept = tuple((name, os.environ[name]) for name in KEPT if os.environ.get(name))
        return cls(Path(sys.executable).absolute(), kept)

    def daemon(self, *options: str) -> tuple[str, ...]:
        """The daemon's command line. -P: a folder called "modeld" in the current one is not the daemon."""
        return (str(self.python), "-P", "-m", "modeld", *options)

    def tray(self) -> tuple[str, ...]:
        """The tray's command line."""
        return (str(self.python), "-P", "-m", "modelctl", "tray")
