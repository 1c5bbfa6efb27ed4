"""The command line in German, and how the language is chosen."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from modelctl import errors
from modelctl.language import catalogue, names
from modelctl.language.catalogue import _, _n
from modelctl.language.preference import chosen
from modeld.places import Places
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import JobKind, JobState, ModelState
from support.commandline import modelctl
from support.fake_daemon import FakeDaemon

CHOICE = ("MODELCTL_LANGUAGE", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


def speaking(*words: str, **choice: str) -> "subprocess.CompletedProcess[str]":
    """A verb in an environment that says no more about languages than ``choice``."""
    environment = {name: value for name, value in os.environ.items() if name not in CHOICE}
    return modelctl(*words, env={**environment, "PYTHONUTF8": "1", **choice})


def german(*words: str) -> "subprocess.CompletedProcess[str]":
    return speaking(*words, MODELCTL_LANGUAGE="de")


@pytest.fixture
def in_german() -> Iterator[None]:
    catalogue.use("de")
    yield
    catalogue.use("en")


@pytest.mark.parametrize(
    ("environment", "setting", "language"),
    [
        ({}, "", "en"),
        ({"LANG": "de_AT.UTF-8"}, "", "de_AT.UTF-8"),
        ({"LANG": "de_DE@euro"}, "", "de_DE@euro"),
        ({"LANG": "fr_FR.UTF-8"}, "", "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "de_DE"}, "", "de_DE"),
        ({"LANG": "de_DE", "LC_MESSAGES": "de_DE", "LC_ALL": "en_US"}, "", "en_US"),
        ({"LANGUAGE": "de:en"}, "", "de"),
        ({"LANGUAGE": "fr:de:en", "LANG": "en_US"}, "", "de"),
        ({"LANGUAGE": "en:de", "LANG": "de_DE"}, "", "en"),
        ({"LANGUAGE": "de", "LANG": "C"}, "", "C"),
        ({"LANGUAGE": "de", "LC_ALL": "POSIX"}, "", "POSIX"),
        ({"LANG": "C.UTF-8"}, "", "C.UTF-8"),
        ({"LANG": "en_US"}, "de", "de"),
        ({"LANG": "de_DE"}, "en", "en"),
        ({"LANG": "de_DE"}, "de-AT", "de-AT"),
        ({"LANG": "en_US", "MODELCTL_LANGUAGE": "de"}, "en", "de"),
        ({"LANG": "de_DE", "MODELCTL_LANGUAGE": "tlh"}, "de", "en"),
        ({"MODELCTL_LANGUAGE": "../de"}, "", "../de"),
    ],
)
def test_the_first_language_asked_for_that_there_is_is_chosen(
    environment: dict[str, str], setting: str, language: str
) -> None:
    assert chosen(environment, setting) == language


@pytest.mark.parametrize("language", ["de", "de_AT.UTF-8", "de-CH", "DE"])
def test_every_kind_of_german_is_german(language: str, in_german: None) -> None:
    catalogue.use(language)
    assert _("Cancelled") == "Abgebrochen"


@pytest.mark.parametrize("language", ["", "C", "POSIX", "C.UTF-8", "en", "en_GB.UTF-8", "tlh", "../de"])
def test_anything_else_is_english(language: str, in_german: None) -> None:
    catalogue.use(language)
    assert _("Cancelled") == "Cancelled"


def test_plurals_follow_the_language(in_german: None) -> None:
    def layers(count: int) -> str:
        text = _n("GPU Acceleration: {count} layer", "GPU Acceleration: {count} layers", count)
        return text.format(count=count)

    assert [layers(count) for count in (0, 1, 35)] == [
        "GPU-Beschleunigung: 0 Schichten",
        "GPU-Beschleunigung: 1 Schicht",
        "GPU-Beschleunigung: 35 Schichten",
    ]
    catalogue.use("en")
    assert [layers(count) for count in (1, 35)] == ["GPU Acceleration: 1 layer", "GPU Acceleration: 35 layers"]


@pytest.mark.parametrize(
    "choice",
    [
        {"MODELCTL_LANGUAGE": "de"},
        {"LANG": "de_AT.UTF-8"},
        {"LANGUAGE": "de:en"},
        {"LANGUAGE": "fr:de", "LANG": "en_US.UTF-8"},
    ],
)
def test_help_is_german_down_to_clicks_own_words(choice: dict[str, str]) -> None:
    said = speaking("load", "--help", **choice).stdout
    for part in ("Aufruf: modelctl load", "Ein Modell in den Arbeitsspeicher laden", "Optionen:", "Beispiel:"):
        assert part in said
    assert "Diese Hilfe anzeigen und beenden." in said
    for english in ("Usage", "Options:", "Show", "Load ", "Context size", "Example"):
        assert english not in said


@pytest.mark.parametrize("choice", [{}, {"LANG": "C", "LANGUAGE": "de"}, {"LC_ALL": "POSIX"}, {"LANG": "fr_FR.UTF-8"}])
def test_help_is_english_where_nothing_else_is_asked_for(choice: dict[str, str]) -> None:
    said = speaking("load", "--help", **choice).stdout
    assert said.startswith("Usage: modelctl load")
    assert "Show this message and exit." in said


def test_the_list_of_verbs_is_german() -> None:
    said = german("--help").stdout
    assert "Befehle:" in said
    assert "Die Modelle auflisten." in said
    assert said.endswith("Beginnen mit: modelctl up\n")


def test_the_setting_wins_over_the_system_and_the_variable_over_the_setting(places: Places) -> None:
    (places.config_dir / "client.toml").write_text('language = "de"\n')
    assert speaking("--help", LANG="en_US.UTF-8").stdout.startswith("Aufruf:")
    assert speaking("--help", LANG="de_DE.UTF-8", MODELCTL_LANGUAGE="en").stdout.startswith("Usage:")


@pytest.mark.parametrize("content", ["language = ", 'langauge = "de"\n', "scale = [1]\n"])
def test_a_wrong_preferences_file_is_one_warning_in_the_systems_language(
    fake_daemon: FakeDaemon, places: Places, content: str
) -> None:
    (places.config_dir / "client.toml").write_text(content)
    done = speaking("ls", LANG="de_DE.UTF-8")
    assert done.returncode == 0
    assert "KÜRZEL" in done.stdout
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("Warnung: ")
    assert "client.toml" in done.stderr
    assert speaking("ls").stderr.startswith("warning: ")


def test_the_models_are_listed_in_german(fake_daemon: FakeDaemon) -> None:
    heading, first, second, third = german("ls").stdout.splitlines()
    assert heading.split() == ["KÜRZEL", "ZUSTAND", "GRÖSSE", "KONTEXT", "NAME"]
    assert first.split()[:2] == ["MISTRAL", "geladen"]
    assert second.split()[:2] == ["ABSENT", "fehlt"]
    assert third.split()[:2] == ["PHI", "vorhanden"]


def test_the_card_is_german(fake_daemon: FakeDaemon) -> None:
    said = german("show", "mistral").stdout
    for part in (
        "✅  MISTRAL  🔵 GELADEN",
        "📊 Kontextfenster: 8192 Token",
        "🖥️ Nur CPU",
        "Kontext: 158/8192 Token [",
        "Quelle: https://example.invalid/m.gguf",
    ):
        assert part in said


def test_the_comparison_is_german_with_the_same_numbers(fake_daemon: FakeDaemon) -> None:
    lines = german("compare").stdout.splitlines()
    assert lines[0] == "📊 Leistungsvergleich"
    assert lines[1].split(" | ")[0].strip() == "Modell"
    assert lines[-2:] == ["🏆 Am schnellsten: MISTRAL (45.32 Token/s)", "💾 Am sparsamsten: PHI (900.0 MB)"]


def test_a_download_and_a_benchmark_are_shown_in_german(fake_daemon: FakeDaemon) -> None:
    pulled = german("pull", "mistral")
    assert "MISTRAL  60.0%  6.0 MB / 10.0 MB  1.0 MB/s  Restzeit 4s" in pulled.stderr.splitlines()
    assert pulled.stdout == "MISTRAL ist heruntergeladen. Laden mit: modelctl load mistral\n"
    measured = german("bench", "mistral")
    assert "  tg128           45.32 ± 0.50 Token/s" in measured.stdout.splitlines()
    assert "Der Lauf wurde gestört: another process took 40 % of the CPU." in measured.stderr


def test_what_the_daemon_says_has_a_german_headline_before_its_own_words(fake_daemon: FakeDaemon) -> None:
    done = german("load", "absent")
    assert done.returncode == 5
    assert done.stderr == (
        "Fehler: Das Modell ist nicht auf dem Datenträger – absent is not on disk.\nTipp: modelctl pull absent\n"
    )


def test_what_modelctl_says_itself_has_no_headline(places: Places) -> None:
    done = german("ls")
    assert done.returncode == 3
    assert done.stderr.startswith("Fehler: modeld läuft nicht (es gibt kein ")
    assert done.stderr.endswith("\nTipp: Starten mit: modelctl up\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["lod"], "Fehler: Unbekannter Befehl 'lod'."),
        (["load", "x", "--contxt", "1"], "Fehler: Unbekannte Option"),
        (["load", "x", "--context", "0"], "Fehler: Ungültiger Wert für '--context': 0 liegt nicht im Bereich x>=1."),
        (["load"], "Fehler: Es fehlt das Argument 'KEY'."),
        (["load", " "], "Das Kürzel eines Modells darf nicht leer sein."),
        (["unload"], "Fehler: Geben Sie ein Modell an oder verwenden Sie --all."),
    ],
)
def test_wrong_usage_is_told_in_german(words: list[str], says: str) -> None:
    done = german(*words)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Error" not in done.stderr


def test_json_is_the_same_in_every_language(fake_daemon: FakeDaemon) -> None:
    for words in (["ls"], ["compare"], ["load", "absent"], ["load"], ["lod"]):
        ours, theirs = german(*words, "--json"), speaking(*words, "--json")
        assert (ours.returncode, ours.stdout, ours.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)
    assert json.loads(german("unload", "--json").stderr)["error"]["message"] == "Name one model, or give --all."


@pytest.mark.parametrize("code", ErrorCode)
def test_every_failure_has_a_headline_of_its_own_language(code: ErrorCode, in_german: None) -> None:
    failure = Failure(code=code, message="what the daemon says.")
    explained = errors.explained(failure)
    assert explained == f"{errors.headline(code)} – what the daemon says."
    assert errors.explained(errors.LocalFailure(code=code, message="Was hier gesagt wird.")) == "Was hier gesagt wird."
    catalogue.use("en")
    assert errors.explained(failure) == "what the daemon says."
    assert errors.headline(code) not in explained


def test_states_have_names_in_german_and_are_the_wires_words_in_english(in_german: None) -> None:
    def told() -> list[str]:
        return [
            *map(names.of_model_state, ModelState),
            *map(names.of_job_state, JobState),
            *map(names.of_job_kind, JobKind),
        ]

    wire = [*map(str, ModelState), *map(str, JobState), *map(str, JobKind)]
    assert not set(told()) & (set(wire) - {"benchmark"})
    catalogue.use("en")
    assert told() == wire


def test_without_preferences_english_imports_nothing_to_read_them(places: Places) -> None:
    look = (
        "import sys\nfrom modelctl.cli.app import main\n"
        "try:\n    main(['ps'])\n"
        "finally:\n    print(sorted({'tomllib', 'modelctl.preferences'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (3, "[]\n")
