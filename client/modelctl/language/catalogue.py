"""Every text a person reads, in their language: gettext, loaded only when it is not English.

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
    """What a catalogue of ``language`` may be called, best first; empty for English: ``de_AT.UTF-8``: de_AT, de."""
    code = language.partition(".")[0].partition("@")[0].replace("-", "_")
    if code in ("", "C", "POSIX") or not code.replace("_", "").isalnum():
        return []
    main = code.partition("_")[0].lower()
    return [] if main == "en" else [code, main]


def is_known(language: str) -> bool:
    """Whether texts can be shown in ``language``."""
    names = codes(language)
    return not names or any(_file(name).is_file() for name in names)


def use(language: str) -> None:
    """Show texts in ``language`` (``de``, ``de_AT.UTF-8``); English where there is no translation."""
    global _catalogue
    names = codes(language)
    if not names:
        _catalogue = None
        return
    import gettext

    _catalogue = gettext.translation(DOMAIN, LOCALES, languages=names, fallback=True)


def is_english() -> bool:
    """Whether texts are shown as they stand in the code."""
    return _catalogue is None


def use_for_click(language: str) -> None:
    """Let click's own words ("Usage:") come from the same catalogue.

    click asks gettext for the domain of the process, in the languages of the environment; so only a command line may do
    this, and it changes LANGUAGE only where the environment does not lead to the same catalogue.
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
    """``text`` in the language in use."""
    return text if _catalogue is None else _catalogue.gettext(text)


def marked(text: str) -> str:
    """``text`` as it stands: it is collected for the catalogues, and translated with ``_`` when it is shown."""
    return text


def _n(one: str, many: str, count: int) -> str:
    """``one`` or ``many``, whichever ``count`` asks for, in the language in use."""
    if _catalogue is None:
        return one if count == 1 else many
    return _catalogue.ngettext(one, many, count)


def _file(code: str) -> Path:
    return LOCALES / code / "LC_MESSAGES" / f"{DOMAIN}.mo"
