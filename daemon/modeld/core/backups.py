"""Backups of settings, added models and benchmark runs; a restore keeps what exists already.

A restore of thousands of models goes in small steps, so that other clients' requests come between. It ends in one
transaction.
"""

from dataclasses import dataclass, field
from typing import TypeVar

from modeld.core.benchmarks import import_results
from modeld.core.effects import Continue, MergeSettings, ReadBackup, SaveBackup
from modeld.core.facts import BackupRead, BackupSaved, SettingsMerged
from modeld.core.models.library import Library
from modeld.core.state.model import Model
from modeld.core.state.outbox import Outbox
from modeld.core.state.state import State
from modeld.core.state.task import Ticket
from modeld.core.state.undo import Tracked
from modeld.protocol import limits, replies, requests
from modeld.protocol.errors import ErrorCode, Note
from modeld.protocol.reasons import Reason
from modeld.protocol.views import AddedModel, Backup, BenchmarkAverage, BenchmarkResult, BenchmarkRun

_V = TypeVar("_V")

FORMAT = 1
"""The format of a backup's file; a later one that cannot be read by this one counts up."""

STEP = 25
"""Models, runs or results in one step of a restore."""


class Backups(Tracked):
    """Makes backups and restores them."""

    def __init__(self, state: State, outbox: Outbox, library: Library) -> None:
        self._state, self._outbox = state, outbox
        self._library = library
        self._restores: dict[Ticket, Restore] = {}

    def read(self, ticket: Ticket) -> None:
        """Answer with everything, once the store has read it."""
        self._outbox.do(ReadBackup(ticket=ticket))

    def on_read(self, fact: BackupRead) -> None:
        """The settings and runs were read: the models that were added come from here."""
        state, outbox = self._state, self._outbox
        if fact.failure is not None:
            outbox.answer(fact.ticket, fact.failure)
            return
        backup = Backup(
            format=FORMAT,
            at=state.at,
            daemon_version=state.daemon.version,
            settings=fact.settings,
            models=[_added(model) for model in state.models.values() if not model.spec.builtin],
            runs=fact.runs,
        )
        outbox.answer(fact.ticket, replies.Backup(backup=backup))

    def restore(self, ticket: Ticket, request: requests.Restore) -> None:
        """Add the models and check the runs, a few at a time; then the database takes all of them or none."""
        if ticket in self._restores:
            self._outbox.turn_away(ticket, Reason.RESTORE_UNDER_WAY.failure(id=ticket.id))
            return
        self._restores[ticket] = Restore(ticket, request, [*request.models, *request.runs, *request.results])
        self.go_on(ticket)

    def go_on(self, ticket: Ticket) -> None:
        """Do the next part of a restore."""
        restore = self._restores.get(ticket)
        if restore is None:
            return
        if restore.items:
            self._take(restore)
        else:
            self._show_results(restore)
        if restore.items or restore.results:
            self._outbox.do(Continue(ticket=ticket))
        elif restore.committed:
            self._finish(restore)
        else:
            self._save(restore)

    def _take(self, restore: "Restore") -> None:
        file_names = self._library.file_names()
        for item in restore.next_of(restore.items):
            if isinstance(item, AddedModel):
                self._take_model(restore, item, file_names)
            else:
                self._take_run(restore, import_results.as_run(item) if isinstance(item, BenchmarkResult) else item)

    def _take_model(self, restore: "Restore", added: AddedModel, file_names: set[str]) -> None:
        failure = limits.exceeded(added) or self._library.restore(added, file_names)
        if failure is None:
            restore.models.append(added.key)
        elif failure.code is ErrorCode.ALREADY_EXISTS:
            restore.models_known.append(added.key)
        else:
            restore.refusals.append(Reason.RESTORE_MODEL_REFUSED.note(key=added.key, why=failure.note()))

    def _take_run(self, restore: "Restore", run: BenchmarkRun) -> None:
        wrong = import_results.wrong_with(run)
        if wrong is None:
            restore.runs.append(run)
        else:
            key, timestamp = run.result.model_key, run.result.timestamp
            restore.refusals.append(Reason.RESTORE_RESULT_REFUSED.note(key=key, timestamp=timestamp, why=wrong))

    def _save(self, restore: "Restore") -> None:
        """Save the models as they are by now: a client may have pinned or removed one of them meanwhile."""
        models = self._state.models
        specs = [models[key].spec for key in restore.models if key in models]
        self._outbox.do(SaveBackup(models=specs, runs=restore.runs, ticket=restore.ticket))

    def saved(self, fact: BackupSaved) -> None:
        """The models and runs are in the database; or not yet, which is the answer."""
        restore = self._restores.get(fact.ticket)
        if restore is None:
            return
        if fact.failure is not None:
            if not restore.answered:
                restore.answered = True
                self._outbox.answer(fact.ticket, fact.failure)
            return
        restore.committed = True
        restore.added_runs = fact.added_runs
        restore.results = [(key, latest, fact.averages.get(key)) for key, latest in fact.latest.items()]
        self.go_on(fact.ticket)

    def forget(self, ticket: Ticket) -> None:
        """Forget a restore that cannot be finished."""
        self._restores.pop(ticket, None)

    def _show_results(self, restore: "Restore") -> None:
        for key, latest, average in restore.next_of(restore.results):
            model = self._state.models.get(key)
            if model is not None and (model.latest, model.average) != (latest, average):
                model.latest, model.average = latest, average
                self._outbox.publish_model(model)

    def _finish(self, restore: "Restore") -> None:
        if restore.answered:
            del self._restores[restore.ticket]
        elif restore.request.settings:
            trust = restore.request.trust_settings
            self._outbox.do(MergeSettings(settings=restore.request.settings, trust=trust, ticket=restore.ticket))
        else:
            self.settings_merged(SettingsMerged(ticket=restore.ticket))

    def settings_merged(self, fact: SettingsMerged) -> None:
        """The settings were merged as well: the restore is complete."""
        restore = self._restores.pop(fact.ticket, None)
        if restore is not None and not restore.answered:
            self._outbox.answer(fact.ticket, fact.failure or _restored(restore, fact))


@dataclass
class Restore(Tracked):
    """A restore under way: the ``items`` that are to be looked at, what was done, and ``results`` that are to be shown.

    ``answered`` is true where the answer was that it could not be saved; it may be saved later.
    """

    ticket: Ticket
    request: requests.Restore
    items: list[AddedModel | BenchmarkRun | BenchmarkResult]
    models: list[str] = field(default_factory=list)
    models_known: list[str] = field(default_factory=list)
    refusals: list[Note] = field(default_factory=list)
    runs: list[BenchmarkRun] = field(default_factory=list)
    added_runs: int = 0
    results: list[tuple[str, BenchmarkResult, BenchmarkAverage | None]] = field(default_factory=list)
    committed: bool = False
    answered: bool = False

    @staticmethod
    def next_of(items: "list[_V]") -> "list[_V]":
        """Take the next few items off a list."""
        taken = items[:STEP]
        del items[:STEP]
        return taken


def _restored(restore: Restore, merged: SettingsMerged) -> replies.Restored:
    refusals = [*merged.refusals, *restore.refusals]
    return replies.Restored(
        models=restore.models,
        models_known=restore.models_known,
        runs=restore.added_runs,
        runs_known=len(restore.runs) - restore.added_runs,
        settings=merged.added,
        settings_known=merged.known,
        refused=[note.message for note in refusals],
        refusals=refusals,
    )


def _added(model: Model) -> AddedModel:
    spec = model.spec
    return AddedModel(
        key=spec.key,
        source=spec.source,
        display_name=spec.display_name,
        description=spec.description,
        sha256=spec.sha256,
        size_bytes=spec.size_bytes,
        context_length=spec.context_length,
        pinned=spec.pinned,
    )
