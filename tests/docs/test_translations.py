"""The tool that keeps the catalogues complete, on a small package of its own."""

import gettext
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "translations.py"
SOURCE = '''
import click


@click.command(cls=Verb)
@click.option("--loud", help="Say it louder.")
def greet(name, count):
    """Greet somebody."""
    print(_("Hello {name:>5}!").format(name=name))
    print(_n("{count} apple", "{count} apples", count).format(count=count))
'''
GERMAN = {
    "Greet somebody.": "Jemanden grüßen.",
    "Say it louder.": "Es lauter sagen.",
    "Hello {name:>5}!": "Hallo {name:>5}!",
}
EMPTY = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\n"
"Language: de\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"
"""


class Package:
    """A package with texts, and its German catalogue."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "greeting.py"
        self.catalogue = folder / "locale" / "de" / "LC_MESSAGES" / "modelctl.po"
        self._folder = folder

    def run(self, action: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, TOOL, action, "--package", self._folder], capture_output=True, text=True, timeout=60
        )

    def problems(self) -> list[str]:
        """What ``--check`` says, without click's texts, which nobody translates here."""
        done = self.run("--check")
        assert done.returncode == 1
        return [line for line in done.stderr.splitlines()[:-1] if "(click)" not in line]

    def change(self, before: str, after: str, *, compiled: bool = True) -> None:
        """Change the catalogue by hand."""
        text = self.catalogue.read_text(encoding="utf-8")
        assert text.count(before) == 1
        self.catalogue.write_text(text.replace(before, after), encoding="utf-8")
        if compiled:
            assert self.run("--update").returncode == 0


@pytest.fixture
def package(tmp_path: Path) -> Package:
    made = Package(tmp_path)
    made.source.write_text(SOURCE, encoding="utf-8")
    made.catalogue.parent.mkdir(parents=True)
    made.catalogue.write_text(EMPTY, encoding="utf-8")
    made.run("--update")
    for english, german in GERMAN.items():
        made.change(f'msgid "{english}"\nmsgstr ""', f'msgid "{english}"\nmsgstr "{german}"', compiled=False)
    plural = 'msgid_plural "{count} apples"\nmsgstr[0] '
    made.change(f'{plural}""\nmsgstr[1] ""', f'{plural}"{{count}} Apfel"\nmsgstr[1] "{{count}} Äpfel"')
    return made


def test_the_catalogue_of_modelctl_is_complete() -> None:
    done = subprocess.run([sys.executable, TOOL, "--check"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_complete_catalogue_has_no_problems_and_is_compiled(package: Package) -> None:
    assert package.problems() == []
    with package.catalogue.with_suffix(".mo").open("rb") as file:
        german = gettext.GNUTranslations(file)
    assert german.gettext("Hello {name:>5}!") == "Hallo {name:>5}!"
    assert [german.ngettext("{count} apple", "{count} apples", count) for count in (1, 2)] == [
        "{count} Apfel",
        "{count} Äpfel",
    ]


@pytest.mark.parametrize(
    "text",
    [
        '_("A new text")',
        '_("A " "new text")',
        "f\"{_('A new text')} …\"",
        'click.option("-x", help="A new text")',
        '_n("A new text", "New texts", 2)',
    ],
)
def test_a_missing_text_is_named_with_its_file(package: Package, text: str) -> None:
    package.source.write_text(f"{SOURCE}\n\n{text}\n", encoding="utf-8")
    (problem,) = package.problems()
    assert problem.startswith("de: missing: ")
    assert "'A new text'" in problem
    assert "greeting.py" in problem


def test_an_unused_text_is_named_until_an_update_drops_it(package: Package) -> None:
    package.source.write_text(SOURCE.replace("Say it louder.", "Say it loudly."), encoding="utf-8")
    assert package.problems() == [
        f"de: missing: 'Say it loudly.' ({package.source.parent.name}/greeting.py)",
        "de: unused: 'Say it louder.'",
    ]
    assert "'Say it louder.' = 'Es lauter sagen.'" in package.run("--update").stdout
    assert package.problems() == [f"de: not translated: 'Say it loudly.' ({package.source.parent.name}/greeting.py)"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Hallo {name:>5}!", "Hallo {nmae:>5}!"),
        ("Hallo {name:>5}!", "Hallo {name}!"),
        ("Hallo {name:>5}!", "Hallo!"),
        ("Hallo {name:>5}!", "Hallo {name:>5!"),
        ("{count} Äpfel", "Äpfel"),
    ],
)
def test_other_placeholders_are_named(package: Package, before: str, after: str) -> None:
    package.change(before, after)
    (problem,) = package.problems()
    assert problem.startswith("de: other placeholders: ")
    assert repr(after) in problem


def test_a_plural_with_one_form_only_is_not_translated(package: Package) -> None:
    package.change("{count} Äpfel", "")
    (problem,) = package.problems()
    assert problem.startswith("de: not translated: ('{count} apple', '{count} apples')")


def test_a_fuzzy_translation_is_named_and_not_kept(package: Package) -> None:
    package.change('msgid "Greet somebody."', '#, fuzzy\nmsgid "Greet somebody."', compiled=False)
    assert "de: fuzzy: 'Greet somebody.'" in package.problems()
    package.run("--update")
    assert "Jemanden" not in package.catalogue.read_text(encoding="utf-8")


def test_an_update_compiles_what_was_translated(package: Package) -> None:
    compiled = package.catalogue.with_suffix(".mo")
    package.change("Jemanden grüßen.", "Jemanden begrüßen.", compiled=False)
    assert "Jemanden begrüßen." not in compiled.read_text(encoding="utf-8", errors="replace")
    assert package.run("--update").returncode == 0
    assert "Jemanden begrüßen." in compiled.read_text(encoding="utf-8", errors="replace")


def test_an_update_of_what_is_current_changes_nothing(package: Package) -> None:
    files = (package.catalogue, package.catalogue.with_suffix(".mo"))
    before = [file.read_bytes() for file in files]
    assert package.run("--update").returncode == 0
    assert [file.read_bytes() for file in files] == before


def test_a_text_with_values_inside_is_refused(package: Package) -> None:
    package.source.write_text('_(f"Hello {name}!")\n', encoding="utf-8")
    done = package.run("--check")
    assert done.returncode == 1
    assert "greeting.py:1: an f-string cannot be translated" in done.stderr
