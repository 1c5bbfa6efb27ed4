"""``modeld``: arguments, logging, the single-instance lock, and the exit code."""

import argparse
import asyncio
import logging
import logging.handlers
import os
import sys
import time

import msgspec

from modeld import __version__, places, settings
from modeld.adapters import starts
from modeld.adapters.lock import AlreadyRunningError, HomeError, hold, private_folder
from modeld.adapters.starts import CrashLoopError
from modeld.adapters.store import StoreError
from modeld.protocol.connection import ALREADY_RUNNING_EXIT
from modeld.protocol.keys import KeyFileError
from modeld.transport.binding import BindError

LOG_BYTES = 2 * 1024 * 1024
LOG_FILES = 3

EXIT_FAILURE = 1
EXIT_USAGE = 2


def main(arguments: list[str] | None = None) -> int:
    """Run the daemon in the foreground; returns the exit code (0 after an orderly stop)."""
    parser = argparse.ArgumentParser(
        prog="modeld",
        description="The daemon that owns your local GGUF models, in the foreground. In the background: modelctl up",
    )
    parser.add_argument("--version", action="version", version=f"modeld {__version__}")
    parser.add_argument("--no-tray", action="store_true", help="start no tray icon and show no notifications")
    parser.add_argument(
        "--listen",
        metavar="tcp://ADDRESS:PORT",
        help="serve other machines too: those whose keys are allowed (modelctl keys); events go to the next port",
    )
    parser.add_argument("--check", action="store_true", help="print the settings as JSON, secrets left out, and end")
    options = parser.parse_args(arguments)
    os.umask(0o077)  # logs, results and the names of models are private
    here = places.find()
    try:
        given = {} if options.listen is None else {"MODELD_LISTEN": options.listen}
        chosen = settings.read(here.config_file, os.environ | given)
        if options.no_tray:
            chosen = msgspec.structs.replace(chosen, tray=False)
        if options.check:
            print(msgspec.json.encode(msgspec.structs.replace(chosen, hub_token="")).decode())
            return 0
        private_folder(here.runtime_dir)
        lock = hold(here.lock_file)
    except settings.SettingsError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USAGE
    except HomeError as error:
        print(f"error: {error.failure.in_full()}", file=sys.stderr)
        return ALREADY_RUNNING_EXIT if isinstance(error, AlreadyRunningError) else EXIT_FAILURE
    from modeld.daemon import (
        Daemon,  # what it needs is not installed with the client alone, where --version still works
    )

    with lock:
        try:
            _log_to(here, chosen.log_level)
            unclean = starts.begin(here.starts_file, here.log_file, time.time())
            # ZeroMQ's descriptors can be waited for by a selector only, which is not what Windows has by default.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(Daemon(here, chosen, unclean=unclean).run())
            starts.end(here.starts_file)
        except (StoreError, BindError, KeyFileError, CrashLoopError, OSError) as error:
            if not isinstance(error, CrashLoopError):
                starts.end(here.starts_file)
            text = str(error) if isinstance(error, OSError) else error.failure.in_full()
            logging.getLogger("modeld").error("%s", text)
            print(f"error: {text}", file=sys.stderr)
            return EXIT_FAILURE
    logging.getLogger("modeld").info("stopped")
    return 0


def _log_to(here: places.Places, level: str) -> None:
    here.state_dir.mkdir(parents=True, exist_ok=True)
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    file = logging.handlers.RotatingFileHandler(
        here.log_file, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8"
    )
    handlers: list[logging.Handler] = [file]
    if sys.stderr is not None and sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    logging.basicConfig(level=level.upper(), format=form, handlers=handlers)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    logging.getLogger("modeld").info("modeld %s begins", __version__)


if __name__ == "__main__":
    sys.exit(main())
