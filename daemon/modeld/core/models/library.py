"""Which models there are: adding, showing, removing, and what was found on disk."""

from collections.abc import Collection

import msgspec

from modeld.core.downloads import source
from modeld.core.effects import ForgetModel, Inspect, LookForFiles, RemoveFiles
from modeld.core.facts import FileInspected, FileRemoved, FilesLookedFor
from modeld.core.memory import estimate, fit
from modeld.core.memory.context import context_size
from modeld.core.models import kinds
from modeld.core.state.model import Model, ModelFact, ModelSpec
from modeld.core.state.outbox import Outbox
from modeld.core.state.state import State
from modeld.core.state.task import Ticket
from modeld.core.state.undo import Tracked
from modeld.protocol import events, replies, requests
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.states import HAS_FILE, HAS_WORKER, JobKind, ModelState
from modeld.protocol.views import AddedModel, HeaderView

LOOK_S = 10.0
"""How often the files of models on disk are checked."""

LARGEST_BELIEVED = 10**15
"""Above the bytes of any model, and its context."""


class Library(Tracked):
    """The models that are known, and their files."""

    def __init__(self, state: State, outbox: Outbox) -> None:
        self._state, self._outbox = state, outbox
        self.inspecting: set[str] = set()
        self._looked = 0.0
        self._looking = False

    def remember(self, specs: list[ModelSpec]) -> None:
        """Add the remembered models at the start, and inspect their files."""
        for spec in specs:
            self._state.models[spec.key] = Model(spec=spec)
            self.inspecting.add(spec.key)
            self._outbox.do(Inspect(model=spec.key, path=spec.path, file_name=spec.file_name))

    def add(self, ticket: Ticket, request: requests.Add) -> None:
        """Add a model; its file is inspected first."""
        outbox = self._outbox
        spec = self._spec(request.model, request.source, request.sha256, self.file_names())
        if isinstance(spec, Failure):
            outbox.answer(ticket, spec)
            return
        spec = msgspec.structs.replace(spec, display_name=request.display_name, description=request.description)
        self._inspect(spec, ticket)

    def restore(self, added: AddedModel, file_names: set[str]) -> Failure | None:
        """Add a model of a backup, whether its file exists or not; returns what is wrong with it, or None.

        ``file_names`` are those of all models, and this one's is added to them. The caller saves the model.
        """
        spec = self._spec(added.key, added.source, added.sha256, file_names)
        if isinstance(spec, Failure):
            return spec
        spec = msgspec.structs.replace(
            spec,
            display_name=added.display_name,
            description=added.description,
            size_bytes=_believed(added.size_bytes),
            context_length=_believed(added.context_length),
            pinned=added.pinned,
        )
        file_names.add(spec.file_name.lower())
        self._inspect(spec, None)
        return None

    def _inspect(self, spec: ModelSpec, ticket: Ticket | None) -> None:
        model = self._state.models[spec.key] = Model(spec=spec)
        self._outbox.publish_model(model)
        self.inspecting.add(spec.key)
        self._outbox.do(Inspect(model=spec.key, path=spec.path, file_name=spec.file_name, ticket=ticket))

    def _spec(self, key: str, wanted_source: str, sha256: str, file_names: set[str]) -> ModelSpec | Failure:
        """The spec of a new model, or why it cannot be added."""
        state = self._state
        if not source.KEY.fullmatch(key):
            return Reason.KEY_INVALID.failure(key=key)
        if key in state.models:
            return Reason.MODEL_EXISTS.failure(key=key)
        if sha256 and not _is_sha256(sha256):
            return Reason.SHA256_INVALID.failure()
        origin = source.parse(wanted_source, state.settings.allow_http)
        if isinstance(origin, Failure):
            return origin
        file_name = _free_name(key, origin.file_name, file_names)
        return ModelSpec(key=key, source=wanted_source, file_name=file_name, path=origin.path, sha256=sha256.lower())

    def file_names(self) -> set[str]:
        """The files of all models in the models folder, in lower case."""
        names: set[str] = set()
        for model in self._state.models.values():  # for thousands of models at each add: as plain as can be
            spec = model.spec
            if spec.parts:
                names.update(part.file_name.lower() for part in spec.parts)
            else:
                names.add(spec.file_name.lower())
        return names

    def inspected(self, fact: FileInspected) -> None:
        """A model's file was inspected: move the model to its state, and answer the client that added it."""
        state, outbox = self._state, self._outbox
        self.inspecting.discard(fact.model)
        model = state.models[fact.model]
        wrong = fact.failure or kinds.refusal(fact.header)
        if fact.ticket is not None and model.spec.path and (fact.header is None or wrong is not None):
            del state.models[fact.model]
            outbox.publish(events.ModelRemoved(model=fact.model))
            outbox.answer(fact.ticket, wrong or Reason.FILE_NOT_FOUND.failure(path=fact.path))
            return
        if fact.ticket is None and fact.failure is not None and fact.failure == model.failure:
            return
        model.fail(fact.failure)
        if model.spec.path and fact.header is None and fact.failure is None:
            model.path = fact.path
            model.fail(_gone(model))
        if fact.header is not None and model.state is ModelState.ABSENT:
            take_file(state, model, fact.path, fact.header)
            outbox.move(model, ModelFact.FILE_FOUND)
        else:
            outbox.publish_model(model)
        if fact.ticket is not None:
            outbox.save(model)
            outbox.answer(fact.ticket, replies.Model(model=model.view()))

    def model_for(self, ticket: Ticket, where: str) -> str:
        """The key of the model with this source, which is added if it is new; empty after refusing the request."""
        state, outbox = self._state, self._outbox
        for model in state.models.values():
            if model.spec.source == where:
                return model.key
        origin = source.parse(where, state.settings.allow_http)
        if isinstance(origin, Failure):
            outbox.answer(ticket, origin)
            return ""
        key = self.free_key(source.suggested_key(where))
        if not key:
            outbox.refuse(ticket, Reason.SOURCE_WITHOUT_KEY, source=where)
            return ""
        spec = ModelSpec(key=key, source=where, file_name=_free_name(key, origin.file_name, self.file_names()))
        state.models[key] = Model(spec=spec)
        outbox.save(state.models[key])
        outbox.publish_model(state.models[key])
        return key

    def free_key(self, wanted: str, also: Collection[str] = ()) -> str:
        """``wanted``, or with a number behind it where that is a model's (or one of ``also``)."""
        key, number = wanted, 1
        while wanted and (key in self._state.models or key in also):
            number += 1
            key = f"{wanted[:60]}-{number}"
        return key

    def show(self, ticket: Ticket, model: Model) -> None:
        """Answer with one model; whether it fits holds for this moment, so it is in the answer only."""
        view = model.view()
        if model.header is not None and model.state in HAS_FILE:
            size = model.loaded.context_size if model.loaded else context_size(self._state, model)
            fits = fit.estimate(model.header, model.file_bytes, size, self._state.system)
            view = msgspec.structs.replace(view, fits=fits)
        self._outbox.answer(ticket, replies.Model(model=view))

    def look_for_files(self) -> None:
        """Check every few seconds whether the files of unloaded models exist, and whether vanished files are back."""
        state, outbox = self._state, self._outbox
        if self._looking or state.clock - self._looked < LOOK_S:
            return
        self._looked = state.clock
        paths = {
            key: _paths(model)
            for key, model in state.models.items()
            if key not in state.removing and (_rests(model) or _vanished(model))
        }
        if paths:
            self._looking = True
            outbox.do(LookForFiles(paths=paths))

    def looked(self, fact: FilesLookedFor) -> None:
        """Files vanished, so their models are absent and say why; or vanished files are back."""
        self._looking = False
        state, outbox = self._state, self._outbox
        models = state.models
        for key in fact.gone:
            if key in models and _rests(models[key]) and key not in self._state.removing:
                outbox.move(models[key], ModelFact.REMOVED, Reason.FILE_GONE.note(), _gone(models[key]))
        for key in fact.there:
            busy = key in self.inspecting or key in state.removing
            if key in models and _vanished(models[key]) and not busy:
                spec = models[key].spec
                self.inspecting.add(key)
                outbox.do(Inspect(model=key, path=spec.path, file_name=spec.file_name))

    def pin(self, ticket: Ticket, request: requests.Pin) -> None:
        """Keep a model loaded, or stop doing so."""
        model = self._state.find(request.model)
        if isinstance(model, Failure):
            self._outbox.answer(ticket, model)
            return
        model.pin(request.pinned)
        self._outbox.save(model)
        self._outbox.publish_model(model)
        self._outbox.answer(ticket, replies.Model(model=model.view()))

    def remove(self, ticket: Ticket, request: requests.Remove) -> None:
        """Remove a model, unless it is in use; a file used in place is never deleted."""
        state, outbox = self._state, self._outbox
        model = state.find(request.model)
        if isinstance(model, Failure):
            outbox.answer(ticket, model)
            return
        key = model.key
        if model.state in HAS_WORKER:
            outbox.refuse(ticket, Reason.MODEL_IN_MEMORY, key=key)
        elif key in state.wanted:
            outbox.refuse(ticket, Reason.MODEL_WAITS_FOR_MEMORY, key=key)
        elif key in state.removing or key in self.inspecting:
            outbox.refuse(ticket, Reason.MODEL_FILE_BUSY, key=key)
        elif (job := state.job_of(key)) is not None:
            is_download = job.kind is JobKind.PULL
            outbox.refuse(ticket, Reason.MODEL_HAS_DOWNLOAD if is_download else Reason.MODEL_HAS_BENCHMARK, key=key)
        elif request.keep_file or model.spec.path:
            self._drop(model)
            notes = [Reason.FILE_KEPT.note(path=model.path)] if model.path else []
            outbox.answer(ticket, replies.done(*notes))
        else:
            self._state.removing.add(key)
            outbox.do(RemoveFiles(model=key, file_names=model.spec.file_names, ticket=ticket))

    def removed(self, fact: FileRemoved) -> None:
        """The files were deleted, or could not be: then the model stays."""
        self._state.removing.discard(fact.model)
        if fact.failure is not None:
            self._outbox.answer(fact.ticket, fact.failure)
            return
        self._drop(self._state.models[fact.model])
        self._outbox.answer(fact.ticket, replies.done(Reason.MODEL_REMOVED.note(key=fact.model)))

    def give_up_looking(self) -> None:
        """What the look for files found could not be handled; the next one comes in time."""
        self._looking = False

    def is_removing(self, key: str) -> bool:
        """Whether the model's files are being deleted now."""
        return key in self._state.removing

    def _drop(self, model: Model) -> None:
        """Forget a model; a model of the catalogue stays, without its file."""
        state, outbox = self._state, self._outbox
        if model.state in HAS_FILE:
            model.move(ModelFact.REMOVED)
        outbox.do(ForgetModel(model=model.key))
        if model.spec.builtin:
            model.forget_file()
            outbox.publish_model(model)
        else:
            del state.models[model.key]
            outbox.publish(events.ModelRemoved(model=model.key))


def _free_name(key: str, file_name: str, taken: set[str]) -> str:
    return f"{key}--{file_name}" if file_name and file_name.lower() in taken else file_name


def _believed(number: int) -> int:
    """A number of a backup, or 0 (unknown) where it cannot be true."""
    return number if 0 <= number <= LARGEST_BELIEVED else 0


def _rests(model: Model) -> bool:
    return model.state is ModelState.ON_DISK


def _vanished(model: Model) -> bool:
    """Whether the file of a model has vanished."""
    failure = model.failure
    return model.state is ModelState.ABSENT and failure is not None and failure.code is ErrorCode.NOT_ON_DISK


def _paths(model: Model) -> list[str]:
    """All files of a model that was downloaded; the (first) one of a model in place."""
    folder = model.path[: -len(model.spec.file_name)] if model.spec.file_name else ""
    return [folder + part.file_name for part in model.spec.parts] or [model.path]


def _gone(model: Model) -> Failure:
    reason = Reason.FILE_IN_PLACE_GONE if model.spec.path else Reason.DOWNLOADED_FILE_GONE
    return reason.failure(path=model.path, key=model.key)


def take_file(state: State, model: Model, path: str, header: HeaderView) -> None:
    """Note what a model's file is, and what memory it will need."""
    model.take_file(path, header)
    model.estimated_bytes = estimate.estimate_bytes(header, header.file_bytes, context_size(state, model))


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and all(digit in "0123456789abcdefABCDEF" for digit in text)
