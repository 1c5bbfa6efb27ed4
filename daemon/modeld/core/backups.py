"""Backups of settings, added models and benchmark runs; a restore keeps what exists already."""

from modeld.core.benchmarks import import_results
from modeld.core.effects import MergeBackup, ReadBackup
from modeld.core.facts import BackupMerged, BackupRead
from modeld.core.models.library import Library
from modeld.core.state.model import Model
from modeld.core.state.outbox import Outbox
from modeld.core.state.state import State
from modeld.core.state.task import Ticket
from modeld.protocol import limits, replies, requests
from modeld.protocol.errors import ErrorCode, Note
from modeld.protocol.reasons import Reason
from modeld.protocol.views import AddedModel, Backup

FORMAT = 1
"""The format of a backup's file; a later one that cannot be read by this one counts up."""


class Backups:
    """Makes backups and restores them."""

    def __init__(self, state: State, outbox: Outbox, library: Library) -> None:
        self._state, self._outbox = state, outbox
        self._library = library

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
        """Add the models; an adapter merges the settings and runs."""
        taken: list[str] = []
        known: list[str] = []
        refusals: list[Note] = []
        for added in request.models:
            failure = limits.exceeded(added) or self._library.restore(added)
            if failure is None:
                taken.append(added.key)
            elif failure.code is ErrorCode.ALREADY_EXISTS:
                known.append(added.key)
            else:
                refusals.append(Reason.RESTORE_MODEL_REFUSED.note(key=added.key, why=failure.note()))
        runs = []
        for run in [*request.runs, *map(import_results.as_run, request.results)]:
            wrong = import_results.wrong_with(run)
            if wrong is not None:
                result = run.result
                refusals.append(
                    Reason.RESTORE_RESULT_REFUSED.note(key=result.model_key, timestamp=result.timestamp, why=wrong)
                )
            else:
                runs.append(run)
        so_far = replies.Restored(
            models=taken, models_known=known, refused=[note.message for note in refusals], refusals=refusals
        )
        self._outbox.do(MergeBackup(settings=request.settings, runs=runs, so_far=so_far, ticket=ticket))

    def merged(self, fact: BackupMerged) -> None:
        """Settings and runs were merged: the models show their new results."""
        state, outbox = self._state, self._outbox
        for key, latest in fact.latest.items():
            model = state.models.get(key)
            average = fact.averages.get(key)
            if model is not None and (model.latest, model.average) != (latest, average):
                model.latest, model.average = latest, average
                outbox.publish_model(model)
        outbox.answer(fact.ticket, fact.failure or fact.restored)


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
