"""Chooses the user's language: MODELCTL_LANGUAGE, else ``language`` in ``client.toml``, else the system's."""

import sys
from collections.abc import Iterator, Mapping

from modelctl.language.catalogue import is_known

ENGLISH = "en"
PREFERENCES_FILE = "client.toml"
"""The languages with a catalogue; a constant, so that nothing need be imported to find out."""


def chosen(environment: Mapping[str, str], setting: str = "") -> str:
    """The first requested language that has a catalogue; English if there is none.

    MODELCTL_LANGUAGE and ``setting`` may be lists like LANGUAGE (``fr:de``).
    """
    asked = environment.get("MODELCTL_LANGUAGE") or setting
    wanted = asked.split(":") if asked else of_system(environment)
    return next((language for language in wanted if is_known(language)), ENGLISH)


def of_system(environment: Mapping[str, str]) -> Iterator[str]:
    """The system's languages, most preferred first.

    As in GNU gettext: LANGUAGE is a list and takes precedence over the locale (the first of LC_ALL, LC_MESSAGES and
    LANG that is set), unless that is C or POSIX. If none is set, the platform's own settings are used, if it has any.
    """
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    if locale not in ("C", "POSIX"):
        yield from filter(None, environment.get("LANGUAGE", "").split(":"))
    if locale:
        yield locale
    else:
        yield from _of_platform()


if sys.platform == "darwin":

    def _of_platform() -> Iterator[str]:
        """The languages in the system settings: a program that was not started by a shell has no LANG."""
        import plistlib
        from pathlib import Path

        path = Path("~/Library/Preferences/.GlobalPreferences.plist").expanduser()
        try:
            preferences = plistlib.loads(path.read_bytes())
        except (OSError, ValueError):  # without these settings, use English
            return
        yield from map(str, preferences.get("AppleLanguages", []))

elif sys.platform == "win32":

    def _of_platform() -> Iterator[str]:
        """The display language of Windows."""
        import ctypes
        import locale

        yield locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), ENGLISH)

else:

    def _of_platform() -> Iterator[str]:
        """None: the environment is the only source."""
        return iter(())
