"""What holds for all tests: they read English, whatever the language of the person who runs them."""

import os

os.environ["MODELCTL_LANGUAGE"] = "en"
