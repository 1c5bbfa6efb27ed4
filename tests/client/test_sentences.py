"""The daemon's notes and failures, as a person who reads German has them."""

from collections.abc import Iterator

import pytest
from modelctl import errors
from modelctl.language import catalogue, sentences
from modeld.core.memory.estimate import Candidate, who_must_go
from modeld.protocol.errors import Note
from modeld.protocol.reasons import Reason

MIB = 1024 * 1024


@pytest.fixture
def in_german() -> Iterator[None]:
    catalogue.use("de")
    yield
    catalogue.use("en")


@pytest.mark.parametrize(
    ("note", "german"),
    [
        (Reason.NOTHING_LOADED.note(), "Es war nichts geladen."),
        (Reason.UNLOADING.note(names="mistral, phi"), "Wird entladen: mistral, phi."),
        (Reason.MODEL_REMOVED.note(key="tiny"), "tiny wurde mit seiner Datei entfernt."),
        (Reason.IDLE.note(seconds=1800), "seit 1800 s ungenutzt"),
    ],
)
def test_a_note_is_german(note: Note, german: str, in_german: None) -> None:
    assert sentences.of_notes([note], note.message) == german
    catalogue.use("en")
    assert sentences.of_notes([note], note.message) == note.message


@pytest.mark.parametrize(
    ("needed", "most", "german"),
    [
        (50, 9, "50 MiB werden gebraucht, aber nur 10 MiB sind verfügbar"),
        (5, 1, "die Höchstzahl geladener Modelle ist 1"),
        (50, 1, "50 MiB werden gebraucht, aber nur 10 MiB sind verfügbar, und die Höchstzahl geladener Modelle ist 1"),
    ],
)
def test_why_a_model_must_go_is_german(needed: int, most: int, german: str, in_german: None) -> None:
    loaded = [Candidate("mistral", 100 * MIB, 1.0, pinned=False, busy=False)]
    eviction = who_must_go(needed * MIB, 10 * MIB, loaded, most)
    assert eviction is not None and eviction.cause is not None
    cause = Reason.MAKES_ROOM.note(key="phi", cause=eviction.cause)
    assert sentences.of_note(cause) == f"macht Platz für phi: {german}"


def test_the_hint_of_a_failure_is_german_and_follows_its_note(in_german: None) -> None:
    failure = Reason.MODEL_IN_MEMORY.failure(key="tiny")
    assert errors.explained(failure) == "tiny ist im Arbeitsspeicher."
    assert errors.advice(failure) == "Entladen Sie es zuerst: modelctl unload tiny"
    said = "tiny ist im Arbeitsspeicher. Entladen Sie es zuerst: modelctl unload tiny"
    assert sentences.of_notes([failure.note()], "") == said


def test_an_answer_of_an_older_daemon_has_english_only(in_german: None) -> None:
    assert sentences.of_notes([], "Unloaded.") == "Unloaded."
