"""The user's display preferences: ``client.toml`` beside the daemon's settings, read by every modelctl program.

An invalid file never keeps a program from starting: its error is shown, and the defaults apply.
"""

import os
from pathlib import Path
from typing import Literal

import msgspec
from modeld.places import Places

from modelctl.language.catalogue import _
from modelctl.language.preference import PREFERENCES_FILE


class PreferencesError(ValueError):
    """The file is invalid; the message says where and why."""


class Notifications(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which kinds of desktop notification are shown."""

    download_finished: bool = True
    download_failed: bool = True
    benchmark_finished: bool = True
    benchmark_failed: bool = True
    model_crashed: bool = True
    disk_low: bool = True
    not_saving: bool = True


class Preferences(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All preferences.

    An empty ``language`` and a ``scale`` of 0 follow the system; ``panel`` is the background colour behind the tray
    icon.
    """

    language: str = ""
    scale: float = 0.0
    start_daemon: bool = False
    panel: Literal["dark", "light"] = "dark"
    notifications: Notifications = Notifications()


def file(places: Places) -> Path:
    """The path of the file."""
    return places.config_dir / PREFERENCES_FILE


def read(places: Places) -> Preferences:
    """This user's preferences; the defaults without a file. Raises PreferencesError.

    The environment variables MODELCTL_LANGUAGE and MODELCTL_SCALE take precedence over the file.
    """
    path = file(places)
    values = _values(path)
    for name in ("language", "scale"):
        value = os.environ.get(f"MODELCTL_{name.upper()}")
        if value:
            values[name] = value
    try:
        return msgspec.convert(values, Preferences, strict=False)
    except msgspec.ValidationError as error:
        wrong = _("A preference in {path} or in the environment is invalid: {error}.")
        raise PreferencesError(wrong.format(path=path, error=error)) from error


def _values(path: Path) -> dict[str, object]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    import tomllib  # imported only if there is a file: the import is slow

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> PreferencesError:
    return PreferencesError(_("{path} cannot be read: {error}.").format(path=path, error=error))
