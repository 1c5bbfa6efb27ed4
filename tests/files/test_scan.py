"""Models in the folders of other programs: found, shown, used where they lie, and never touched."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from modelctl import Client
from modelctl.errors import ModeldError
from modeld.adapters import external_models, gguf
from modeld.adapters.external_models import ExternalFolders
from modeld.core.effects import ScanExternalModels
from modeld.core.facts import ExternalFile
from modeld.core.state.task import Ticket
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import ModelState
from modeld.protocol.views import HeaderView, ModelView
from support import odd_gguf, tiny_gguf
from support.real_daemon import RealDaemon
from support.split_gguf import split


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """A home of its own, and none of the variables that would lead elsewhere."""
    return {"HOME": str(tmp_path), "OLLAMA_MODELS": "", "XDG_CACHE_HOME": "", "LLAMA_CACHE": ""}


def put(path: Path, model: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(model, path)
    return path


@pytest.fixture
def folders(tmp_path: Path, tiny_file: Path) -> Path:
    """A home with a model in each program's folder."""
    ollama = tmp_path / ".ollama" / "models"
    digest = hashlib.sha256(tiny_file.read_bytes()).hexdigest()
    put(ollama / "blobs" / f"sha256-{digest}", tiny_file)
    manifest = ollama / "manifests" / "registry.ollama.ai" / "library" / "tiny" / "8b"
    manifest.parent.mkdir(parents=True)
    layers = [
        {"mediaType": "application/vnd.ollama.image.template", "digest": f"sha256:{'1' * 64}", "size": 1},
        {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}", "size": 1},
    ]
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))
    (manifest.parent / "broken").write_text("{")
    (manifest.parent / "gone").write_text(
        json.dumps({"layers": [{"mediaType": layers[1]["mediaType"], "digest": f"sha256:{'2' * 64}"}]})
    )

    studio = tmp_path / ".lmstudio" / "models" / "org" / "Tiny-GGUF"
    put(studio / "Tiny-Q8_0.gguf", tiny_gguf.write(tmp_path / "other.gguf", seed=2))
    odd_gguf.thing(studio / "Vision-Tiny-F16.gguf", "clip", "mmproj")
    odd_gguf.thing(studio / "Tiny-calibration.gguf", "llama", "imatrix")
    for unfinished in (".gguf.download", ".gguf.tmp", ".gguf.part"):
        put(studio / f"Half-Q8_0{unfinished}", tiny_file)

    repo = tmp_path / ".cache" / "huggingface" / "hub" / "models--org--Big-GGUF"
    snapshot = repo / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    for part in split(tiny_gguf.write(tmp_path / "big.gguf", seed=3), tmp_path, "Big-Q4_0", 5):
        blob = put(repo / "blobs" / hashlib.sha256(part.read_bytes()).hexdigest(), part)
        (snapshot / part.name).symlink_to(Path("../..") / "blobs" / blob.name)

    put(tmp_path / ".cache" / "llama.cpp" / "org_cached.gguf", tiny_gguf.write(tmp_path / "third.gguf", seed=4))
    (tmp_path / ".cache" / "llama.cpp" / "broken.gguf").write_bytes(b"GGUF")
    return tmp_path


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file below the folders of the other programs."""
    names = (".ollama", ".lmstudio", ".cache")
    files = [path for name in names for path in (folder / name).rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def test_what_other_programs_have_is_listed_and_nothing_is_taken(folders: Path, daemon: RealDaemon, client: Client):
    known = len(client.list())
    found = client.scan().found
    assert [(one.program, one.key, one.failure is None) for one in found] == [
        ("Ollama", "tiny-8b", True),
        ("LM Studio", "tiny-q8_0", True),
        ("Hugging Face", "big-q4_0", True),
        ("llama.cpp", "broken", False),
        ("llama.cpp", "org_cached", True),
    ]
    assert found[2].header is not None and found[2].header.parts > 1
    assert len(client.list()) == known


def test_what_is_taken_is_used_where_it_lies_and_removing_it_leaves_it_there(
    folders: Path, daemon: RealDaemon, client: Client
):
    before = state_of(folders)
    added = client.scan(["tiny-8b", "big-q4_0"]).added
    assert [(model.key, model.state, model.in_place) for model in added] == [
        ("tiny-8b", ModelState.ON_DISK, True),
        ("big-q4_0", ModelState.ON_DISK, True),
    ]
    for key in ("tiny-8b", "big-q4_0"):
        client.load(key)
        assert client.generate(key, "a", max_tokens=2).completion_tokens > 0
        client.unload(key)
    again = client.scan()
    assert [one.model for one in again.found[:3]] == ["tiny-8b", "", "big-q4_0"]
    client.remove("tiny-8b")
    assert state_of(folders) == before
    assert not list(daemon.places.models_dir.glob("*"))


def test_all_means_all_that_can_be_used_and_they_are_known_after_a_restart(
    folders: Path, daemon: RealDaemon, client: Client
):
    assert len(client.scan(all_models=True).added) == 4
    daemon.stop()
    daemon.start()
    assert client.show("org_cached").state is ModelState.ON_DISK
    assert not client.scan(all_models=True).added


def test_a_name_that_was_not_found_takes_nothing(folders: Path, daemon: RealDaemon, client: Client):
    with pytest.raises(ModeldError) as caught:
        client.scan(["tiny-8b", "nonsense"])
    assert caught.value.code is ErrorCode.NOT_FOUND and "tiny-8b" in caught.value.hint
    assert not any(model.key == "tiny-8b" for model in client.list())


def reached(client: Client, key: str, state: ModelState) -> ModelView:
    """The model, once it has come to this state."""
    mirror = client.follow()
    for _ in mirror:
        now = mirror.model(key)
        if now is not None and now.state is state:
            break
    mirror.close()
    return client.show(key)


def test_a_model_whose_file_vanishes_says_so_and_is_back_when_the_file_is(
    folders: Path, daemon: RealDaemon, client: Client
):
    (model,) = client.scan(["org_cached"]).added
    aside = Path(model.path).replace(folders / "aside")
    gone = reached(client, "org_cached", ModelState.ABSENT)
    assert gone.failure is not None and gone.failure.code is ErrorCode.NOT_ON_DISK
    assert model.path in gone.failure.message
    aside.replace(model.path)
    assert reached(client, "org_cached", ModelState.ON_DISK).failure is None


def test_a_file_that_vanished_while_the_daemon_was_away_is_told_too(folders: Path, daemon: RealDaemon, client: Client):
    (model,) = client.scan(["org_cached"]).added
    daemon.stop()
    Path(model.path).unlink()
    daemon.start()
    failure = client.show("org_cached").failure
    assert failure is not None and model.path in failure.message


def read(path: Path) -> HeaderView | Failure:
    try:
        return gguf.read_model(path)
    except gguf.GgufError as error:
        return error.failure


def scanned(environment: dict[str, str], home: Path) -> list[ExternalFile]:
    effect = ScanExternalModels(add=[], all=False, ticket=Ticket(b"", ""))
    return ExternalFolders(environment, read, home).scan(effect).files


def test_folders_are_where_the_programs_variables_say(tmp_path: Path, tiny_file: Path):
    put(tmp_path / "l" / "a.gguf", tiny_file)
    put(tmp_path / "h" / "hub" / "models--o--r" / "snapshots" / "1" / "b.gguf", tiny_file)
    environment = {"LLAMA_CACHE": str(tmp_path / "l"), "HF_HOME": str(tmp_path / "h")}
    assert [stray.name for stray in scanned(environment, tmp_path / "none")] == ["b.gguf", "a.gguf"]


def test_the_same_file_is_listed_once(tmp_path: Path, tiny_file: Path):
    model = put(tmp_path / ".lmstudio" / "models" / "a.gguf", tiny_file)
    (tmp_path / ".cache" / "lm-studio").mkdir(parents=True)
    (tmp_path / ".cache" / "lm-studio" / "models").symlink_to(model.parent)
    assert len(scanned({}, tmp_path)) == 1


def test_a_file_whose_name_is_no_text_is_passed_over(folders: Path, daemon: RealDaemon, client: Client):
    studio = folders / ".lmstudio" / "models"
    shutil.copy(studio / "org" / "Tiny-GGUF" / "Tiny-Q8_0.gguf", os.fsencode(studio) + b"/\xff.gguf")
    assert [one.key for one in client.scan().found if one.program == "LM Studio"] == ["tiny-q8_0"]


def test_a_folder_with_more_than_can_be_looked_at_is_not_listed_to_its_end(
    tmp_path: Path, tiny_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(external_models, "MOST_ENTRIES", 10)
    put(tmp_path / "l" / "a.gguf", tiny_file)
    for number in range(20):
        (tmp_path / "l" / f"b{number:02}").mkdir()
    put(tmp_path / "l" / "b19" / "c.gguf", tiny_file)
    assert [stray.name for stray in scanned({"LLAMA_CACHE": str(tmp_path / "l")}, tmp_path / "none")] == ["a.gguf"]


def test_a_model_that_is_named_twice_is_taken_once(folders: Path, daemon: RealDaemon, client: Client):
    assert [model.key for model in client.scan(["tiny-8b", "tiny-8b"]).added] == ["tiny-8b"]
