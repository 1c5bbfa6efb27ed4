"""A real daemon and a hub: sources, models in several files, what fits, refusals, and what is asked of whom."""

import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from modelctl import Client
from modelctl.errors import ModeldError
from modeld.protocol.errors import ErrorCode
from modeld.protocol.reasons import Reason
from modeld.protocol.states import JobState, ModelState
from support import odd_gguf, tiny_gguf
from support.hub_emulator import HubEmulator, Repository
from support.real_daemon import RealDaemon
from support.split_gguf import split

REPO = "org/Tiny-GGUF"


@pytest.fixture
def hub() -> Iterator[HubEmulator]:
    with HubEmulator() as emulator:
        yield emulator


@pytest.fixture
def settings(hub: HubEmulator, tmp_path: Path) -> dict[str, str]:
    return {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": "hf_good", "HF_HOME": str(tmp_path / "hf"), "HOME": str(tmp_path)}


@pytest.fixture
def tiny(hub: HubEmulator, tiny_file: Path) -> Repository:
    """A repository with a model in two quantizations (by name) and things beside them."""
    data = tiny_file.read_bytes()
    files = {
        "README.md": b"# Tiny",
        "Tiny-Q4_K_M.gguf": data,
        "Tiny-Q8_0.gguf": data + os.urandom(1000),
        "mmproj-Tiny-F16.gguf": data,
        "config.json": b"{}",
    }
    return hub.add(REPO, files, downloads=100, likes=7)


@pytest.fixture
def parts(hub: HubEmulator, tmp_path: Path) -> list[Path]:
    """A repository with a model in three files."""
    whole = tiny_gguf.write(tmp_path / "whole.gguf", layers=2)
    found = split(whole, tmp_path, "Big-Q4_0", 8)
    hub.add("org/big", {f"Q4_0/{path.name}": path.read_bytes() for path in found})
    return found


def refused(client: Client, source: str) -> ModeldError:
    with pytest.raises(ModeldError) as caught:
        client.pull(source, wait=True)
    return caught.value


def test_pulling_a_source_adds_it_under_a_key_of_its_name_and_takes_the_best(
    daemon: RealDaemon, client: Client, hub: HubEmulator, tiny: Repository
):
    job = client.pull(f"hf:{REPO}", wait=True)
    assert (job.model, job.state) == ("tiny", JobState.DONE)
    model = client.show("tiny")
    assert model.path.endswith("/Tiny-Q4_K_M.gguf") and model.verified
    assert model.sha256 == hashlib.sha256(tiny.commits[tiny.main]["Tiny-Q4_K_M.gguf"]).hexdigest()
    assert client.pull(f"hf:{REPO}").model == "tiny"


def test_the_token_goes_to_the_hub_only_and_the_hub_is_asked_little(
    daemon: RealDaemon, client: Client, hub: HubEmulator, tiny: Repository
):
    client.pull(f"hf:{REPO}:q8_0", wait=True)
    assert {seen.authorization for seen in hub.requests("hub")} == {"Bearer hf_good"}
    assert {seen.authorization for seen in hub.requests("cdn")} == {""}
    assert len(hub.requests("hub", "/tree/")) == 2, "one for each page"
    assert len(hub.requests("hub", "/resolve/")) == 2, "one for the header, one for the file"
    assert f"/resolve/{tiny.main}/" in hub.requests("hub", "/resolve/")[-1].path
    for file in daemon.home.rglob("*"):
        assert not file.is_file() or b"hf_good" not in file.read_bytes(), file


def test_a_model_in_several_files_is_one_download_that_loads_answers_and_goes_as_a_whole(
    daemon: RealDaemon, client: Client, hub: HubEmulator, parts: list[Path]
):
    client.add("big", "hf:org/big:Q4_0")
    job = client.pull("big", wait=True)
    size = sum(path.stat().st_size for path in parts)
    assert (job.progress.done, job.progress.total) == (size, size)
    model = client.show("big")
    assert (model.parts, model.size_bytes, model.verified) == (len(parts), size, True)
    assert model.header is not None and model.header.layers == 2
    client.load("big")
    assert client.generate("big", "a", max_tokens=3).completion_tokens > 0
    client.unload("big")
    there = {path.name for path in daemon.places.models_dir.iterdir()}
    assert there == {path.name for path in parts}
    client.remove("big")
    assert not list(daemon.places.models_dir.iterdir())


def test_a_part_that_is_missing_after_a_restart_is_fetched_again_alone(
    daemon: RealDaemon, client: Client, hub: HubEmulator, parts: list[Path]
):
    client.add("big", "hf:org/big")
    client.pull("big", wait=True)
    daemon.stop()
    (daemon.places.models_dir / parts[1].name).unlink()
    daemon.start()
    assert client.show("big").state is ModelState.ABSENT
    before = len(hub.requests("cdn"))
    client.pull("big", wait=True)
    assert client.show("big").verified
    fetched = sum(seen.sent for seen in hub.requests("cdn")[before:])
    assert fetched <= parts[1].stat().st_size + 300_000, "one part and the header's beginning"


def test_a_damaged_part_is_found_by_the_hash_that_the_listing_says(
    daemon: RealDaemon, client: Client, hub: HubEmulator, parts: list[Path]
):
    client.add("big", "hf:org/big")
    client.pull("big", wait=True)
    daemon.stop()
    here = daemon.places.models_dir
    (here / parts[0].name).unlink()
    damaged = bytearray((here / parts[2].name).read_bytes())
    damaged[-1] ^= 1
    (here / parts[2].name).write_bytes(damaged)
    daemon.start()
    client.pull("big", wait=True)
    assert (here / parts[2].name).read_bytes() == parts[2].read_bytes()


def test_before_a_download_it_is_known_what_the_model_needs(client: Client, hub: HubEmulator, tiny: Repository):
    client.add("tiny", f"hf:{REPO}:Q4_K_M")
    fits = client.show("tiny", look=True).fits
    assert fits is not None and fits.verdict == "fits" and fits.context_size == 256
    assert fits.disk_bytes == len(tiny.commits[tiny.main]["Tiny-Q4_K_M.gguf"]) and fits.disk_free > fits.disk_bytes
    assert client.show("tiny").estimated_bytes == fits.memory_bytes
    assert all(seen.range for seen in hub.requests("cdn"))


def test_the_files_of_a_repository_are_listed_with_what_fits(client: Client, hub: HubEmulator, tiny: Repository):
    found = client.files(f"hf:{REPO}")
    assert [(file.file, file.quantization) for file in found.files] == [
        ("Tiny-Q4_K_M.gguf", "Q4_K_M"),
        ("Tiny-Q8_0.gguf", "Q8_0"),
    ]
    assert (found.chosen, found.commit) == ("Tiny-Q4_K_M.gguf", tiny.main)
    assert all(file.fits is not None and file.fits.verdict == "fits" for file in found.files)
    client.pull(found.files[1].source, wait=True)


def test_a_repository_without_a_text_model_says_so(client: Client, hub: HubEmulator, tmp_path: Path):
    hub.add("org/embedder", {"Embedder-F16.gguf": odd_gguf.encoder(tmp_path / "embedder.gguf").read_bytes()})
    assert [note.reason for note in client.files("hf:org/embedder").notes] == [Reason.MAKES_EMBEDDINGS.id]


def test_a_search_comes_in_pages(client: Client, hub: HubEmulator):
    for number in range(5):
        hub.add(f"org/qwen-{number}-gguf", {}, downloads=number, gated=number == 4)
    hub.add("org/llama-gguf", {})
    first = client.search("qwen  gguf", limit=3)
    assert [found.id for found in first.repositories] == ["org/qwen-4-gguf", "org/qwen-3-gguf", "org/qwen-2-gguf"]
    assert first.repositories[0].gated and not first.repositories[1].gated
    rest = client.search("qwen gguf", limit=3, cursor=first.next)
    assert [found.id for found in rest.repositories] == ["org/qwen-1-gguf", "org/qwen-0-gguf"] and not rest.next
    assert hub.requests("hub")[0].query["filter"] == "gguf"


def test_what_is_not_there_is_named_with_what_is(client: Client, hub: HubEmulator, tiny: Repository):
    error = refused(client, f"hf:{REPO}:Q5_K_M")
    assert error.code is ErrorCode.NOT_FOUND and "Q4_K_M, Q8_0" in error.hint
    error = refused(client, f"hf:{REPO}:Tiny-Q9.gguf")
    assert error.code is ErrorCode.NOT_FOUND and "Tiny-Q8_0.gguf" in error.hint
    error = refused(client, "hf:org/none")
    assert error.code is ErrorCode.NOT_FOUND and "no repository org/none" in error.message
    error = refused(client, f"hf:{REPO}@v9")
    assert error.code is ErrorCode.NOT_FOUND and "v9" in error.message


def test_a_gated_repository_says_where_to_ask(client: Client, hub: HubEmulator, tiny: Repository):
    tiny.gated = True
    error = refused(client, f"hf:{REPO}")
    assert error.code is ErrorCode.NOT_ALLOWED and f"{hub.endpoint}/{REPO}" in error.hint
    assert "the variable HF_TOKEN" in error.message and "hf_good" not in error.message
    listed = client.files(f"hf:{REPO}")
    assert len(listed.files) == 2 and "gated" in listed.note and listed.files[0].fits is None
    tiny.let_in.add("hf_good")
    assert client.pull(f"hf:{REPO}", wait=True).state is JobState.DONE


def test_an_older_revision_is_pulled_as_it_was(client: Client, hub: HubEmulator, tiny: Repository):
    old = tiny.main
    hub.add(REPO, {"New-Q4_K_M.gguf": tiny.commits[old]["Tiny-Q8_0.gguf"]})
    client.pull(f"hf:{REPO}@{old}", wait=True)
    (model,) = [model for model in client.list() if model.source.startswith(f"hf:{REPO}")]
    assert model.path.endswith("Tiny-Q4_K_M.gguf")


def test_a_hub_that_is_busy_is_waited_for_by_a_download_and_explained_to_who_asks(
    client: Client, hub: HubEmulator, tiny: Repository
):
    hub.too_many = [77]
    with pytest.raises(ModeldError) as caught:
        client.files(f"hf:{REPO}")
    assert caught.value.code is ErrorCode.BUSY
    assert "500 requests in 300 s" in caught.value.message and "77 s" in caught.value.hint
    hub.too_many = [1, 1]
    assert client.pull(f"hf:{REPO}", wait=True).state is JobState.DONE


def test_a_download_that_waits_for_the_hub_is_paused_and_cancelled_at_once(
    client: Client, hub: HubEmulator, tiny: Repository
):
    hub.too_many = [600] * 10
    mirror = client.follow()
    job = client.pull(f"hf:{REPO}")
    for _ in mirror:
        now = mirror.job(job.id)
        if now is not None and now.progress.phase == "waiting to retry":
            break
    mirror.close()
    assert client.pause(job=job.id)[0].state is JobState.PAUSED
    client.resume(job=job.id)
    client.cancel(job=job.id)
    assert client.jobs("tiny")[0].state is JobState.CANCELLED
    hub.too_many = []
    assert client.pull("tiny", wait=True).state is JobState.DONE


def test_a_header_that_cannot_be_read_is_a_note_and_no_failure(client: Client, hub: HubEmulator, tiny: Repository):
    hub.lifetime_s = 0.0
    client.add("tiny", f"hf:{REPO}")
    assert client.look("tiny").note
    hub.lifetime_s = 3600.0
    assert client.pull("tiny", wait=True).state is JobState.DONE


def test_a_model_in_several_files_goes_on_in_the_middle_after_the_daemon_was_killed(
    daemon: RealDaemon, client: Client, hub: HubEmulator, tmp_path: Path
):
    whole = tiny_gguf.write(tmp_path / "large.gguf", vocabulary=40_000)
    files = split(whole, tmp_path, "Large-Q4_0", 1)
    hub.add("org/large", {path.name: path.read_bytes() for path in files})
    hub.bytes_per_s = 8_000_000
    client.add("large", "hf:org/large")
    mirror = client.follow()
    client.pull("large")
    for _ in mirror:
        now = client.jobs("large")[0].progress
        if now.done > files[0].stat().st_size:
            break
    mirror.close()
    daemon.stop(signal.SIGKILL)
    hub.bytes_per_s = 0.0
    before = len(hub.requests("cdn"))
    daemon.start()
    job = client.pull("large", wait=True)
    assert job.state is JobState.DONE
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    here = daemon.places.models_dir
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in here.iterdir()} == hashes
    again = sum(seen.sent for seen in hub.requests("cdn")[before:])
    size = sum(path.stat().st_size for path in files)
    assert again < size - files[0].stat().st_size + 400_000, "the first file was not fetched again"


def test_a_download_that_is_cancelled_for_good_leaves_none_of_its_files(
    daemon: RealDaemon, client: Client, hub: HubEmulator, tmp_path: Path
):
    files = split(tiny_gguf.write(tmp_path / "large.gguf", vocabulary=40_000), tmp_path, "Large-Q4_0", 1)
    hub.add("org/large", {path.name: path.read_bytes() for path in files})
    hub.bytes_per_s = 8_000_000
    client.add("large", "hf:org/large")
    mirror = client.follow()
    client.pull("large")
    for _ in mirror:
        if client.jobs("large")[0].progress.done > files[0].stat().st_size:
            break
    client.cancel(model="large", keep=False)
    for _ in mirror:
        if not any(daemon.places.models_dir.iterdir()):
            break
    mirror.close()
    assert not list(daemon.places.models_dir.iterdir())


def test_an_address_whose_signature_ended_during_a_download_is_asked_for_anew(
    client: Client, hub: HubEmulator, tmp_path: Path
):
    data = tiny_gguf.write(tmp_path / "large.gguf", vocabulary=40_000).read_bytes()
    hub.add("org/large", {"Large-Q4_0.gguf": data})
    hub.bytes_per_s = 4_000_000
    client.add("large", "hf:org/large")
    mirror = client.follow()
    job = client.pull("large")
    for _ in mirror:
        if client.jobs("large")[0].progress.done > 0:
            break
    mirror.close()
    client.pause(job=job.id)
    hub.bytes_per_s = 0.0
    hub.signed.clear()
    assert client.pull("large", wait=True).state is JobState.DONE
    assert client.show("large").verified
