"""The classic manager, the live runtime and the two control calls, against a real daemon with a tiny model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from modelctl import Client
from modelctl.errors import ModeldError
from modelctl.jarvis import roles
from modelctl.jarvis.control import control_llm_model, get_llm_status
from modelctl.jarvis.daemon_access import DaemonAccess
from modelctl.jarvis.manager import LlmManager
from modelctl.jarvis.runtime import LlamaRuntime

OVERVIEW = (
    "name, display_name, description, context_length, parameters, use_case, format, size_gb, repo_url, strengths, "
    "weaknesses, role, downloaded, ready, local_path, size_bytes, size_human, loaded, active, available, filename, "
    "size_mb"
)
STATUS = (
    "current_model, model_loaded, available_models, ready_models, conversation_length, models_directory, use_gpu, "
    "cached_models, max_cached_models, response_cache_entries"
)


@pytest.fixture
def manager(access: DaemonAccess) -> LlmManager:
    return LlmManager(object(), access=access)


def test_a_model_is_loaded_asked_and_unloaded(manager: LlmManager, client: Client):
    assert manager.load_model("TINY") is True
    assert manager.current_model == "tiny" and manager.model_loaded and set(manager.loaded_models) == {"tiny"}
    answer = manager.generate_response("Hello", "Be brief.", 0.0, 4)
    assert isinstance(answer, str)
    assert client.show("tiny").loaded is not None
    manager.unload_model()
    assert manager.current_model is None and manager.loaded_models == {} and not manager.model_loaded


def test_what_cannot_be_done_is_false_or_none(manager: LlmManager):
    assert manager.load_model("nobody") is False
    assert manager.is_model_ready("nobody") is False and manager.get_model_path("nobody") is None
    assert manager.generate_response("Hi", model_key="nobody") is None
    assert manager.download_model("nobody") is False


def test_the_overview_has_every_key_and_metadata_of_what_is_loaded(manager: LlmManager, tiny_file: Path):
    manager.load_model("tiny")
    overview = manager.get_model_overview()
    tiny = overview["tiny"]
    assert ", ".join(key for key in tiny if key != "metadata") == OVERVIEW
    assert tiny["local_path"] == str(tiny_file) and tiny["loaded"] is True and tiny["display_name"] == "Tiny"
    assert set(tiny["metadata"]) == {"loaded_at", "last_used", "gpu_layers", "context_length", "load_duration"}  # type: ignore[call-overload]
    mistral = overview["mistral"]
    assert mistral["downloaded"] is False and mistral["local_path"] is None and "metadata" not in mistral
    assert str(mistral["repo_url"]).endswith("/NousResearch/Nous-Hermes-2-Mistral-7B-DPO-GGUF")
    assert manager.list_available_models() == manager.available_models


def test_the_status_has_every_key(manager: LlmManager, daemon):
    status = manager.get_model_status()
    assert ", ".join(status) == STATUS
    assert "tiny" in status["ready_models"] and status["model_loaded"] is False  # type: ignore[operator]
    assert str(manager.models_dir) == status["models_directory"] == str(daemon.places.models_dir)
    assert manager.default_model == "smollm2"


def test_the_host_may_choose_the_current_model(manager: LlmManager, client: Client, tiny_file: Path):
    client.add("other", str(tiny_file))
    manager.load_model("tiny")
    manager.load_model("other")
    manager.current_model = "TINY"
    assert manager.current_model == "tiny" and manager.choose_model_for_prompt("qqq") == "tiny"


def test_control_and_status_as_the_web_page_asks_for_them(manager: LlmManager):
    assert control_llm_model(manager, "load", "tiny") == {"action": "load", "success": True, "model": "tiny"}
    status = get_llm_status(manager)
    assert list(status) == ["available", "current", "loaded", "active", "metadata", "ready_models"]
    assert status["loaded"] == ["tiny"] and status["current"] == "tiny"
    assert control_llm_model(manager, "unload") == {"action": "unload", "success": True}
    assert control_llm_model(manager, "dance", "tiny")["success"] is False
    assert control_llm_model(manager, "download", "tiny")["success"] is True


def test_a_prompt_is_given_a_use_case_in_both_languages(manager: LlmManager):
    for prompt in ("Write a Python function for this bug", "Schreibe eine Funktion, das Programm hat einen Fehler"):
        prediction = manager.predict_use_case(prompt)
        assert prediction["use_case"] == "code", prompt
    assert roles.best_for("zzz") == "general" and sum(roles.scores("poem").values()) == 1.0


def test_the_runtime_loads_a_file_by_its_path_answers_and_unloads(
    access: DaemonAccess, client: Client, tiny_file: Path
):
    runtime = LlamaRuntime(access=access)
    runtime.default_temperature = 0.0
    assert runtime.load_model(str(tiny_file), "My Tiny", n_ctx=256) is True
    assert (runtime.is_loaded, runtime.model_name, runtime.n_ctx, runtime.device) == (True, "My Tiny", 256, "cpu")
    assert [model.key for model in client.list() if model.path == str(tiny_file)] == ["tiny"]
    answer = runtime.generate("ab", max_tokens=3)
    assert isinstance(answer, dict) and answer["success"] is True and answer["tokens_generated"] == 3
    assert list(answer) == ["success", "text", "tokens_generated", "time_taken", "tokens_per_second", "model", "device"]
    streamed = runtime.generate("ab", max_tokens=3, stream=True)
    assert isinstance(streamed, Iterator) and "".join(streamed) == answer["text"]
    talk = runtime.chat("hi", [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], max_tokens=2)
    assert talk["success"] is True
    status = runtime.get_status()
    assert status["loaded"] is True and status["context_window"] == 256 and status["available"] is True
    assert runtime.unload_model() is True and runtime.is_loaded is False
    assert runtime.generate("ab") == {"success": False, "error": "No model is loaded.", "text": ""}


def test_the_runtime_makes_an_unknown_file_known(access: DaemonAccess, client: Client, tmp_path: Path, tiny_file: Path):
    copy = tmp_path / "Another Model.gguf"
    copy.write_bytes(tiny_file.read_bytes())
    assert LlamaRuntime(access=access).load_model(str(copy), n_ctx=256)
    assert client.show("another-model").path == str(copy)


def test_a_file_that_is_no_model_is_false(access: DaemonAccess, tmp_path: Path):
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"nothing")
    assert LlamaRuntime(access=access).load_model(str(bad)) is False


def test_nothing_raises_while_the_daemon_is_away(away: DaemonAccess):
    manager = LlmManager(None, access=away)
    assert manager.load_model() is False and manager.is_model_ready("tiny") is False
    manager.unload_model()
    assert manager.generate_response("Hi") is None and manager.get_model_overview() == {}
    assert manager.get_model_status()["model_loaded"] is False and manager.default_model == ""
    assert control_llm_model(manager, "load")["success"] is False
    runtime = LlamaRuntime(access=away)
    assert runtime.load_model("/nowhere.gguf") is False and runtime.get_status()["available"] is False
    assert list(runtime.generate("x", stream=True)) == []


def test_the_same_object_works_again_when_the_daemon_is_back(daemon, manager: LlmManager):
    daemon.stop()
    assert manager.load_model("tiny") is False
    daemon.start()
    assert manager.load_model("tiny") is True


def test_a_daemon_that_is_away_is_started_where_that_is_wished(daemon, client: Client):
    daemon.stop()
    access = DaemonAccess(client, start_daemon=True)
    pong = access.attempt(lambda found: found.ping())
    assert not isinstance(pong, ModeldError)
    client.shutdown()
