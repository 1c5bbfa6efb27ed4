"""The context that a model gets."""

from modeld.core.state.model import Model
from modeld.core.state.state import State


def context_size(state: State, model: Model, wanted: int = 0) -> int:
    """The context a load will get: what was asked for or set, at most what the model was trained for."""
    header = model.header or model.remote
    trained = model.spec.context_length or (header.context_length if header else 0)
    size = wanted or state.settings.context_size
    return min(size, trained) if trained and not wanted else size
