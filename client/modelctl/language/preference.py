"""Which language a person wants: MODELCTL_LANGUAGE, else ``language`` of ``client.toml``, else what the system says."""

import sys
from collections.abc import Iterator, Mapping

from modelctl.language.catalogue import is_known

ENGLISH = "en"
PREFERENCES_FILE = "client.toml"
"""Named here, so that where there is none nothing is imported to read it."""


def chosen(environment: Mapping[str, str], setting: str = "") -> str:
    """The first language asked for that there is; English when there is none.

    MODELCTL_LANGUAGE and ``setting`` may be lists as LANGUAGE is one (``fr:de``).
    """
    asked = environment.get("MODELCTL_LANGUAGE") or setting
    wanted = asked.split(":") if asked else of_system(environment)
    return next((language for language in wanted if is_known(language)), ENGLISH)


def of_system(environment: Mapping[str, str]) -> Iterator[str]:
    """The system's languages, the most wanted first.

    As in GNU gettext: LANGUAGE is a list and counts before the locale (the first of LC_ALL, LC_MESSAGES and LANG that
    is set), unless that is C or POSIX. Without any of them the platform is asked, where it has other means.
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
        """The languages of the system's settings: a program that was not started by a shell has no LANG."""
        import plistlib
        from pathlib import Path

        path = Path("~/Library/Preferences/.GlobalPreferences.plist").expanduser()
        try:
            preferences = plistlib.loads(path.read_bytes())
        except (OSError, ValueError):  # no such settings: then it is English
            return
        yield from map(str, preferences.get("AppleLanguages", []))

elif sys.platform == "win32":

    def _of_platform() -> Iterator[str]:
        """The language of Windows' own windows."""
        import ctypes
        import locale

        yield locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), ENGLISH)

else:

    def _of_platform() -> Iterator[str]:
        """None: the environment says it all."""
        return iter(())
