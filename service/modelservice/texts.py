"""The contents of a systemd unit, an autostart entry, a launch agent and a Run key. Pure."""

import plistlib
import subprocess
from collections.abc import Sequence

from modelservice.program import Program

LABEL = "org.modeld.daemon"
"""The launch agent's name."""


def systemd_unit(program: Program) -> str:
    """A user unit (systemd.service(5)): ready when the daemon reports it, watched, restarted after a failure."""
    environment = "".join(f"Environment={_unit_word(f'{name}={value}')}\n" for name, value in program.environment)
    command = " ".join(_unit_word(word) for word in program.daemon("--no-tray"))
    return (
        "[Unit]\n"
        "Description=modeld, the daemon of local GGUF models\n"
        "StartLimitIntervalSec=300\n"
        "StartLimitBurst=5\n"
        "\n"
        "[Service]\n"
        "Type=notify\n"
        "NotifyAccess=main\n"
        f"ExecStart={command}\n"
        f"{environment}"
        "WatchdogSec=60\n"
        "Restart=on-failure\n"
        "RestartSec=2\n"
        "TimeoutStopSec=30\n"
        "UMask=0077\n"
        "LimitNOFILE=65536\n"
        "\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    )


def autostart_entry(
    name: str, comment: str, command: Sequence[str], environment: Sequence[tuple[str, str]] = ()
) -> str:
    """A desktop entry for ``~/.config/autostart`` (Desktop Application Autostart Specification)."""
    words = ["env", *(f"{key}={value}" for key, value in environment), *command] if environment else [*command]
    return (
        "[Desktop Entry]\n"
        "Type=Application\n"
        f"Name={name}\n"
        f"Comment={comment}\n"
        f"Exec={' '.join(map(_entry_word, words))}\n"
        "Terminal=false\n"
        "X-GNOME-Autostart-enabled=true\n"
    )


def launch_agent(program: Program, log: str) -> bytes:
    """A launch agent (launchd.plist(5)): started at login, and restarted after a failure."""
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(program.daemon()),
            "EnvironmentVariables": dict(program.environment),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ProcessType": "Interactive",
            "StandardErrorPath": log,
        }
    )


def run_value(words: Sequence[str]) -> str:
    """A value of Windows' Run key: a command line for CreateProcess, with the interpreter without a console."""
    first = words[0]
    windowless = f"{first[: -len('python.exe')]}pythonw.exe" if first.lower().endswith("python.exe") else first
    return subprocess.list2cmdline([windowless, *words[1:]])


def _unit_word(word: str) -> str:
    """One word of a unit's setting: ``%`` and ``$`` doubled, quoted if needed (systemd.syntax(7))."""
    doubled = word.replace("\\", "\\\\").replace("%", "%%").replace("$", "$$").replace('"', '\\"')
    return f'"{doubled}"' if any(sign in word for sign in " \t'\"\\;") else doubled


def _entry_word(word: str) -> str:
    """One word of an Exec line: ``%`` doubled, quoted if needed (Desktop Entry Specification)."""
    doubled = word.replace("%", "%%")
    if not any(sign in word for sign in " \t\n\"'\\><~|&;$*?#()`"):
        return doubled
    for sign in '\\"`$':
        doubled = doubled.replace(sign, f"\\{sign}")
    # The line as a whole is a string too, so backslashes are doubled again.
    return '"' + doubled.replace("\\", "\\\\") + '"'
