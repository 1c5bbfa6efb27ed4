"""What holds for all tests: they read English, and colours, whatever the environment says; Ctrl-C ends programs.

The German texts are those of the catalogue in git: it is compiled before the tests, since git keeps no compiled one.
A shell starts what runs in its background with SIGINT ignored, which every program started from there would inherit.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

os.environ["MODELCTL_LANGUAGE"] = "en"
os.environ["MODELD_TRAY"] = "0"  # a daemon of a test would put a tray on the real desktop, where it would stay
os.environ.pop("NO_COLOR", None)
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["support.fixtures"]


def pytest_sessionstart() -> None:
    tool = Path(__file__).resolve().parents[1] / "tools" / "compile_catalogues.py"
    subprocess.run([sys.executable, tool], check=True)
