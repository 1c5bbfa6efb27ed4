"""Files that hold no text model: why one cannot be used."""

from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.states import ModelKind
from modeld.protocol.views import HeaderView

_REASONS: dict[str, Reason] = {
    ModelKind.EMBEDDING: Reason.MAKES_EMBEDDINGS,
    ModelKind.RERANKER: Reason.RANKS_TEXTS,
    ModelKind.ENCODER_DECODER: Reason.IS_ENCODER_DECODER,
    ModelKind.DIFFUSION: Reason.IS_DIFFUSION_MODEL,
    ModelKind.ADAPTER: Reason.IS_ADAPTER,
    ModelKind.CONTROL_VECTOR: Reason.IS_CONTROL_VECTOR,
    ModelKind.PROJECTOR: Reason.IS_PROJECTOR,
    ModelKind.IMPORTANCE_MATRIX: Reason.IS_IMPORTANCE_MATRIX,
    ModelKind.VOCABULARY: Reason.IS_VOCABULARY,
}

ACCESSORIES: frozenset[str] = frozenset({ModelKind.PROJECTOR, ModelKind.IMPORTANCE_MATRIX, ModelKind.VOCABULARY})
"""What lies beside models in other programs' folders, and is not shown as one."""


def refusal(header: HeaderView | None) -> Failure | None:
    """Why what the file holds cannot generate text; None for a text model, and where no header was read."""
    if header is None or header.kind == ModelKind.TEXT:
        return None
    reason = _REASONS.get(header.kind)
    return reason.failure() if reason else Reason.NOT_A_TEXT_MODEL.failure(architecture=header.architecture)
