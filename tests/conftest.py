"""What holds for all tests: they read English, whatever language the person has, and Ctrl-C ends programs.

A shell starts what runs in its background with SIGINT ignored, which every program started from there would inherit.
"""

import os
import signal

os.environ["MODELCTL_LANGUAGE"] = "en"
os.environ["MODELD_TRAY"] = "0"  # one that a test's daemon puts on the person's own desktop would stay there
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["support.fixtures"]
