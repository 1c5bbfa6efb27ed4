"""The programs to start: the interpreter and the home at the time of installation."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

KEPT = ("MODELD_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
"""Variables that decide where all files are: without one of them, the service would use another home."""


@dataclass(frozen=True)
class Program:
    """``python`` runs the modules; ``environment``: the variables that they need besides the system's."""

    python: Path
    environment: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_this_python(cls) -> "Program":
        """This interpreter (the virtual environment's, not its base), and the current paths."""
        kept = tuple((name, os.environ[name]) for name in KEPT if os.environ.get(name))
        return cls(Path(sys.executable).absolute(), kept)

    def daemon(self, *options: str) -> tuple[str, ...]:
        """The daemon's command line. -P: a folder "modeld" in the current directory must not shadow it."""
        return (str(self.python), "-P", "-m", "modeld", *options)

    def tray(self) -> tuple[str, ...]:
        """The tray's command line."""
        return (str(self.python), "-P", "-m", "modelctl", "tray")
