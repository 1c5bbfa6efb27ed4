"""Backups: reads the settings file and the benchmark runs, and merges settings. It blocks."""

import contextlib
import json
import os
import sqlite3
import tomllib
from pathlib import Path
from typing import Protocol

from modeld import settings
from modeld.core.effects import MergeSettings, ReadBackup
from modeld.core.facts import BackupRead, SettingsMerged
from modeld.protocol.errors import Note
from modeld.protocol.reasons import Reason
from modeld.protocol.views import BenchmarkRun

SECRETS = frozenset({"hub_token"})
"""Settings that are never written to a backup or restored from one."""


NEED_AGREEMENT = frozenset(
    {
        "models_dir",
        "hub_endpoint",
        "allow_http",
        "allow_private_redirects",
        "listen",
        "max_requests_per_s",
        "max_open_requests",
    }
)
"""Settings that could send the token elsewhere, open the daemon to others or write elsewhere."""


class Runs(Protocol):
    """The method of the database that backups need."""

    def all_runs(self) -> list[BenchmarkRun]: ...  # noqa: D102 - the database says it


class Backups:
    """The settings file and the runs."""

    def __init__(self, config_file: Path, runs: Runs) -> None:
        self._config_file = config_file
        self._runs = runs

    def read(self, effect: ReadBackup) -> BackupRead:
        """Everything that belongs in a backup."""
        try:
            own = _values(self._config_file)
            return BackupRead(ticket=effect.ticket, settings=_toml(own), runs=self._runs.all_runs())
        except settings.SettingsError as error:
            return BackupRead(ticket=effect.ticket, failure=Reason.SETTINGS_NOT_READABLE.failure(why=error.note))
        except (OSError, sqlite3.Error) as error:
            return BackupRead(ticket=effect.ticket, failure=Reason.BACKUP_NOT_READABLE.failure(error=str(error)))

    def merge(self, effect: MergeSettings) -> SettingsMerged:
        """Add the settings that are not set here to the file; if one is invalid, none of them."""
        try:
            added, known, refusals = self._take_settings(effect.settings, effect.trust)
        except OSError as error:
            failure = Reason.BACKUP_NOT_STORED.failure(error=str(error))
            return SettingsMerged(ticket=effect.ticket, failure=failure)
        return SettingsMerged(ticket=effect.ticket, added=added, known=known, refusals=refusals)

    def _take_settings(self, text: str, trust: bool) -> tuple[list[str], list[str], list[Note]]:
        """Which settings were added, which are set already, and why others were not taken."""
        try:
            theirs = tomllib.loads(text)
            ours = _values(self._config_file)
        except tomllib.TOMLDecodeError as error:
            return [], [], [Reason.RESTORE_SETTINGS_INVALID.note(error=str(error))]
        except settings.SettingsError as error:
            return [], [], [Reason.RESTORE_SETTINGS_INVALID.note(error=error.note)]
        new = {name: value for name, value in theirs.items() if name not in ours and name not in SECRETS}
        known = [name for name in theirs if name in ours]
        refusals = [Reason.RESTORE_SECRET_REFUSED.note(name=name) for name in theirs if name in SECRETS]
        for name in [name for name in new if name in NEED_AGREEMENT and not trust]:
            refusals.append(
                Reason.RESTORE_SETTING_HELD_BACK.note(name=name, value=json.dumps(new.pop(name), default=str))
            )
        if not new:
            return [], known, refusals
        before = self._config_file.read_text(encoding="utf-8") if self._config_file.exists() else ""
        self._config_file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._config_file.with_name(self._config_file.name + ".new")
        try:
            # New lines stand first: in TOML what follows a table's head would belong to it.
            with temporary.open("w", encoding="utf-8") as file:
                file.write(_toml(new) + before)
                file.flush()
                os.fsync(file.fileno())
            settings.read(temporary, {}, origin=Reason.BACKUP_ORIGIN.note())
            if self._config_file.exists():
                temporary.chmod(self._config_file.stat().st_mode & 0o777)
            temporary.replace(self._config_file)
        except settings.SettingsError as error:
            return [], known, [*refusals, Reason.RESTORE_SETTINGS_INVALID.note(error=error.note)]
        except TypeError as error:
            return [], known, [*refusals, Reason.RESTORE_SETTINGS_INVALID.note(error=str(error))]
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
        return list(new), known, refusals


def _values(config_file: Path) -> dict[str, object]:
    """What the file sets. Raises SettingsError."""
    settings.read(config_file, {})
    return tomllib.loads(config_file.read_text(encoding="utf-8")) if config_file.exists() else {}


def _toml(values: dict[str, object]) -> str:
    """Settings as TOML, without secrets; each is a string, a number or a flag, and JSON writes those as TOML does."""
    shown = {name: value for name, value in values.items() if name not in SECRETS}
    return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in shown.items())
