"""What a person set for what they see: ``client.toml`` beside the daemon's settings, read by every modelctl program.

A wrong file never keeps a program from starting: its message is shown, and the defaults count.
"""

import os
import tomllib
from pathlib import Path
from typing import Literal

import msgspec
from modeld.places import Places


class PreferencesError(ValueError):
    """The file cannot be used; the message says what and why."""


class Notifications(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which kinds of desktop notification are shown."""

    download_finished: bool = True
    download_failed: bool = True
    benchmark_finished: bool = True
    benchmark_failed: bool = True
    model_crashed: bool = True
    disk_low: bool = True


class Preferences(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them.

    ``language`` empty and ``scale`` 0 follow the system; ``panel`` is the colour behind the tray icon.
    """

    language: str = ""
    scale: float = 0.0
    panel: Literal["dark", "light"] = "dark"
    notifications: Notifications = Notifications()


def file(places: Places) -> Path:
    """Where they are kept."""
    return places.config_dir / "client.toml"


def read(places: Places) -> Preferences:
    """The preferences of this user; the defaults without a file. Raises PreferencesError.

    The environment variables MODELCTL_LANGUAGE and MODELCTL_SCALE win over the file.
    """
    path = file(places)
    try:
        values: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        values = {}
    except (OSError, ValueError) as error:
        raise PreferencesError(f"{path} cannot be read: {error}.") from error
    for name in ("language", "scale"):
        value = os.environ.get(f"MODELCTL_{name.upper()}")
        if value:
            values[name] = value
    try:
        return msgspec.convert(values, Preferences, strict=False)
    except msgspec.ValidationError as error:
        raise PreferencesError(f"A preference in {path} or the environment is wrong: {error}.") from error
