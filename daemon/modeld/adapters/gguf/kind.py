"""What a GGUF file holds, by the properties in its header: a text model or something else.

``general.type`` and the rest are explained in https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

from collections.abc import Mapping

from modeld.adapters.gguf.container import Value
from modeld.protocol.states import ModelKind

_BY_TYPE = {
    "adapter": ModelKind.ADAPTER,
    "mmproj": ModelKind.PROJECTOR,
    "imatrix": ModelKind.IMPORTANCE_MATRIX,
    "vocab": ModelKind.VOCABULARY,
}
_BY_ARCHITECTURE = {
    "clip": ModelKind.PROJECTOR,
    "controlvector": ModelKind.CONTROL_VECTOR,
    "t5": ModelKind.ENCODER_DECODER,
    "wavtokenizer-dec": ModelKind.OTHER,
    **dict.fromkeys(["dream", "llada", "llada-moe", "rnd1"], ModelKind.DIFFUSION),
}
_ENCODERS = frozenset(
    {
        "bert", "nomic-bert", "nomic-bert-moe", "modern-bert", "neo-bert", "jina-bert-v2", "jina-bert-v3", "eurobert",
        "gemma-embedding", "t5encoder",
    }
)  # fmt: skip
_POOLING_NONE, _POOLING_RANK = 0, 4
"""llama.h, llama_pooling_type."""


def kind_of(architecture: str, values: Mapping[str, Value], lengths: Mapping[str, int]) -> ModelKind:
    """The kind of a file with these properties."""
    named = values.get("general.type")
    kind = _BY_TYPE.get(named) if isinstance(named, str) else None
    if kind is None and "adapter.type" in values:
        kind = ModelKind.ADAPTER
    kind = kind or _BY_ARCHITECTURE.get(architecture)
    if kind is not None:
        return kind
    # Any text model has both: llama.cpp refuses to load one without.
    if not lengths.get("tokenizer.ggml.tokens") or not values.get(f"{architecture}.context_length"):
        return ModelKind.OTHER
    pooling = values.get(f"{architecture}.pooling_type", _POOLING_NONE)
    if pooling == _POOLING_RANK:
        return ModelKind.RERANKER
    encodes = architecture in _ENCODERS or values.get(f"{architecture}.attention.causal") == 0
    return ModelKind.EMBEDDING if encodes or pooling != _POOLING_NONE else ModelKind.TEXT
