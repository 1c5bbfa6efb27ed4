"""Backups: reads and merges the settings file and the benchmark runs. It blocks."""

import contextlib
import json
import sqlite3
import tomllib
from pathlib import Path
from typing import Protocol

import msgspec

from modeld import settings
from modeld.core.effects import MergeBackup, ReadBackup
from modeld.core.facts import BackupMerged, BackupRead
from modeld.protocol.errors import Note
from modeld.protocol.reasons import Reason
from modeld.protocol.views import BenchmarkAverage, BenchmarkResult, BenchmarkRun

SECRETS = frozenset({"hub_token"})
"""Settings that are never written to a backup or restored from one."""


class Runs(Protocol):
    """The methods of the store that backups need."""

    def all_runs(self) -> list[BenchmarkRun]: ...  # noqa: D102 - the store says it
    def merge(self, runs: list[BenchmarkRun]) -> int: ...  # noqa: D102
    def latest(self) -> dict[str, BenchmarkResult]: ...  # noqa: D102
    def averages(self) -> dict[str, BenchmarkAverage]: ...  # noqa: D102


class Backups:
    """The settings file and the store."""

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

    def merge(self, effect: MergeBackup) -> BackupMerged:
        """Merge; if the settings are invalid, none of them is restored."""
        so_far = effect.so_far
        try:
            taken, known, refusals = self._take_settings(effect.settings) if effect.settings else ([], [], [])
            added = self._runs.merge(effect.runs)
            return BackupMerged(
                ticket=effect.ticket,
                restored=msgspec.structs.replace(
                    so_far,
                    settings=taken,
                    settings_known=known,
                    runs=added,
                    runs_known=len(effect.runs) - added,
                    refused=[*so_far.refused, *(note.message for note in refusals)],
                    refusals=[*so_far.refusals, *refusals],
                ),
                latest=self._runs.latest(),
                averages=self._runs.averages(),
            )
        except (OSError, sqlite3.Error) as error:
            failure = Reason.BACKUP_NOT_STORED.failure(error=str(error))
            return BackupMerged(ticket=effect.ticket, restored=so_far, failure=failure)

    def _take_settings(self, text: str) -> tuple[list[str], list[str], list[Note]]:
        """Add the settings that are not set here to the file; returns what was added, was already set, was refused."""
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
        if not new:
            return [], known, refusals
        before = self._config_file.read_text(encoding="utf-8") if self._config_file.exists() else ""
        self._config_file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._config_file.with_name(self._config_file.name + ".new")
        try:
            # New lines stand first: in TOML what follows a table's head would belong to it.
            temporary.write_text(_toml(new) + before, encoding="utf-8")
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
