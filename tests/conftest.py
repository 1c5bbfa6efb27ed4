"""What holds for all tests: they read English, and colours, whatever the environment says; Ctrl-C ends programs.

A shell starts what runs in its background with SIGINT ignored, which every program started from there would inherit.
"""

import os
import signal

os.environ["MODELCTL_LANGUAGE"] = "en"
os.environ["MODELD_TRAY"] = "0"  # a daemon of a test would put a tray on the real desktop, where it would stay
os.environ.pop("NO_COLOR", None)
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["support.fixtures"]
