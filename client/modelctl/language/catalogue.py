"""Translates user-facing texts with gettext, which is loaded only if the language is not English.

``_("Close")`` and ``_n("{count} model", "{count} models", n)`` take English literals and are called where the text is
shown, never when a module is imported; values are filled in afterwards (``_("{key} is loaded.").format(key=key)``).
What is declared to click (a verb's docstring, an option's ``help=``) stays plain English there: ``modelctl.cli.verb``
translates it when the verb is looked up. Numbers keep their decimal point and timestamps ISO 8601 in every language, so
that what is read can be found again in ``--json``, in exports, in plots and in what llama.cpp prints.

``tools/translations.py`` collects the literals into ``locale/LANGUAGE/LC_MESSAGES/modelctl.po``, which is kept in
git; ``tools/compile_catalogues.py`` makes the ``.mo`` that gettext reads.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gettext

LOCALES = Path(__file__).parent.parent / "locale"
DOMAIN = "modelctl"

_catalogue: "gettext.NullTranslations | None" = None


def codes(language: str) -> list[str]:
    """The possible catalogue names of ``language``, best first; empty for English: ``de_AT.UTF-8``: de_AT, de."""
    code = language.partition(".")[0].partition("@")[0].replace("-", "_")
    if code in ("", "C", "POSIX") or not code.replace("_", "").isalnum():
        return []
    main = code.partition("_")[0].lower()
    return [] if main == "en" else [code, main]


def is_known(language: str) -> bool:
    """Whether there is a catalogue for ``language``."""
    names = codes(language)
    return not names or any(_file(name).is_file() for name in names)


def use(language: str) -> None:
    """Use ``language`` (``de``, ``de_AT.UTF-8``) for all texts; English for those without a translation."""
    global _catalogue
    names = codes(language)
    if not names:
        _catalogue = None
        return
    import gettext

    _catalogue = gettext.translation(DOMAIN, LOCALES, languages=names, fallback=True)


def is_english() -> bool:
    """Whether texts are shown untranslated."""
    return _catalogue is None


def use_for_click(language: str) -> None:
    """Translate click's own texts ("Usage:") with the same catalogue.

    click asks gettext for the process's domain, in the languages of the environment. So only a command line may call
    this, and it changes LANGUAGE only if the environment does not lead to the same catalogue.
    """
    names = codes(language)
    if not names:
        return
    import gettext

    gettext.bindtextdomain(DOMAIN, str(LOCALES))
    gettext.textdomain(DOMAIN)
    if gettext.find(DOMAIN, LOCALES) != gettext.find(DOMAIN, LOCALES, names):
        os.environ["LANGUAGE"] = ":".join(names)


def _(text: str) -> str:
    """``text`` in the current language."""
    return text if _catalogue is None else _catalogue.gettext(text)


def marked(text: str) -> str:
    """``text`` unchanged: it is collected for the catalogues, and translated with ``_`` when it is shown."""
    return text


def _n(one: str, many: str, count: int) -> str:
    """``one`` or ``many``, as ``count`` requires, in the current language."""
    if _catalogue is None:
        return one if count == 1 else many
    return _catalogue.ngettext(one, many, count)


def _file(code: str) -> Path:
    return LOCALES / code / "LC_MESSAGES" / f"{DOMAIN}.mo"
