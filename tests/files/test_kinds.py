"""What a GGUF file holds, by its header: only text models are added, offered and benchmarked."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from modelctl import Client
from modelctl.errors import ModeldError
from modeld.adapters.gguf import read_header
from modeld.protocol.errors import ErrorCode
from modeld.protocol.reasons import Reason
from modeld.protocol.states import ModelKind, ModelState
from support import odd_gguf, tiny_gguf
from support.real_daemon import RealDaemon

Type = odd_gguf.Type
CAUSAL_OFF = ("llada.attention.causal", False, Type.BOOL)
LLADA_POOLED = [CAUSAL_OFF, ("llada.pooling_type", 1, Type.UINT32)]
LORA = [("adapter.type", "lora", Type.STRING)]
Write = Callable[[Path], Path]

KINDS: dict[str, tuple[Write, ModelKind, Reason]] = {
    "embedder": (odd_gguf.encoder, ModelKind.EMBEDDING, Reason.MAKES_EMBEDDINGS),
    "silent embedder": (
        lambda path: odd_gguf.encoder(path, pooling=None, causal=None),
        ModelKind.EMBEDDING,
        Reason.MAKES_EMBEDDINGS,
    ),
    "reranker": (lambda path: odd_gguf.encoder(path, pooling=4), ModelKind.RERANKER, Reason.RANKS_TEXTS),
    "t5": (odd_gguf.encoder_decoder, ModelKind.ENCODER_DECODER, Reason.IS_ENCODER_DECODER),
    "llada": (
        lambda path: odd_gguf.speaker(path, "ab", architecture="llada", pairs=[CAUSAL_OFF]),
        ModelKind.DIFFUSION,
        Reason.IS_DIFFUSION_MODEL,
    ),
    "adapter": (lambda path: odd_gguf.thing(path, "llama", "adapter"), ModelKind.ADAPTER, Reason.IS_ADAPTER),
    "old adapter": (lambda path: odd_gguf.thing(path, "llama", pairs=LORA), ModelKind.ADAPTER, Reason.IS_ADAPTER),
    "projector": (lambda path: odd_gguf.thing(path, "clip", "mmproj"), ModelKind.PROJECTOR, Reason.IS_PROJECTOR),
    "statistics": (
        lambda path: odd_gguf.thing(path, "", "imatrix"),
        ModelKind.IMPORTANCE_MATRIX,
        Reason.IS_IMPORTANCE_MATRIX,
    ),
    "control vector": (
        lambda path: odd_gguf.thing(path, "controlvector"),
        ModelKind.CONTROL_VECTOR,
        Reason.IS_CONTROL_VECTOR,
    ),
    "vocabulary": (lambda path: odd_gguf.thing(path, "llama", "vocab"), ModelKind.VOCABULARY, Reason.IS_VOCABULARY),
    "image model": (lambda path: odd_gguf.thing(path, "flux"), ModelKind.OTHER, Reason.NOT_A_TEXT_MODEL),
}


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """A home of its own, and none of the variables that would lead elsewhere."""
    return {"HOME": str(tmp_path), "OLLAMA_MODELS": "", "XDG_CACHE_HOME": "", "LLAMA_CACHE": ""}


@pytest.mark.parametrize(("write", "kind", "reason"), KINDS.values(), ids=list(KINDS))
def test_the_header_says_what_the_file_holds(tmp_path: Path, write: Write, kind: ModelKind, reason: Reason) -> None:
    assert read_header(write(tmp_path / "file.gguf")).kind == kind


def test_a_text_model_is_one_whatever_its_name(tmp_path: Path) -> None:
    for path in (tiny_gguf.write(tmp_path / "Model-imatrix-Q4_K_M.gguf"), odd_gguf.hybrid(tmp_path / "mmproj.gguf")):
        assert read_header(path).kind == ModelKind.TEXT


def test_a_file_that_holds_no_text_model_is_not_added(daemon: RealDaemon, client: Client, tmp_path: Path) -> None:
    for number, (write, _, reason) in enumerate(KINDS.values()):
        path = write(tmp_path / f"{number}.gguf")
        with pytest.raises(ModeldError) as caught:
            client.add(f"k{number}", str(path))
        assert caught.value.failure.reason == reason.id
        assert caught.value.code is ErrorCode.BAD_MODEL_FILE
    assert not [model for model in client.list() if model.key.startswith("k")]


def test_a_file_that_was_exchanged_for_an_embedder_is_refused_and_left_out_of_bench_all(
    daemon: RealDaemon, client: Client, tmp_path: Path
) -> None:
    path = tiny_gguf.write(tmp_path / "model.gguf")
    client.add("exchanged", str(path))
    daemon.stop()
    odd_gguf.encoder(path)
    daemon.start()
    assert client.show("exchanged").state is ModelState.ON_DISK
    for ask in (client.load, lambda key: client.generate(key, "a"), lambda key: client.benchmark([key])):
        with pytest.raises(ModeldError) as caught:
            ask("exchanged")
        assert caught.value.failure.reason == Reason.MAKES_EMBEDDINGS.id
    client.add("text", str(tiny_gguf.write(tmp_path / "text.gguf", seed=2)))
    models = [job.model for job in client.benchmark(all_models=True, repetitions=1)]
    assert "text" in models and "exchanged" not in models


def test_scan_offers_no_file_that_cannot_be_used(daemon: RealDaemon, client: Client, tmp_path: Path) -> None:
    shelf = tmp_path / ".lmstudio" / "models" / "org" / "repo"
    shelf.mkdir(parents=True)
    for name in ("embedder", "adapter", "projector", "statistics"):
        KINDS[name][0](shelf / f"{name}.gguf")
    tiny_gguf.write(shelf / "Model-imatrix-Q4_K_M.gguf")
    found = {one.name: one.failure.reason if one.failure else "" for one in client.scan().found}
    assert found == {
        "embedder.gguf": Reason.MAKES_EMBEDDINGS.id,
        "adapter.gguf": Reason.IS_ADAPTER.id,
        "Model-imatrix-Q4_K_M.gguf": "",
    }
    assert [model.key for model in client.scan(all_models=True).added] == ["model-imatrix-q4_k_m"]


def test_an_ollama_model_with_an_adapter_is_not_taken_without_it(
    daemon: RealDaemon, client: Client, tmp_path: Path
) -> None:
    models = tmp_path / ".ollama" / "models"
    blob = tiny_gguf.write(tmp_path / "tiny.gguf")
    digest = hashlib.sha256(blob.read_bytes()).hexdigest()
    (models / "blobs").mkdir(parents=True)
    blob.replace(models / "blobs" / f"sha256-{digest}")
    manifests = models / "manifests" / "registry.ollama.ai" / "library" / "tiny"
    manifests.mkdir(parents=True)
    for tag, layers in {"adapted": ["adapter", "model"], "plain": ["model"]}.items():
        listed = [
            {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": f"sha256:{digest}"} for kind in layers
        ]
        (manifests / tag).write_text(json.dumps({"layers": listed}))
    found = {one.name: one.failure.reason if one.failure else "" for one in client.scan().found}
    assert found == {"tiny:adapted": Reason.NEEDS_ADAPTER.id, "tiny:plain": ""}
