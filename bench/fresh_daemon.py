"""A daemon in a temporary home, for one benchmark."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from modelctl.client import Client

MODELCTL = Path(sys.executable).with_name("modelctl")
NOT_OURS = ("LLM_", "LLAMA_", "MODELD_")


@contextlib.contextmanager
def running(settings: Mapping[str, str]) -> Iterator[tuple[Client, dict[str, str]]]:
    """A client of a fresh daemon with ``settings`` in its environment, and that environment for commands."""
    with tempfile.TemporaryDirectory(prefix="modeld-bench-") as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)}
        environment |= {"MODELD_HOME": folder, "MODELD_TRAY": "0", **settings}
        from modeld import places

        subprocess.run([MODELCTL, "up"], env=environment, check=True, stdout=subprocess.DEVNULL)
        try:
            with Client(places.find(environment)) as client:
                yield client, environment
        finally:
            subprocess.run([MODELCTL, "down"], env=environment, check=True, stdout=subprocess.DEVNULL)
