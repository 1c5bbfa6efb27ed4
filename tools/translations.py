"""Keeps the translations of modelctl: collects its texts, merges them into the catalogues, compiles and checks those.

Texts are the literals in ``_("…")``, ``marked("…")`` and ``_n("…", "…", n)``, the docstrings of verbs (functions under
``@click.command(cls=Verb)``) and of their groups, the ``help=`` and ``epilog=`` of what is declared to click, and
click's own words.
``--update`` keeps every translation whose English is still there, says which ones it drops, and guesses nothing.
``--check`` writes nothing and fails where a catalogue is not complete and current.
"""

import argparse
import ast
import inspect
import string
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from compile_catalogues import compile_catalogues
from modeld.protocol.reasons import Reason
from modelservice import Template

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "client" / "modelctl"
DOMAIN = "modelctl"
HEADER = """\
# Translations of modelctl: what people read in the command line, the viewer, the tray and the notifications.
# Written by hand; tools/translations.py --update brings it up to date with the code.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Language: {language}\\n"
"Plural-Forms: {plurals}\\n"

"""

VERB_CLASSES = ("Verb", "VerbGroup")
"""The classes of ``modelctl.cli.verb`` whose help is the docstring."""

Id = str | tuple[str, str]
"""An English text, or its singular and its plural."""

Texts = dict[Id, list[str]]
"""Each text with the files that have it."""

CLICK: tuple[Id, ...] = (
    "Usage:",
    "Options",
    "Commands",
    "Arguments",
    "Show this message and exit.",
    "Error: {message}",
    "Try '{command} {option}' for help.",
    "Invalid value: {message}",
    "Invalid value for {param_hint}: {message}",
    "Missing argument",
    "Missing option",
    "Missing parameter",
    "Missing command.",
    "No such option: {name}",
    "No such option {name!r}.",
    "No such command {name!r}.",
    ("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)"),
    ("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
    ("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments."),
    "Option {name!r} does not take a value.",
    "Choose from:\n\t{choices}",
    ("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
    "{value!r} is not a valid {number_type}.",
    "{value} is not in the range {range}.",
    "{name} {filename!r} is a directory.",
    "file",
    "default: {default}",
    "required",
)
"""What click says to people who use modelctl, as its versions since 8.1 have it; click asks gettext for them."""


def main() -> int:
    """Update the catalogues, or say what is wrong with them."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--update", action="store_true", help="collect, merge and compile")
    what.add_argument("--check", action="store_true", help="write nothing; fail if a catalogue is not current")
    parser.add_argument("--package", type=Path, default=PACKAGE, help="the package whose texts they are")
    arguments = parser.parse_args()
    texts = collect(arguments.package)
    wrong: list[str] = []
    for path in sorted((arguments.package / "locale").glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        if arguments.update:
            update(path, texts)
        else:
            wrong += problems(path, texts)
    if arguments.update:
        compile_catalogues(arguments.package)
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        print(f"{len(wrong)} problems. Run tools/translations.py --update, then translate.", file=sys.stderr)
    return 1 if wrong else 0


def collect(package: Path) -> Texts:
    """All texts of the package, and click's."""
    texts: Texts = {id_: ["click"] for id_ in CLICK}
    for reason in Reason if package == PACKAGE else ():
        for text in filter(None, (reason.message, reason.hint)):
            texts[text] = ["modeld/protocol/reasons.py"]
    for template in Template if package == PACKAGE else ():
        texts[str(template)] = ["modelservice/messages.py"]
    for path in sorted(package.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        for id_ in _texts_of(tree, path):
            files = texts.setdefault(id_, [])
            name = path.relative_to(package.parent).as_posix()
            if name not in files:
                files.append(name)
    return _with_each_once(texts)


def _with_each_once(texts: Texts) -> Texts:
    """A text that is also the singular of a pair is looked up by gettext in the pair's translations."""
    for id_ in [id_ for id_ in texts if isinstance(id_, tuple)]:
        texts[id_] += texts.pop(id_[0], [])
    singulars = [id_[0] for id_ in texts if isinstance(id_, tuple)]
    twice = {one for one in singulars if singulars.count(one) > 1}
    if twice:
        raise SystemExit(f"gettext cannot tell apart two plurals of {', '.join(map(repr, sorted(twice)))}")
    return texts


def _texts_of(tree: ast.AST, path: Path) -> Iterator[Id]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="_" | "marked"), args=[ast.Constant(value=str(text))]):
                yield text
            case ast.Call(func=ast.Name(id="_n"), args=[ast.Constant(str(one)), ast.Constant(str(many)), _]):
                yield one, many
            case ast.Call(func=ast.Name(id="_" | "_n" | "marked"), args=[ast.JoinedStr(), *_]):
                raise SystemExit(f"{path}:{node.lineno}: an f-string cannot be translated; fill it in with .format()")
            case ast.Call(func=ast.Name(id="_n")):
                raise SystemExit(f"{path}:{node.lineno}: _n takes two literals and a count")
            case ast.Call(keywords=keywords):
                for keyword in keywords:
                    match keyword:
                        case ast.keyword(arg="help" | "epilog", value=ast.Constant(value=str(text))):
                            yield text
            case ast.FunctionDef() if _is_verb(node):
                yield inspect.cleandoc(ast.get_docstring(node) or "")


def _is_verb(function: ast.FunctionDef) -> bool:
    keywords = [keyword for call in function.decorator_list if isinstance(call, ast.Call) for keyword in call.keywords]
    classes = [keyword.value.id for keyword in keywords if keyword.arg == "cls" and isinstance(keyword.value, ast.Name)]
    return not set(classes).isdisjoint(VERB_CLASSES)


def update(path: Path, texts: Texts) -> None:
    """Bring the catalogue at ``path`` up to ``texts``; it names no files, so a moved module does not change it."""
    old = _read(path)
    known = {_id(message.id): message.string for message in old if message.id and not message.fuzzy}
    new = Catalog(locale=old.locale, fuzzy=False)
    for id_ in texts:
        new.add(id_, known.get(id_))
    for id_ in sorted(known.keys() - texts.keys(), key=str):
        print(f"dropped from {_language(path)}: {id_!r} = {known[id_]!r}")
    with path.open("wb") as file:
        file.write(HEADER.format(language=_language(path), plurals=old.plural_forms).encode())
        write_po(file, new, width=0, omit_header=True, sort_output=True)


def problems(path: Path, texts: Texts) -> Iterator[str]:
    """What keeps the catalogue at ``path`` from being complete and current, a line each."""
    language = _language(path)
    catalogue = _read(path)
    there = {_id(message.id): message for message in catalogue if message.id}
    for id_ in sorted(texts.keys() - there.keys(), key=str):
        yield f"{language}: missing: {id_!r} ({', '.join(texts[id_])})"
    obsolete = {_id(message.id) for message in catalogue.obsolete.values()}
    for id_ in sorted((there.keys() | obsolete) - texts.keys(), key=str):
        yield f"{language}: unused: {id_!r}"
    for id_ in sorted(there.keys() & texts.keys(), key=str):
        message = there[id_]
        translated = _parts(message.string or "")
        if message.fuzzy:
            yield f"{language}: fuzzy: {id_!r}"
        elif not all(translated):
            yield f"{language}: not translated: {id_!r} ({', '.join(texts[id_])})"
        else:
            originals = id_ if isinstance(id_, tuple) else (id_,)
            for text, original in zip(translated, originals, strict=True):
                if _placeholders(text) != _placeholders(original):
                    yield f"{language}: other placeholders: {original!r} and {text!r}"


def _placeholders(text: str) -> list[str]:
    """What ``str.format`` would fill in, with conversions and formats, in any order; a bad text has its own."""
    try:
        fields = [field for field in string.Formatter().parse(text) if field[1] is not None]
    except ValueError as error:
        return [str(error)]
    return sorted(f"{name}!{conversion}:{spec}" for _literal, name, spec, conversion in fields)


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=_language(path), domain=DOMAIN)


def _language(path: Path) -> str:
    return path.parent.parent.name


def _id(id_: str | list[str] | tuple[str, ...]) -> Id:
    return id_ if isinstance(id_, str) else (id_[0], id_[1])


def _parts(text: str | list[str] | tuple[str, ...]) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


if __name__ == "__main__":
    sys.exit(main())
