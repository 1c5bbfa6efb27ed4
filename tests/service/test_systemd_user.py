"""The unit under a real systemd user manager, in a mount namespace of its own: ready, watched, restarted, stopped.

A manager needs root here, to make the namespace; without it this file's tests say so and fail nowhere else.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.real_daemon import NOT_OURS
from support.waiting import until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a systemd of one's own needs root for its namespace")


class UserManager:
    """``systemd --user`` of a made-up person."""

    def __init__(self, folder: Path) -> None:
        self.home = folder
        self.run_dir = folder / "run"
        self.run_dir.mkdir(mode=0o700)
        kept = {name: value for name, value in os.environ.items() if not name.startswith((*NOT_OURS, "XDG_"))}
        kept.pop("DBUS_SESSION_BUS_ADDRESS", None)
        kept.pop("DISPLAY", None)
        self.environment = {
            **kept,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(self.run_dir),
            "MODELD_HOME": str(folder / "models home"),
        }
        manager = "/lib/systemd/systemd" if Path("/lib/systemd/systemd").exists() else shutil.which("systemd")
        script = (
            "mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system"
            f" && exec {manager} --user"
        )
        with (folder / "manager.log").open("wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", script], env=self.environment, stdout=log, stderr=log
            )
        until((self.run_dir / "systemd/private").exists, f"a user manager: {(folder / 'manager.log').read_text()}")

    def modelctl(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """modelctl as the person types it."""
        command = [sys.executable, "-m", "modelctl", *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=90)

    def show(self, name: str) -> str:
        """A property of the unit."""
        command = ["systemctl", "--user", "show", "modeld.service", "--value", f"--property={name}"]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60).stdout.strip()

    def close(self) -> None:
        """End the manager and what it started."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[UserManager]:
    made = UserManager(tmp_path)
    yield made
    made.close()


@needs_root
def test_installed_it_runs_is_started_again_after_a_crash_and_uninstalled_it_leaves_the_models(manager: UserManager):
    done = manager.modelctl("service", "install")
    assert done.returncode == 0, done.stderr
    assert manager.show("ActiveState") == "active" and manager.show("UnitFileState") == "enabled"
    assert manager.modelctl("ls").returncode == 0
    assert "starts at login: yes" in manager.modelctl("service", "status").stdout

    model = Path(manager.environment["MODELD_HOME"]) / "models/mine.gguf"
    model.parent.mkdir(parents=True, exist_ok=True)
    model.write_bytes(b"weights")
    first = manager.show("MainPID")
    os.kill(int(first), signal.SIGKILL)
    until(lambda: manager.show("MainPID") not in (first, "0") and manager.show("ActiveState") == "active", "a restart")

    again = manager.modelctl("service", "install")
    assert again.returncode == 0 and manager.show("ActiveState") == "active"

    gone = manager.modelctl("service", "uninstall")
    assert gone.returncode == 0 and str(model.parent) in gone.stderr + gone.stdout
    assert manager.show("LoadState") == "not-found" and model.read_bytes() == b"weights"
    assert manager.modelctl("ls").returncode == 3


@needs_root
def test_a_daemon_that_hangs_is_noticed_by_the_watchdog(manager: UserManager):
    assert manager.modelctl("service", "install").returncode == 0
    drop_in = manager.home / ".config/systemd/user/modeld.service.d/quick.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text("[Service]\nWatchdogSec=3\nWatchdogSignal=SIGKILL\n")
    for words in (["daemon-reload"], ["restart", "modeld.service"]):
        subprocess.run(["systemctl", "--user", *words], env=manager.environment, check=True, timeout=60)
    pid = manager.show("MainPID")
    os.kill(int(pid), signal.SIGSTOP)
    until(lambda: manager.show("MainPID") not in (pid, "0"), "the watchdog's restart", 60)
