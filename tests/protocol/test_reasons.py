"""The table of reasons and its uses: every reason is used, with its fields, and has a sentence in every language."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import modelctl
import modeld
import pytest
from babel.messages.pofile import read_po
from modelctl.language import catalogue, sentences
from modelctl.language.catalogue import LOCALES
from modeld.protocol import reasons
from modeld.protocol.errors import ErrorCode, Failure, Note
from modeld.protocol.reasons import Reason
from modeld.protocol.wire import encode

SOURCES = [
    path
    for package in (modeld, modelctl)
    for path in sorted(Path(package.__path__[0]).rglob("*.py"))
    if path.name != "reasons.py"
]
USERS = [path for path in SOURCES if "import Reason" in path.read_text(encoding="utf-8")]
CATALOGUES = sorted(LOCALES.glob("*/LC_MESSAGES/modelctl.po"))


@pytest.fixture
def in_german() -> Iterator[None]:
    catalogue.use("de")
    yield
    catalogue.use("en")


def fields_of(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def reason_in(node: ast.expr) -> str:
    """``NAME`` of ``Reason.NAME``; empty for another expression."""
    is_reason = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason"
    return node.attr if is_reason else ""


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Where, which reason, and the call that gives it fields: its own method's, or one that takes it as an argument."""
    for path in USERS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                own = [node.func.value] if isinstance(node.func, ast.Attribute) else []
                for name in filter(None, map(reason_in, [*own, *node.args])):
                    yield f"{path.name}:{node.lineno}", name, node


def test_every_use_of_a_reason_gives_the_fields_of_its_sentence() -> None:
    wrong = []
    for where, name, call in calls():
        given = {keyword.arg for keyword in call.keywords}
        wanted = fields_of(Reason[name].message) | fields_of(Reason[name].hint)
        if None not in given and not wanted <= given:
            wrong.append(f"{where} {name}: {sorted(wanted - given)} is missing")
    assert wrong == []


def test_only_a_reason_with_a_code_makes_a_failure() -> None:
    wrong = []
    for where, name, call in calls():
        makes_failure = isinstance(call.func, ast.Attribute) and call.func.attr == "failure"
        if makes_failure and Reason[name].code is None:
            wrong.append(f"{where} {name}")
    assert wrong == []


def test_every_reason_is_used() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    assert [reason.name for reason in Reason if f"Reason.{reason.name}" not in text] == []


def test_no_two_reasons_say_the_same() -> None:
    assert [name for name, reason in Reason.__members__.items() if reason.name != name] == []


@pytest.mark.parametrize("file_of", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_every_reason_is_said_in_every_language_with_the_same_fields(file_of: Path) -> None:
    with file_of.open("rb") as file:
        known = {message.id: str(message.string) for message in read_po(file)}
    wrong = []
    for reason in Reason:
        for english in filter(None, (reason.message, reason.hint)):
            if not known.get(english):
                wrong.append(f"{reason.name}: no translation of {english!r}")
            elif fields_of(known[english]) != fields_of(english):
                wrong.append(f"{reason.name}: other fields in {known[english]!r}")
    assert wrong == []


def test_the_daemon_makes_failures_and_notes_from_reasons_only() -> None:
    made_by_hand = []
    for path in SOURCES:
        if "modeld" not in path.parts or path.parent.name == "protocol":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Failure", "Note"):
                made_by_hand.append(f"{path.name}:{node.lineno}")
    assert made_by_hand == []


def test_a_failure_says_its_reason_as_data_and_in_english() -> None:
    failure = Reason.MODEL_UNKNOWN.failure(key="phi", names="mistral")
    assert failure == Failure(
        code=ErrorCode.NOT_FOUND,
        message="There is no model 'phi'.",
        hint="Known models: mistral.",
        reason="model_unknown",
        fields={"key": "phi", "names": "mistral"},
    )
    assert b'"reason":"model_unknown"' in encode(failure)


def test_a_reason_of_a_newer_daemon_keeps_its_english(in_german: None) -> None:
    assert reasons.known("brand_new") is None
    assert sentences.of_note(Note(reason="brand_new", message="It is new.")) == "It is new."
    failure = Failure(code=ErrorCode.BUSY, message="It is new.", hint="Wait.", reason="brand_new")
    assert sentences.of_failure(failure) is None
    assert sentences.hint_of(failure) == "Wait."


def test_a_reason_with_the_fields_of_another_version_keeps_its_english(in_german: None) -> None:
    note = Note(reason="idle", fields={"minutes": 30}, message="not used for 30 minutes")
    assert sentences.of_note(note) == "not used for 30 minutes"
    assert sentences.of_notes([note], "english") == "not used for 30 minutes"
    number = Note(
        reason="disk_too_full_for_rest", fields=dict.fromkeys(("name", "needed_mib", "free_mib", "folder"), "x")
    )
    assert sentences.of_note(number) == ""
    failure = Failure(code=ErrorCode.NOT_FOUND, message="No model.", hint="Add one.", reason="model_unknown")
    assert sentences.of_failure(failure) is None
    assert sentences.hint_of(failure) == "Add one."
