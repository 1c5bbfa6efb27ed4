"""Which models are available for chat, their list labels, and the selected one; pure."""

from collections.abc import Sequence

from modeld.protocol.states import HAS_FILE, IN_MEMORY, ModelState
from modeld.protocol.views import ModelView, Snapshot

from modelctl.language.catalogue import _


def talkable(snapshot: Snapshot) -> Sequence[ModelView]:
    """The models on disk: those in memory first, the active one before the others."""
    there = [model for model in snapshot.models if model.state in HAS_FILE]
    return sorted(there, key=lambda model: (model.state not in IN_MEMORY, not model.active))


def label(model: ModelView) -> str:
    """A model's line in the list."""
    return f"{model.key.upper()}  ·  {_state(model.state)}"


def choice(models: Sequence[ModelView], wanted: str) -> ModelView | None:
    """The model with key ``wanted`` if it is on disk, else the best available one."""
    return next((model for model in models if model.key == wanted), models[0] if models else None)


def waiting(model: ModelView | None) -> str:
    """What an answer that has not started is waiting for."""
    if model is None or model.state in IN_MEMORY:
        return _("Reading the question …")
    return _("Loading {key} …").format(key=model.key.upper())


def _state(state: ModelState) -> str:
    if state is ModelState.BUSY:
        return _("is answering")
    if state is ModelState.LOADED:
        return _("loaded")
    if state is ModelState.LOADING:
        return _("is being loaded")
    if state is ModelState.UNLOADING:
        return _("is being unloaded")
    return _("on disk, loads with the first question")
