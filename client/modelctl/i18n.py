"""The language of every text a person reads: gettext, loaded only when it is not English.

``_("Close")`` and ``_n("{count} model", "{count} models", n)`` take English literals and are called where the text is
shown, never when a module is imported; values are filled in afterwards (``_("{key} is loaded.").format(key=key)``).
What the daemon says (failures, notes) and what the user's design prescribes word for word in tables stays as it is.

The language is MODELCTL_LANGUAGE, else ``language`` of ``client.toml``, else what the system says (LANGUAGE, LC_ALL,
LC_MESSAGES, LANG).
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gettext

LOCALES = Path(__file__).parent / "locale"
DOMAIN = "modelctl"

_catalogue: "gettext.NullTranslations | None" = None


def use(language: str) -> None:
    """Show texts in ``language`` (``de``, ``de_AT.UTF-8``); English where there is no translation."""
    global _catalogue
    code = language.split(".")[0]
    if code in ("", "C", "POSIX") or code.startswith("en"):
        _catalogue = None
        return
    import gettext

    _catalogue = gettext.translation(DOMAIN, LOCALES, languages=[code, code.split("_")[0]], fallback=True)


def _(text: str) -> str:
    """``text`` in the language in use."""
    return text if _catalogue is None else _catalogue.gettext(text)


def _n(one: str, many: str, count: int) -> str:
    """``one`` or ``many``, whichever ``count`` asks for, in the language in use."""
    if _catalogue is None:
        return one if count == 1 else many
    return _catalogue.ngettext(one, many, count)
