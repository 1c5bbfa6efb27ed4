"""Model files of other programs on this disk: listed, and used in place when a client imports them."""

import msgspec

from modeld.core.downloads import source
from modeld.core.effects import ScanExternalModels
from modeld.core.facts import ExternalModelsScanned
from modeld.core.models import kinds
from modeld.core.models.library import Library, take_file
from modeld.core.state.model import Model, ModelFact, ModelSpec
from modeld.core.state.outbox import Outbox
from modeld.core.state.state import State
from modeld.core.state.task import Ticket
from modeld.core.state.undo import Tracked
from modeld.protocol import replies, requests
from modeld.protocol.reasons import Reason
from modeld.protocol.views import FoundView, ModelView


class ExternalModels(Tracked):
    """Scans for external models, and imports them."""

    def __init__(self, state: State, outbox: Outbox, library: Library) -> None:
        self._state, self._outbox = state, outbox
        self._library = library

    def scan(self, ticket: Ticket, request: requests.Scan) -> None:
        """Start a scan."""
        self._outbox.do(ScanExternalModels(add=request.add, all=request.all, ticket=ticket))

    def scanned(self, fact: ExternalModelsScanned) -> None:
        """Import what the request names and answer with all that was found; an unknown name imports nothing."""
        found = self._views(fact)
        usable = {view.key: view for view in found if not view.model and view.failure is None}
        unknown = [key for key in fact.add if key not in usable and not any(view.model == key for view in found)]
        if unknown:
            if usable:
                names = ", ".join(usable)
                self._outbox.refuse(fact.ticket, Reason.NOT_IMPORTABLE, key=unknown[0], names=names)
            else:
                self._outbox.refuse(fact.ticket, Reason.NOTHING_IMPORTABLE, key=unknown[0])
            return
        wanted = list(usable) if fact.all else [key for key in dict.fromkeys(fact.add) if key in usable]
        added = [self._import(usable[key]) for key in wanted]
        found = [msgspec.structs.replace(view, model=view.key) if view.key in wanted else view for view in found]
        self._outbox.answer(fact.ticket, replies.Found(found=found, looked=fact.looked, added=added))

    def _views(self, fact: ExternalModelsScanned) -> list[FoundView]:
        """The files found, with the keys they would get, in the same order."""
        by_path = {model.path or model.spec.path: model.key for model in self._state.models.values()}
        views: list[FoundView] = []
        for file in fact.files:
            if file.header is not None and file.header.kind in kinds.ACCESSORIES:
                continue
            wrong = file.failure or kinds.refusal(file.header)
            model = by_path.get(file.path, "")
            taken = [view.key for view in views]
            key = model or self._library.free_key(source.as_key(file.name) or "model", taken)
            views.append(
                FoundView(
                    key=key,
                    program=file.program,
                    name=file.name,
                    path=file.path,
                    size_bytes=file.size_bytes,
                    header=file.header,
                    model=model,
                    failure=wrong,
                )
            )
        return views

    def _import(self, found: FoundView) -> ModelView:
        state, outbox = self._state, self._outbox
        assert found.header is not None
        spec = ModelSpec(
            key=found.key,
            source=found.path,
            path=found.path,
            display_name=found.name.removesuffix(".gguf"),
            description=f"From the folder of {found.program}.",
        )
        model = state.models[found.key] = Model(spec=spec)
        take_file(state, model, found.path, found.header)
        outbox.save(model)
        outbox.move(model, ModelFact.FILE_FOUND)
        return model.view()
