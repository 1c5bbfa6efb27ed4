"""Why a file could not be loaded: the reason that fits the words of llama.cpp."""

from modeld.protocol.errors import Failure, Note
from modeld.protocol.reasons import Reason
from modeld.worker import native

_BY_WORDS = {
    "failed to open": Reason.MODEL_NOT_OPENED,
    "unknown model architecture": Reason.MODEL_TOO_NEW,
    "invalid ggml type": Reason.MODEL_TOO_NEW,
    "unknown pre-tokenizer": Reason.MODEL_TOO_NEW,
    "unknown tokenizer": Reason.MODEL_TOO_NEW,
    "CLIP cannot be used": Reason.MODEL_NOT_FOR_LLAMA_CPP,
    "wrong number of tensors": Reason.MODEL_NOT_FOR_LLAMA_CPP,
    "missing tensor": Reason.MODEL_NOT_FOR_LLAMA_CPP,
    "wrong shape": Reason.MODEL_NOT_FOR_LLAMA_CPP,
    "key not found in model": Reason.MODEL_NOT_FOR_LLAMA_CPP,
    "cannot find tokenizer": Reason.MODEL_NOT_FOR_LLAMA_CPP,
    "not within the file bounds": Reason.MODEL_DAMAGED,
    "invalid magic": Reason.MODEL_DAMAGED,
    "failed to read": Reason.MODEL_DAMAGED,
    "allocate": Reason.MODEL_WITHOUT_MEMORY,
    "bad_alloc": Reason.MODEL_WITHOUT_MEMORY,
    "mmap failed": Reason.MODEL_WITHOUT_MEMORY,
}
"""Words of an error of llama.cpp -> the reason. The first that occurs counts."""


def cause() -> Note:
    """What llama.cpp logged as an error first: later lines only say what failed because of it."""
    return _first(native.take_errors())


def not_loaded(path: str) -> Failure:
    """The failure of a file that llama.cpp has just refused to load."""
    errors = native.take_errors()
    text = "\n".join(errors)
    fitting = [reason for words, reason in _BY_WORDS.items() if words in text] or [Reason.MODEL_NOT_LOADED]
    return fitting[0].failure(path=path, cause=_first(errors))


def _first(errors: list[str]) -> Note:
    return Reason.LIBRARY_ERROR.note(error=errors[0]) if errors else Reason.LIBRARY_SILENT.note()
