"""What the worker refuses to load, and why: the first cause, and one hint that fits."""

from collections.abc import Callable
from pathlib import Path

import pytest
from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.workers import LoadFailed, LoadFile
from support import odd_gguf, tiny_gguf
from support.worker_child import DEADLINE_S, Child

Start = Callable[[], Child]


def refused(start: Start, path: Path) -> Failure:
    """Why a worker does not load this file; the worker ends by itself."""
    child = start()
    child.tell(LoadFile(model="m", path=str(path), context_size=256, threads=1))
    failure = child.hear(LoadFailed).failure
    assert child.process.wait(DEADLINE_S) == 1
    return failure


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (odd_gguf.encoder, Reason.MAKES_EMBEDDINGS),
        (lambda path: odd_gguf.encoder(path, pooling=4), Reason.RANKS_TEXTS),
        (lambda path: odd_gguf.encoder(path, pooling=None, causal=None), Reason.MAKES_EMBEDDINGS),
        (odd_gguf.encoder_decoder, Reason.IS_ENCODER_DECODER),
        (lambda path: odd_gguf.speaker(path, "ab", architecture="llada"), Reason.IS_DIFFUSION_MODEL),
        (
            lambda path: odd_gguf.speaker(path, "ab", pairs=[("llama.pooling_type", 3, odd_gguf.Type.UINT32)]),
            Reason.MAKES_EMBEDDINGS,
        ),
    ],
    ids=["embedding", "reranker", "no pooling", "encoder-decoder", "diffusion", "embedding decoder"],
)
def test_a_model_that_makes_no_text_is_refused_for_what_it_is(
    start: Start, tmp_path: Path, write: Callable[[Path], Path], reason: Reason
):
    assert refused(start, write(tmp_path / "model.gguf")).reason == reason.id


def unknown_tensor_type(path: Path) -> Path:
    data = bytearray(tiny_gguf.write(path).read_bytes())
    at = data.index(b"token_embd.weight") + len(b"token_embd.weight") + 4 + 16
    data[at : at + 4] = (137).to_bytes(4, "little")
    path.write_bytes(data)
    return path


def cut_off(path: Path) -> Path:
    path.write_bytes(tiny_gguf.write(path).read_bytes()[:-5000])
    return path


@pytest.mark.parametrize(
    ("write", "reason", "words"),
    [
        (unknown_tensor_type, Reason.MODEL_TOO_NEW, "invalid ggml type 137"),
        (lambda path: odd_gguf.thing(path, "gptoss"), Reason.MODEL_TOO_NEW, "unknown model architecture: 'gptoss'"),
        (lambda path: odd_gguf.speaker(path, "ab", pre="newest"), Reason.MODEL_TOO_NEW, "'newest'"),
        (
            lambda path: odd_gguf.speaker(path, "ab", tensors=[("v.patch_embd.weight", (8, 3, 4, 4))]),
            Reason.MODEL_NOT_FOR_LLAMA_CPP,
            "wrong number of tensors; expected 13, got 12",
        ),
        (lambda path: odd_gguf.thing(path, "llama", "adapter"), Reason.MODEL_NOT_FOR_LLAMA_CPP, "llama.context_length"),
        (cut_off, Reason.MODEL_DAMAGED, "not within the file bounds"),
        (lambda path: path, Reason.MODEL_NOT_OPENED, "No such file"),
    ],
    ids=["tensor type", "architecture", "pre-tokenizer", "vision tensors", "adapter", "cut off", "missing"],
)
def test_a_file_that_llama_cpp_cannot_load_has_the_first_cause_and_a_hint_that_fits(
    start: Start, tmp_path: Path, write: Callable[[Path], Path], reason: Reason, words: str
):
    failure = refused(start, write(tmp_path / "model.gguf"))
    assert failure.reason == reason.id
    assert words in failure.message
    assert "failed to load model" not in failure.message
