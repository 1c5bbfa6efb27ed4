"""A private desktop for tests, all real: screen, session bus, notification server and tray host.

Xvfb, dbus-daemon, dunst and xfce4-panel, each a child of the test run, with their own home and runtime folder. If one
does not start, the test fails; nothing is skipped. ``make test`` installs missing programs, or names them.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from support.waiting import DEADLINE_S, until

NEEDED = ("Xvfb", "dbus-daemon", "dunst", "xfce4-panel", "xdotool", "import", "gdbus")
SCREEN = (1280, 800)

_PANEL = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0"><property name="configver" type="int" value="2"/>
<property name="panels" type="array"><value type="int" value="1"/><property name="panel-1" type="empty">
<property name="position" type="string" value="p=8;x=640;y=780"/>
<property name="length" type="uint" value="100"/><property name="position-locked" type="bool" value="true"/>
<property name="size" type="uint" value="32"/>
<property name="plugin-ids" type="array"><value type="int" value="1"/><value type="int" value="2"/></property>
</property></property><property name="plugins" type="empty">
<property name="plugin-1" type="string" value="separator"><property name="expand" type="bool" value="true"/>
<property name="style" type="uint" value="0"/></property>
<property name="plugin-2" type="string" value="systray"/></property></channel>
"""


class VirtualDesktop:
    """A running desktop; ``environment`` is for programs that run on it."""

    def __init__(self, folder: Path, *, panel: bool = True, notifications: bool = True) -> None:
        missing = [name for name in NEEDED if not shutil.which(name)]
        assert not missing, f"{', '.join(missing)} missing; tools/setup.py --desktop installs or names the packages"
        self.folder = folder
        self._children: list[subprocess.Popen[bytes]] = []
        home, run = folder / "home", folder / "run"
        settings = home / ".config/xfce4/xfconf/xfce-perchannel-xml"
        settings.mkdir(parents=True)
        (settings / "xfce4-panel.xml").write_text(_PANEL)
        run.mkdir(mode=0o700)
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in ("WAYLAND_DISPLAY", "LANGUAGE")},
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_RUNTIME_DIR": str(run),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        self._dunst_log = folder / "dunst.log"
        try:
            self._start_screen()
            self._start_bus()
            if notifications:
                self._start("dunst", ["dunst", "-print"])
                self.wait_for_name("org.freedesktop.Notifications")
            if panel:
                self.start_panel()
        except BaseException:
            self.close()
            raise

    def start_panel(self) -> "subprocess.Popen[bytes]":
        """Start the tray host; it can be stopped (``stop``) and started again."""
        self.panel = self._start("panel", ["xfce4-panel", "--disable-wm-check"])
        self.wait_for_name("org.kde.StatusNotifierWatcher")
        return self.panel

    def stop(self, child: "subprocess.Popen[bytes]") -> None:
        """Stop one of the desktop's programs."""
        self._children.remove(child)
        _end([child])

    def run(self, *command: str) -> str:
        """Run a command on the desktop to its end; return its output."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
        return done.stdout

    def wait_for_name(self, name: str) -> None:
        """Wait until a name has an owner on the bus."""
        until(lambda: self.has_name(name), f"{name} on the bus; {self.logs()}")

    def has_name(self, name: str) -> bool:
        """Whether a name has an owner on the bus."""
        return "true" in self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "NameHasOwner", name)

    def call(self, destination: str, path: str, method: str, *arguments: str) -> str:
        """Call a D-Bus method like gdbus; a method without a dot is in the interface named like the destination."""
        full = method if "." in method else f"{destination}.{method}"
        base = ["gdbus", "call", "--session", "--dest", destination, "--object-path", path, "--method", full]
        return self.run(*base, *arguments)

    def screenshot(self, path: Path) -> Path:
        """The whole screen as a PNG."""
        self.run("import", "-silent", "-window", "root", str(path))
        return path

    def windows(self, title: str) -> Sequence[str]:
        """The ids of the visible windows whose title matches."""
        done = subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--name", title],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        return done.stdout.split()

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Press and release like a user: a click without a pause can be lost between two frames."""
        self.run("xdotool", "mousemove", str(x), str(y), "sleep", "0.2", "mousedown", str(button))
        self.run("xdotool", "sleep", "0.3", "mouseup", str(button), "sleep", "0.1")

    def keys(self, *names: str) -> None:
        """Press keys, by X's names."""
        self.run("xdotool", "key", "--delay", "60", *names)

    def type(self, text: str) -> None:
        """Type a text."""
        self.run("xdotool", "type", "--delay", "30", text)

    def notifications(self) -> Sequence[str]:
        """All notifications so far as dunst received them: their fields as text."""
        text = self._dunst_log.read_text(errors="replace")
        return [part.strip() for part in re.findall(r"^\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)]

    def logs(self) -> str:
        """The output of the desktop's programs."""
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')}" for path in self.folder.glob("*.log"))

    def close(self) -> None:
        """Stop everything."""
        _end(self._children[::-1])
        self._children.clear()

    def _start_screen(self) -> None:
        reading, writing = os.pipe()
        try:
            size = f"{SCREEN[0]}x{SCREEN[1]}x24"
            self._start("xvfb", ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"], writing)
        finally:
            os.close(writing)
        with os.fdopen(reading) as answer:
            self.environment["DISPLAY"] = f":{answer.readline().strip()}"

    def _start_bus(self) -> None:
        reading, writing = os.pipe()
        try:
            self._start("bus", ["dbus-daemon", "--session", "--nofork", f"--print-address={writing}"], writing)
        finally:
            os.close(writing)
        with os.fdopen(reading) as answer:
            self.environment["DBUS_SESSION_BUS_ADDRESS"] = answer.readline().strip()

    def _start(self, name: str, command: Sequence[str], *descriptors: int) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, pass_fds=descriptors)
        self._children.append(child)
        return child


def environment_of(desktop: VirtualDesktop, home: Path, **settings: str) -> Mapping[str, str]:
    """The environment of a program on this desktop, for the daemon's home ``home``.

    A daemon that is started there starts no tray, since that would outlive the test.
    """
    return {**desktop.environment, "MODELD_HOME": str(home), "MODELD_TRAY": "0", **settings}


def _end(children: Sequence["subprocess.Popen[bytes]"]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(5)
