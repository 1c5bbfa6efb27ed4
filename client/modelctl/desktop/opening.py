"""Showing a file or a folder in the program that this desktop opens it with."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def open_path(path: Path) -> bool:
    """Open ``path`` as a double click would; False where nothing is there to open it with."""
    if sys.platform == "win32":
        os.startfile(path)
        return True
    program = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if program is None:
        return False
    subprocess.Popen(
        [program, str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return True
