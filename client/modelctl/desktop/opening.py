"""Opens a file or folder with the desktop's default program."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def open_path(path: Path) -> bool:
    """Open ``path`` like a double click would; False if no program is available."""
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
